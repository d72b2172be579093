// The verb `sweep`: forecasts a recorded run on many hosts, here or in parts.
#include "report/sweep.h"

#include <unistd.h>

#include <cstdio>

#include "report/commands/commands.h"
#include "report/commands/recording.h"
#include "report/commands/sweep_parts.h"
#include "report/commands/target_host.h"
#include "report/console.h"
#include "report/fleet/fleet_grammar.h"
#include "report/host_list.h"
#include "report/page/page_command.h"
#include "report/shared_options.h"
#include "report/target_options.h"

namespace oomcast::report {
namespace {

constexpr const char* kExamples = R"(Examples:
  oomcast sweep t.trace --vary memory=1G..16G             doubled from row to row
  oomcast sweep t.trace --vary memory=1G..2G:128M --vary vm.swappiness=0,60
  oomcast sweep t.trace --host vm-1g --vary swap=0,512M,1G --html sweep.html
  oomcast sweep t.trace --vary cgroup.memory.max=128M..1G --json
  oomcast sweep t.trace --hosts fleet/ --vary memory=1G..16G      each host of a folder
  oomcast sweep t.trace --hosts fleet/ --parts parts --engine slurm --html fleet.html    on a cluster
  oomcast sweep t.trace --hosts fleet/ --parts parts --part 3/20, and when all are there: ... --parts parts --merge

Exit status: 0, also where single rows are no host that can be; 2 for usage, host and trace errors.)";

void add_options(CLI::App& app, CommandLine& line) {
  app.footer(kExamples);
  add_replay_options(app, line);
  app.add_option(
         "--vary", line.replay.vary,
         "What differs between the hosts: memory=1G..16G (doubling), memory=1G..4G:512M, vm.swappiness=0,60,100, "
         "cgroup.memory.max=..., host=a.json,vm-1g, or an option such as oom-score-adj=0,500; repeatable: every "
         "combination")
      ->type_name("KEY=VALUES")
      ->allow_extra_args(false);
  add_fleet_options(app, line.fleet);
  app.add_option("--jobs", line.replay.jobs, "Simulations at a time (default: one per CPU)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  app.add_flag("--json", line.json, "The table as JSON");
  add_html_option(app, line.run.html);
  add_progress_option(app, line.run);
}

std::optional<UsageProblem> check(const CLI::App& app, CommandLine& line) {
  if (!take_recording(app, line)) return UsageProblem{"TRACE is required"};
  if (const std::string problem = fleet_problem(line.fleet, app); !problem.empty()) return UsageProblem{problem};
  line.fleet.words = sweep_words(app);
  line.run.target_words = target_words(app);
  return std::nullopt;
}

Result<Combinations> asked_combinations(const CommandLine& line) {
  std::vector<Variation> variations;
  for (const std::string& text : line.replay.vary) {
    auto variation = parse_variation(text);
    if (!variation) return variation.error();
    variations.push_back(std::move(variation).value());
  }
  // Hosts come last: a page has the first key on its axis, and a line for each value of the others.
  if (!line.fleet.hosts.empty()) {
    auto hosts = read_host_list(line.fleet.hosts);
    if (!hosts) return hosts.error();
    variations.push_back(std::move(hosts).value());
  }
  return Combinations::of(std::move(variations));
}

/// Reads one of the varied hosts, and applies the --set, --cgroup and --limits-from of all.
HostReader reader_of_hosts(const RunOptions& options) {
  return [&options](const std::string& name) {
    RunOptions one = options;
    one.host = name;
    return target_host(one);
  };
}

int sweep(const CommandLine& line) {
  auto combinations = asked_combinations(line);
  if (!combinations) return fail(kExitUsage, "sweep: " + combinations.error().message);
  auto page = PageFile::prepare(line.run.html, "");
  if (!page) return fail(kExitUsage, "sweep: " + page.error().message);
  auto recording = open_recording(line.replay, line.run);
  if (!recording) return fail(kExitUsage, "sweep: " + recording.error().message);
  const SweepInput input{recording->workload, recording->host, recording->options, reader_of_hosts(recording->options)};
  std::vector<SweepRow> rows;
  if (line.fleet.in_parts()) {
    const PartsEnd end = sweep_parts(input, combinations.value(), line, rows);
    if (end.status != 0 || !end.has_all_rows) return end.status;
  } else {
    auto made = rows_made_here(input, combinations.value(), {0, combinations->count()}, line);
    if (!made) return fail(kExitUsage, "sweep: " + made.error().message);
    rows = std::move(made).value();
  }
  if (auto concluded = conclude_rows(input, combinations.value(), rows); !concluded)
    return fail(kExitUsage, "sweep: " + concluded.error().message);
  const std::vector<Variation>& variations = combinations->variations();
  const std::string json = sweep_json(variations, rows);
  if (auto written = page->write(json, static_cast<int>(::getpid())); !written)
    return fail(kExitUsage, "sweep: " + written.error().message);
  if (!line.run.html.empty()) std::fprintf(stderr, "oomcast: wrote %s\n", line.run.html.c_str());
  return print(line.json ? json : sweep_table(variations, rows));
}

}  // namespace

constinit const Verb kSweepVerb = {
    .name = "sweep",
    .about = "Forecast a recorded run on many hosts",
    .add_options = add_options,
    .check = check,
    .command = sweep,
};

}  // namespace oomcast::report
