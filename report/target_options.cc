// Options that mirror the target, their words in a trace, and the words applied again.
#include "report/target_options.h"

#include <CLI/CLI.hpp>

#include "report/command_line.h"

namespace oomcast::report {

void add_target_options(CLI::App& app, RunOptions& options) {
  app.add_option("--cpu-node", options.model.cpu_node, "The program's threads run on the CPUs of this node")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  CLI::Option* membind = app.add_option("--membind", options.membind,
                                        "All of the program's memory is on these nodes, as 'numactl --membind'")
                             ->type_name("NODES");
  CLI::Option* interleave =
      app.add_option("--interleave", options.interleave, "Its memory goes round these nodes, page by page")
          ->type_name("NODES");
  CLI::Option* preferred =
      app.add_option("--preferred", options.preferred, "Its memory is on this node while there is any")
          ->type_name("NODE");
  membind->excludes(interleave)->excludes(preferred);
  interleave->excludes(preferred);
  app.add_option("--oom-score-adj", options.model.oom_score_adj, "The program's oom_score_adj on the target")
      ->type_name("N")
      ->check(CLI::Range(-1000, 1000));
  app.add_option("--on-oom", "What a modelled OOM kill of the program does: continue (default) or kill it for real")
      ->type_name("continue|kill")
      ->check(CLI::IsMember({"continue", "kill"}))
      ->each([&options](const std::string& value) { options.model.kill_on_oom = value == "kill"; });
  app.add_option(
         "--on-refuse",
         "What a modelled refusal of memory (overcommit) does: continue (default), or enomem: the call fails for real")
      ->type_name("continue|enomem")
      ->check(CLI::IsMember({"continue", "enomem"}))
      ->each([&options](const std::string& value) { options.model.refuse_enomem = value == "enomem"; });
}

std::vector<std::string> target_words(const CLI::App& app) {
  CLI::App known;
  RunOptions ignored;
  known.set_help_flag();
  add_target_options(known, ignored);
  std::vector<std::string> words;
  for (const CLI::Option* option : known.get_options()) {
    const CLI::Option* given = app.get_option_no_throw(option->get_name());
    if (given == nullptr || given->count() == 0) continue;
    words.push_back(option->get_name() + "=" + given->results().back());
  }
  return words;
}

Result<void> apply_target_words(const std::vector<std::string>& words, RunOptions& options) {
  CLI::App app;
  app.set_help_flag();
  add_target_options(app, options);
  try {
    // CLI11 takes arguments back to front.
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& error) {
    return Error{first_line(error.what())};
  }
  return {};
}

}  // namespace oomcast::report
