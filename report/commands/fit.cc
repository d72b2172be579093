// The verb `fit`: records the program unless a recording is given, and finds the smallest size that is enough.
#include "report/fit/fit.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "report/commands/commands.h"
#include "report/commands/recording.h"
#include "report/commands/temporary_directory.h"
#include "report/console.h"
#include "report/fit/self_sizing.h"
#include "report/fit/settings.h"
#include "report/shared_options.h"
#include "report/target_options.h"
#include "report/terminal/search_progress.h"

namespace oomcast::report {
namespace {

constexpr const char* kExamples = R"(Examples:
  oomcast fit -- ./server --selftest                          the smallest memory.max in which it survives here
  oomcast fit t.trace --host vm-8g --for memory --until no_direct_reclaim
  oomcast fit t.trace --margin 25 --as k8s                    the setting to hand over
  oomcast fit t.trace --for swap --host vm-1g --json

The program is recorded once and forecast on some fourteen sizes. One that asks for the limit of its cgroup (node, java)
sizes itself by it: it is recorded up to eight times more, each time shown a limit near the answer. Exit status: 0 a size was found, 1 not even a very large
one is enough, 2 bad input.)";

void add_options(CLI::App& app, CommandLine& line) {
  app.footer(kExamples);
  add_recording_options(
      app, line,
      "A file that 'oomcast run --trace' has recorded (several: services that share the host); or give -- "
      "PROGRAM");
  add_host_options(app, line.run);
  app.get_option("--host")->description("Target: as for run, or 'recorded' (the default with TRACE)");
  app.add_option("--for", line.fit.key,
                 "What is searched: memory.max (default), memory.high, memory, swap, or a key of --set in bytes")
      ->type_name("KEY");
  app.add_option("--until", line.fit.until, "What is good enough: no_oom (default), no_direct_reclaim, fits")
      ->type_name("WISH")
      ->check(CLI::IsMember({"no_oom", "no_direct_reclaim", "fits"}));
  app.add_option("--margin", line.fit.margin_percent, "On top of the smallest value, for the setting (default 15)")
      ->type_name("PERCENT")
      ->transform(CLI::Validator(
          [](std::string& text) {
            if (text.ends_with('%')) text.pop_back();
            return std::string();
          },
          ""))
      ->check(CLI::Range(0, 1000));
  app.add_option("--seeds", line.fit.seeds, "A size is enough only if it is with each of so many seeds (default 5)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  app.add_option("--as", line.fit.as,
                 "Print the setting to hand over, and all else on stderr: k8s, systemd, docker, compose, env")
      ->type_name("FORM")
      ->check(CLI::IsMember(setting_forms()));
  app.add_flag("--json", line.json, "The result as JSON");
  add_progress_option(app, line.run);
}

std::optional<UsageProblem> check(const CLI::App& app, CommandLine& line) {
  if (take_recording(app, line) != line.run.recorder.command.empty())
    return UsageProblem{"give either a TRACE, or -- PROGRAM ARGS..."};
  if (const std::string problem = line.fit.as.empty() ? "" : setting_problem(line.fit.key, line.fit.as);
      !problem.empty())
    return UsageProblem{"--as " + problem};
  line.run.target_words = target_words(app);
  return std::nullopt;
}

/// A recording of the program, and the status with which the program ended.
struct RecordedRun {
  std::string trace;
  int status = 0;
};

/// Records the program into `directory`. The program's output is shown; the report is not used. `cgroup`: the limits
/// that the program is shown.
Result<RecordedRun> record_for_fit(const RunOptions& given, const std::string& directory,
                                   const std::vector<std::string>& cgroup) {
  RunOptions options = given;
  options.trace = directory + "/fit.trace";
  options.report = directory + "/report.json";
  options.quiet = true;
  options.prove_s = 0;
  // Otherwise --quiet would hide the progress.
  if (options.progress == "auto" && ::isatty(STDERR_FILENO)) options.progress = "always";
  options.cgroup = cgroup;
  options.limits_from.clear();
  const int status = run_command(options);
  if (status == kExitUsage || status == kExitNotExecutable || status == kExitNotFound)
    return Error{"the program could not be recorded"};
  return RecordedRun{options.trace, status};
}

Result<Fit> fit_of(const CommandLine& line, const std::string& trace) {
  ReplayOptions replay = line.replay;
  if (!replay.has_services()) replay.trace = trace;
  auto recording = open_recording(replay, line.run);
  if (!recording) return recording.error();
  SearchProgress progress(status_line(progress_mode(line.run.progress), Beside::kNobody, false));
  auto found = fit(recording->workload, recording->host, recording->options, line.fit,
                   [&](int asked, int64_t least, int64_t most) { progress.fit(asked, least, most); });
  progress.end();
  return found;
}

/// The --cgroup options, with the searched limit set to `bytes`.
std::vector<std::string> limits_with(const CommandLine& line, int64_t bytes) {
  std::vector<std::string> limits = line.run.cgroup;
  std::erase_if(limits, [&](const std::string& limit) { return limit.starts_with(line.fit.key + "="); });
  limits.push_back(line.fit.key + "=" + std::to_string(bytes));
  return limits;
}

/// `best` as it is known for a program that gives up by itself when it is shown `gave_up` bytes or less.
Fit above_giving_up(Fit best, const SelfSizing& sizing, int64_t gave_up, int status) {
  best.below = FitPoint{gave_up, std::nullopt,
                        "shown this limit, the program ends by itself with status " + std::to_string(status)};
  best.most_asked = gave_up;
  if (sizing.answer() <= gave_up) {
    best.smallest.reset();
    return best;
  }
  best.smallest->value = sizing.answer();
  best.recommended = with_margin(sizing.answer(), best.margin_percent);
  return best;
}

/// Records the program again under limits near the answer, until the answer is what the program needs when it is shown
/// that limit.
Result<Fit> record_near_the_answer(const CommandLine& line, const std::string& directory, int first_status, Fit first) {
  SelfSizing sizing(first.smallest->value);
  Fit best = std::move(first);
  int status_given_up = first_status;
  while (const auto limit = sizing.next()) {
    auto run = record_for_fit(line.run, directory, limits_with(line, *limit));
    if (!run) return run.error();
    auto found = fit_of(line, run->trace);
    if (!found) return found.error();
    const bool as_before = run->status == first_status && found->smallest;
    sizing.note(*limit, as_before ? std::optional(found->smallest->value) : std::nullopt);
    if (!as_before) status_given_up = run->status;
    if (as_before && (found->smallest->value == sizing.answer() || *limit == sizing.answer()))
      best = std::move(found).value();
  }
  if (const auto gave_up = sizing.gives_up_at())
    best = above_giving_up(std::move(best), sizing, *gave_up, status_given_up);
  best.recordings = sizing.recordings();
  best.other_limits = !sizing.settled();
  return best;
}

Result<Fit> record_and_fit(const CommandLine& line, const std::string& directory) {
  auto run = record_for_fit(line.run, directory, {});
  if (!run) return run.error();
  if (run->status != 0) std::fprintf(stderr, "oomcast: fit: the program ended with status %d\n", run->status);
  auto found = fit_of(line, run->trace);
  const bool shown = line.fit.key.starts_with("memory.") && line.run.present_cgroup;
  if (!found || !found->smallest || !found->other_limits || !shown) return found;
  return record_near_the_answer(line, directory, run->status, std::move(found).value());
}

int fit_command(const CommandLine& line) {
  start_log(line.run.log_level);
  TemporaryDirectory directory;
  if (!line.run.recorder.command.empty() && directory.path().empty())
    return fail(kExitUsage, "fit: no temporary directory; set TMPDIR to a writable one");
  auto found =
      line.run.recorder.command.empty() ? fit_of(line, line.replay.trace) : record_and_fit(line, directory.path());
  if (!found) return fail(kExitUsage, "fit: " + found.error().message);
  // With --as, stdout has nothing but the setting, ready for a file.
  const std::string lines = fit_lines(found.value());
  if (!line.fit.as.empty() && !line.json) std::fputs(lines.c_str(), stderr);
  const int status = print(line.json             ? fit_json(found.value())
                           : line.fit.as.empty() ? lines
                                                 : fit_setting(found.value(), line.fit.as));
  return status != 0 ? status : found->smallest ? 0 : 1;
}

}  // namespace

constinit const Verb kFitVerb = {
    .name = "fit",
    .about = "Find the smallest memory, limit or swap that is enough",
    .add_options = add_options,
    .check = check,
    .command = fit_command,
};

}  // namespace oomcast::report
