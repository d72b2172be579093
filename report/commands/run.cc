// The verb `run`: watches a program from start to end. Everything that can fail is tried before the program starts, the
// cheap steps first.
#include <utility>

#include "preload/record/recorder.h"
#include "report/command_examples.h"
#include "report/commands/commands.h"
#include "report/commands/run_options.h"
#include "report/commands/watched_run.h"
#include "report/commands/without_hooks.h"
#include "report/console.h"
#include "report/shared_options.h"
#include "report/target_options.h"
#include "report/terminal/run_progress.h"

namespace oomcast::report {
namespace {

int preflight_status(record::PreflightProblem problem) {
  return problem == record::PreflightProblem::kNotFound ? kExitNotFound : kExitNotExecutable;
}

void add_options(CLI::App& app, CommandLine& line) {
  app.footer(kExamples);
  add_run_options(app, line.run);
}

std::optional<UsageProblem> check(const CLI::App& app, CommandLine& line) {
  if (line.run.recorder.command.empty()) return UsageProblem{"no program given", "oomcast run -- PROGRAM ARGS..."};
  line.run.target_words = target_words(app);
  return trace_problem(line.run);
}

}  // namespace

constinit const Verb kRunVerb = {
    .name = "run",
    .about = "Run a program here and forecast it on another host",
    .usage = "run [options] -- PROGRAM [ARGS...]",
    .stray_word = "the program comes after '--'",
    .add_options = add_options,
    .check = check,
    .command =
        [](const CommandLine& line) {
          start_log(line.run.log_level);
          return run_command(line.run);
        },
};

int run_command(RunOptions options) {
  record::protect_report();
  auto recorder = recorder_options(options);
  const record::Preflight preflight = record::check_command(recorder);
  if (!preflight.ok()) return fail(preflight_status(*preflight.problem), "run: " + preflight.message);
  auto places = Places::prepare(options);
  if (!places) return fail(kExitUsage, places.error().message);
  auto listeners = Listeners::prepare(options);
  if (!listeners) return fail(kExitUsage, listeners.error().message);
  recorder.root_oom_score_adj = options.model.oom_score_adj;  // a pod's class of service may have set it
  recorder.environment = listeners.value()->guest_environment();
  record::be_killed_last();
  record::hold_signals_for_good();
  const Stopwatch own;
  RunProgress progress(status_line(progress_mode(options.progress), Beside::kProgram, options.quiet),
                       listeners.value()->host_name());
  recorder.progress = [&](const record::Progress&) { progress.update(listeners.value()->model()); };
  auto capture = record::run(recorder, listeners.value()->sink());
  progress.end();
  if (!capture) return fail(kExitUsage, "run: " + capture.error().message);
  RunOptions done = options;
  if (std::string left_out = left_out_without_hooks(options, preflight.library); !left_out.empty()) {
    capture->caveats.push_back(std::move(left_out));
    done.recorder.use_mimalloc = false;
  }
  return conclude_watched(done, places.value(), *listeners.value(), capture.value(), own.seconds());
}

}  // namespace oomcast::report
