// The verb `attach`: watches a program that already runs, and leaves it running.
#include <cstdio>
#include <utility>

#include "preload/record/recorder.h"
#include "report/commands/commands.h"
#include "report/commands/watched_run.h"
#include "report/console.h"
#include "report/terminal/run_progress.h"

namespace oomcast::report {
namespace {

std::string problem_of(const RunOptions& options) {
  if (options.model.kill_on_oom) return "--on-oom kill would end a process that is not ours to end";
  if (options.model.refuse_enomem)
    return "--on-refuse enomem needs the capture library in the program; try 'oomcast run'";
  return {};
}

void say_hello(const RunOptions& options, const record::Attachment& to) {
  if (options.quiet) return;
  std::fprintf(stderr, "oomcast: watching %s (pid %u)%s; Ctrl-C ends that, and the program runs on\n",
               options.recorder.command.front().c_str(), to.pid,
               to.whole_cgroup ? " and the others of its cgroup" : "");
}

}  // namespace

int attach_command(const RunOptions& given, const AttachOptions& asked) {
  record::protect_report();
  const record::Attachment to{asked.pid, asked.whole_cgroup, static_cast<uint64_t>(asked.for_s * 1e9)};
  RunOptions options = given;
  if (const std::string problem = problem_of(options); !problem.empty()) return fail(kExitUsage, "attach: " + problem);
  if (auto possible = record::check_attachment(to); !possible)
    return fail(kExitUsage, "attach: " + possible.error().message);
  options.recorder.command = record::command_of(to.pid);
  options.present_cgroup = false;  // the program has asked for its limits long ago
  auto places = Places::prepare(options);
  if (!places) return fail(kExitUsage, places.error().message);
  auto listeners = Listeners::prepare(options);
  if (!listeners) return fail(kExitUsage, listeners.error().message);
  auto recorder = recorder_options(options);
  recorder.guard_percent = 0;                               // the memory guard would kill the program
  recorder.begin_in_polling_phase = options.trace.empty();  // also with --hold-touches
  record::hold_signals_for_good();
  const Stopwatch own;
  say_hello(options, to);
  RunProgress progress(status_line(progress_mode(options.progress), Beside::kNobody, options.quiet),
                       listeners.value()->host_name());
  recorder.progress = [&](const record::Progress&) { progress.update(listeners.value()->model()); };
  auto capture = record::watch(to, recorder, listeners.value()->sink());
  progress.end();
  if (!capture) return fail(kExitUsage, "attach: " + capture.error().message);
  return write_forecast(options, places.value(), *listeners.value(), capture.value(), own.seconds());
}

}  // namespace oomcast::report
