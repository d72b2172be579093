// The verb `explain`: explains a kill of a kernel log in plain words. The words are in oomlog/.
#include "report/oomlog/explain.h"

#include <filesystem>
#include <utility>

#include "report/commands/commands.h"
#include "report/console.h"
#include "report/host_files/host_text.h"
#include "report/oomlog/explain_simulation.h"
#include "report/oomlog/parse_oom_report.h"
#include "report/shared_options.h"
#include "report/whole_file.h"

namespace oomcast::report {
namespace {

constexpr int64_t kLogBytesMost = int64_t{1} << 30;

constexpr const char* kExamples = R"(Examples:
  oomcast explain /var/log/kern.log                the last kill in the file
  journalctl -k -b -1 | oomcast explain -          of the boot before; dmesg and syslog will do, too
  oomcast explain kern.log --nth 1 --json          the first kill, with its figures
  oomcast explain kern.log.2.gz --prove 60         with more time for the simulation; 0: none
  oomcast run --host kern.log -- ./server          would it fit the host of that kill, its victim gone?

Exit status: 0 a kill was found, 2 bad input.)";

void add_options(CLI::App& app, CommandLine& line) {
  ExplainOptions& options = line.explain;
  app.footer(kExamples);
  app.add_option(
         "LOG", options.log,
         "A kernel log: of dmesg, journalctl -k, kern.log or messages, compressed or in a sosreport; - is stdin")
      ->required();
  add_nth_option(app, options.nth, "Which OOM kill of the log, from 1 (default: the last)");
  app.add_flag("--json", options.json, "The figures and the sentences as JSON (oomcast.explain.v1)");
  app.add_option("--prove", options.prove_s,
                 "Check by simulation for at most so long whether the model kills too, and what would have helped; 0: "
                 "not at all (default: 10)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 1e6));
}

int explain(const CommandLine& line) {
  const ExplainOptions& options = line.explain;
  const bool from_stdin = options.log == "-";
  const std::string name = from_stdin ? "stdin" : options.log;
  auto log = read_whole_file(from_stdin ? "/dev/stdin" : options.log, kLogBytesMost);
  if (!log)
    return fail(kExitUsage, "explain: " + name + ": " + log.error().message +
                                "; name a kernel log, or pipe one: journalctl -k | oomcast explain -");
  const auto text = kernel_log_in(std::move(log).value(), name);
  if (!text) return fail(kExitUsage, "explain: " + text.error().message);
  const auto report = oomlog::parse_oom_report(text.value(), name, options.nth);
  if (!report) return fail(kExitUsage, "explain: " + report.error().message);
  oomlog::Explanation explanation = oomlog::explain(report.value());
  const auto simulated = [&] {
    return oomlog::simulate_kill(report.value(), std::filesystem::path(name).filename().string(),
                                 {options.prove_s, nullptr});
  };
  if (options.json) {
    if (options.prove_s == 0) return print(oomlog::explanation_json(report.value(), explanation, nullptr));
    const oomlog::SimulatedKill kill = simulated();
    explanation.sections.push_back(explain_simulation(report.value(), kill));
    return print(oomlog::explanation_json(report.value(), explanation, &kill));
  }
  // The explanation is printed before the simulation, which takes seconds.
  if (const int failed = print(oomlog::explanation_text(explanation)); failed != 0 || options.prove_s == 0)
    return failed;
  return print(section_text(explain_simulation(report.value(), simulated())));
}

}  // namespace

constinit const Verb kExplainVerb = {
    .name = "explain",
    .about = "Why the kernel killed: an OOM report of a kernel log in plain words",
    .add_options = add_options,
    .command = explain,
};

}  // namespace oomcast::report
