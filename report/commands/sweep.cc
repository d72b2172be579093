// The verb `sweep`: forecasts a recorded run on many hosts.
#include "report/sweep.h"

#include <unistd.h>

#include <cstdio>

#include "report/commands/commands.h"
#include "report/commands/recording.h"
#include "report/console.h"
#include "report/page/page_command.h"
#include "report/terminal/search_progress.h"

namespace oomcast::report {

int sweep_command(const CommandLine& line) {
  std::vector<Variation> variations;
  for (const std::string& text : line.replay.vary) {
    auto variation = parse_variation(text);
    if (!variation) return fail(kExitUsage, "sweep: " + variation.error().message);
    variations.push_back(std::move(variation).value());
  }
  auto page = PageFile::prepare(line.run.html, "");
  if (!page) return fail(kExitUsage, "sweep: " + page.error().message);
  auto recording = open_recording(line.replay, line.run);
  if (!recording) return fail(kExitUsage, "sweep: " + recording.error().message);
  SearchProgress progress(status_line(progress_mode(line.run.progress), Beside::kNobody, false));
  auto rows = sweep(recording->workload, recording->host, recording->options, variations, line.replay.jobs,
                    [&](size_t done, size_t all) { progress.sweep(done, all); });
  progress.end();
  if (!rows) return fail(kExitUsage, "sweep: " + rows.error().message);
  const std::string json = sweep_json(variations, rows.value());
  if (auto written = page->write(json, static_cast<int>(::getpid())); !written)
    return fail(kExitUsage, "sweep: " + written.error().message);
  if (!line.run.html.empty()) std::fprintf(stderr, "oomcast: wrote %s\n", line.run.html.c_str());
  return print(line.json ? json : sweep_table(variations, rows.value()));
}

}  // namespace oomcast::report
