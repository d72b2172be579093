// The verb `replay`: forecasts a recorded run on another host, and finishes as `run` does.
#include "preload/record/recorder.h"
#include "report/commands/commands.h"
#include "report/commands/recording.h"
#include "report/conclude.h"
#include "report/console.h"
#include "report/json_report.h"
#include "report/terminal/search_progress.h"

namespace oomcast::report {

int replay_command(const CommandLine& line) {
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

}  // namespace oomcast::report
