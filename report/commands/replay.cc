// The verb `replay`: forecasts a recorded run on another host, and finishes as `run` does.
#include "preload/record/recorder.h"
#include "report/commands/commands.h"
#include "report/commands/recording.h"
#include "report/conclude.h"
#include "report/console.h"
#include "report/json_report.h"
#include "report/shared_options.h"
#include "report/target_options.h"
#include "report/terminal/search_progress.h"

namespace oomcast::report {
namespace {

constexpr const char* kExamples = R"(Examples:
  oomcast replay t.trace --host small.json                another host
  oomcast replay t.trace --set memory=512M --set swap=1G  the recorded one, changed
  oomcast replay t.trace --cgroup memory.max=256M --seeds 20   and how often each verdict comes
  oomcast replay t.trace --host vm-1g --html r.html

Exit status: 0; 3 if the forecast is as bad as --fail-on or worse (or withheld); 2 for usage, host and trace errors.)";

void add_options(CLI::App& app, CommandLine& line) {
  app.footer(kExamples);
  add_replay_options(app, line);
  add_report_options(app, line.run);
  add_progress_option(app, line.run);
}

std::optional<UsageProblem> check(const CLI::App& app, CommandLine& line) {
  if (!take_recording(app, line)) return UsageProblem{"TRACE is required"};
  line.run.target_words = target_words(app);
  return std::nullopt;
}

int forecast_again(const CommandLine& line) {
  record::protect_report();
  auto places = Places::prepare(line.run);
  if (!places) return fail(kExitUsage, places.error().message);
  auto recording = open_recording(line.replay, line.run);
  if (!recording) return fail(kExitUsage, "replay: " + recording.error().message);
  SearchProgress progress(status_line(progress_mode(line.run.progress), Beside::kNobody, line.run.quiet));
  progress.replay(0);
  ReplaySettings watched = recording->settings;
  watched.stop = [&](double done) {
    progress.replay(done);
    return false;
  };
  auto replayed = replay(recording->workload, recording->host, watched);
  progress.end();
  if (!replayed) return fail(kExitUsage, "replay: " + replayed.error().message);
  record::hold_signals_for_good();  // a report exists from here on: a signal ends the proofs, not the command
  const double forecast_s = json_seconds(replayed->outcome.forecast);
  const Recorded recorded{recording->workload, recording->host, recording->options, recording->settings};
  return conclude(line.run, places.value(), replayed->outcome, replayed->capture, recorded, forecast_s);
}

}  // namespace

constinit const Verb kReplayVerb = {
    .name = "replay",
    .about = "Forecast a recorded run, on the same host or another",
    .add_options = add_options,
    .check = check,
    .command =
        [](const CommandLine& line) {
          start_log(line.run.log_level);
          return forecast_again(line);
        },
};

}  // namespace oomcast::report
