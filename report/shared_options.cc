// Options that several verbs share. See shared_options.h.
#include "report/shared_options.h"

#include "report/target_options.h"

namespace oomcast::report {

void add_host_options(CLI::App& app, RunOptions& options) {
  app.add_option(
         "--host", options.host,
         "Target: snapshot (directory or file), sosreport as it comes, JSON file, Kubernetes node (YAML, JSON), "
         "kernel log with an OOM report, preset name, or 'this' (the default)")
      ->type_name("HOST");
  add_nth_option(app, options.nth,
                 "With a kernel log as --host: which of its OOM kills, from 1 (default: the last); with a list of "
                 "Kubernetes nodes: which of them");
  app.add_option("--cgroup", options.cgroup, "Limit of the program's cgroup, e.g. memory.max=512M (repeatable)")
      ->type_name("FILE=VALUE")
      ->allow_extra_args(false);
  app.add_option("--tmpfs", options.tmpfs,
                 "What a file system in memory holds there, e.g. /dev/shm=64M, the default of containers (repeatable)")
      ->type_name("PATH=SIZE")
      ->allow_extra_args(false);
  app.add_option(
         "--limits-from", options.limits_from,
         "Take the limits from a pod's or Compose YAML, or a systemd unit; FILE:NAME chooses a service; of a pod "
         "also its QoS class, as oom_score_adj")
      ->type_name("FILE");
  app.add_option("--set", options.set, "Change a field of the host, e.g. vm.swappiness=0 (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  add_target_options(app, options);
}

void add_report_options(CLI::App& app, RunOptions& options) {
  app.add_option("--report", options.report,
                 "Where the JSON report goes; %p is the program's pid (default oomcast.report.json)")
      ->type_name("FILE");
  add_html_option(app, options.html);
  app.add_option(
         "--fail-on",
         "Exit 3 if the forecast is this bad or worse: background_reclaim, direct_reclaim, alloc_refused, oom_kill")
      ->type_name("VERDICT")
      ->check(CLI::IsMember({"background_reclaim", "direct_reclaim", "alloc_refused", "oom_kill"}))
      ->each([&options](const std::string& value) { options.fail_on = sim::verdict_named(value); });
  app.add_option("--prove", options.prove_s,
                 "Simulate for at most so long what the findings suggest; 0: not at all (default: 10, or as long as "
                 "the run if that is more)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 1e6));
  app.add_option("--seeds", options.seeds,
                 "Simulate the run with so many seeds: the report gives the range of each headline, and how often each "
                 "verdict came; --fail-on takes the worst (default 1)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  app.add_option("--log-level", options.log_level, "trace, debug, info, warning (default), error, off")
      ->type_name("L")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "warn", "error", "critical", "off"}));
  app.add_flag("--quiet,-q", options.quiet, "No summary on stderr");
  app.add_flag("--audit", options.model.audit,
               "Recount the model's invariants after each event (slow; for bug reports)");
}

void add_trace_options(CLI::App& app, RunOptions& options) {
  app.add_option("--trace", options.trace,
                 "Record the run, to be forecast again with 'oomcast replay' and 'oomcast sweep'")
      ->type_name("FILE");
  app.add_option("--record-for", options.record_for,
                 "With --trace: a second, tighter host; a replay for it will know all that it needs (slower)")
      ->type_name("HOST");
}

std::optional<UsageProblem> trace_problem(const RunOptions& options) {
  if (options.record_for.empty() || !options.trace.empty()) return std::nullopt;
  return UsageProblem{"--record-for goes with --trace FILE"};
}

void add_no_follow_option(CLI::App& app, RunOptions& options) {
  app.add_flag_callback(
      "--no-follow", [&options] { options.recorder.follow_children = false; }, "Do not follow child processes");
}

void add_progress_option(CLI::App& app, RunOptions& options) {
  app.add_option("--progress", options.progress,
                 "A line of progress on stderr: auto (default: on a terminal), always, never")
      ->type_name("auto|always|never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
}

void add_recording_options(CLI::App& app, CommandLine& line, const std::string& about) {
  app.add_option("TRACE", line.replay.traces, about);
  app.add_option("--service", line.replay.services,
                 "One of several programs that share the host: name=web,trace=web.trace,count=3,start=10s, its own "
                 "memory.max=512M (.high, .low, .min, .swap.max), cpu-node=1, oom_score_adj=500; limits-from=pod.yaml; "
                 "what a kubelet ranks by: request=256M, priority=100 (repeatable)")
      ->type_name("KEY=VALUE,...")
      ->allow_extra_args(false);
  app.add_option("--services", line.replay.services_file,
                 "The same from a YAML file: services: NAME: {trace: FILE, ...}")
      ->type_name("FILE");
}

void add_replay_options(CLI::App& app, CommandLine& line) {
  add_recording_options(app, line,
                        "A file that 'oomcast run --trace' has recorded; several are services that share the host");
  add_host_options(app, line.run);
  app.get_option("--host")->description(
      "Target: as for run, or 'recorded' (the default): the host it was recorded for");
}

bool take_recording(const CLI::App& app, CommandLine& line) {
  ReplayOptions& replay = line.replay;
  if (replay.traces.empty() && !replay.has_services()) return false;
  if (!replay.has_services()) replay.trace = replay.traces.front();
  if (app.count("--host") == 0) line.run.host = kRecordedHost;
  return true;
}

void add_html_option(CLI::App& app, std::string& path) {
  app.add_option("--html", path, "Also write a page with charts: one file that opens in a browser, without a network")
      ->type_name("FILE");
}

void add_nth_option(CLI::App& app, std::optional<int>& nth, const char* words) {
  app.add_option("--nth", nth, words)->type_name("N")->check(CLI::Range(1, 1'000'000));
}

}  // namespace oomcast::report
