// The verb `fit`: records a program where none is recorded yet, and finds the smallest size that is enough.
#include "report/fit/fit.h"

#include <unistd.h>

#include <cstdio>

#include "report/commands/commands.h"
#include "report/commands/recording.h"
#include "report/commands/temporary_directory.h"
#include "report/console.h"
#include "report/terminal/search_progress.h"

namespace oomcast::report {
namespace {

/// Records the program into `directory`, with its own output and a report that nobody reads.
Result<std::string> record_for_fit(const RunOptions& given, const std::string& directory) {
  RunOptions options = given;
  options.trace = directory + "/fit.trace";
  options.report = directory + "/report.json";
  options.quiet = true;
  options.prove_s = 0;
  if (options.progress == "auto" && ::isatty(STDERR_FILENO)) options.progress = "always";  // --quiet would hide it
  options.cgroup.clear();
  options.limits_from.clear();
  int status = run_command(options);
  if (status == kExitUsage || status == kExitNotExecutable || status == kExitNotFound)
    return Error{"the program could not be recorded"};
  if (status != 0) std::fprintf(stderr, "oomcast: fit: the program ended with status %d\n", status);
  return options.trace;
}

}  // namespace

int fit_command(CommandLine line) {
  TemporaryDirectory directory;
  if (!line.run.command.empty()) {
    if (directory.path().empty()) return fail(kExitUsage, "fit: no temporary directory; set TMPDIR to a writable one");
    auto trace = record_for_fit(line.run, directory.path());
    if (!trace) return fail(kExitUsage, "fit: " + trace.error().message);
    line.replay.trace = trace.value();
  }
  auto recording = open_recording(line.replay, line.run);
  if (!recording) return fail(kExitUsage, "fit: " + recording.error().message);
  SearchProgress progress(status_line(progress_mode(line.run.progress), Beside::kNobody, false));
  auto found = fit(recording->bytes, line.replay.trace, recording->host, recording->options, line.fit,
                   [&](int asked, int64_t least, int64_t most) { progress.fit(asked, least, most); });
  progress.end();
  if (!found) return fail(kExitUsage, "fit: " + found.error().message);
  int status = print(line.json ? fit_json(found.value()) : fit_lines(found.value(), line.fit.as));
  return status != 0 ? status : found->smallest ? 0 : 1;
}

}  // namespace oomcast::report
