// The verb `sweep`: forecasts a recorded run on many hosts, here or in parts.
#include "report/sweep.h"

#include <unistd.h>

#include <cstdio>

#include "report/commands/commands.h"
#include "report/commands/recording.h"
#include "report/commands/sweep_parts.h"
#include "report/commands/target_host.h"
#include "report/console.h"
#include "report/host_list.h"
#include "report/page/page_command.h"

namespace oomcast::report {
namespace {

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

}  // namespace

int sweep_command(const CommandLine& line) {
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

}  // namespace oomcast::report
