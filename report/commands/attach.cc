// The verb `attach`: watches a program that already runs, and leaves it running.
#include <cstdio>
#include <utility>

#include "preload/record/recorder.h"
#include "report/commands/commands.h"
#include "report/commands/watched_run.h"
#include "report/console.h"
#include "report/shared_options.h"
#include "report/target_options.h"
#include "report/terminal/run_progress.h"

namespace oomcast::report {
namespace {

constexpr const char* kExamples = R"(Examples:
  oomcast attach 4711                              until it ends, or Ctrl-C: the program runs on
  oomcast attach $(pgrep -o redis-server) --host vm-1g --for 60 --html r.html
  oomcast attach --cgroup-of $(docker inspect -f '{{.State.Pid}}' web) --for 60     a container
  oomcast attach $(pidof server) --for 600 --trace t.trace, then: oomcast fit t.trace --as k8s

The process and its descendants are looked at from outside, by /proc: nothing in them is changed. With --hold-touches one
thread of each process is stopped for a moment.
What is resident by then counts as touched at second 0. Exit status: 0, be it that the program has ended meanwhile; 3 if the forecast is as bad
as --fail-on; 2 no such process, not permitted, usage, host and report errors.)";

void add_options(CLI::App& app, CommandLine& line) {
  app.footer(kExamples);
  const CLI::Range pids(uint32_t{1}, uint32_t{1} << 22);
  CLI::Option* pid =
      app.add_option("PID", line.attach.pid, "The process; its descendants are watched with it")->check(pids);
  app.add_option("--cgroup-of", line.attach.pid, "Instead: all processes of this one's cgroup (a container, a unit)")
      ->type_name("PID")
      ->check(pids)
      ->excludes(pid)
      ->each([&line](const std::string&) { line.attach.whole_cgroup = true; });
  app.add_option("--for", line.attach.for_s, "Let go of it after so long (default: when it ends, or at Ctrl-C)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 1e7));
  app.add_flag_callback(
      "--hold-touches", [&line] { line.run.recorder.tracker = "userfaultfd"; },
      "Near the target's watermarks, hold each touch until it is counted instead of polling: one thread of the "
      "program is stopped for a moment (ptrace) and made to open a userfaultfd. Needs root or CAP_SYS_PTRACE");
  add_host_options(app, line.run);
  add_report_options(app, line.run);
  add_progress_option(app, line.run);
  add_no_follow_option(app, line.run);
  add_trace_options(app, line.run);
}

std::optional<UsageProblem> check(const CLI::App& app, CommandLine& line) {
  line.run.target_words = target_words(app);
  if (auto problem = trace_problem(line.run)) return problem;
  if (line.attach.pid == 0) return UsageProblem{"give the PID of a program that runs, or --cgroup-of PID"};
  if (line.run.recorder.command.empty()) return std::nullopt;
  return UsageProblem{"a PID of a program that runs, and no program; to start one: 'oomcast run -- PROGRAM'"};
}

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

int attach(const RunOptions& given, const AttachOptions& asked) {
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

}  // namespace

constinit const Verb kAttachVerb = {
    .name = "attach",
    .about = "Watch a program that runs already, and forecast it on another host",
    .usage = "attach PID | --cgroup-of PID [options]",
    .add_options = add_options,
    .check = check,
    .command =
        [](const CommandLine& line) {
          start_log(line.run.log_level);
          return attach(line.run, line.attach);
        },
};

}  // namespace oomcast::report
