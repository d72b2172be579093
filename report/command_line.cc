// The grammar of the command. Whatever follows the first `--` is the program's and is never looked at.
#include "report/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "report/command_examples.h"
#include "report/commit.h"
#include "report/completion/completion.h"
#include "report/fit/settings.h"
#include "report/fleet/fleet_grammar.h"
#include "report/report_options.h"
#include "report/show/show_command.h"

namespace oomcast::report {
namespace {

using Verb = CommandLine::Verb;

/// Without CLI11's ":INT in [0 - 99]" after each option, and with the part of the usage line that it cannot know.
class Help : public CLI::Formatter {
 public:
  Help() { column_width(26); }
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string type = option->get_type_name();
    return option->get_type_size() == 0 ? "" : " " + type.substr(0, type.find(':'));
  }
  std::string make_usage(const CLI::App* app, std::string name) const override {
    if (app->get_name() == "run") return "Usage: oomcast run [options] -- PROGRAM [ARGS...]\n";
    if (app->get_name() == "attach") return "Usage: oomcast attach PID | --cgroup-of PID [options]\n";
    if (app->get_name() == "host")
      return "Usage: oomcast host list | show HOST [--nth N] [--json] | capture DIR | --file FILE\n";
    return CLI::Formatter::make_usage(app, name);
  }
};

/// The target in so far as it is not the host's own description. Also kept in traces, so that a replay needs none of
/// them.
void add_target_options(CLI::App& app, RunOptions& options) {
  app.add_option("--cpu-node", options.model.cpu_node, "The program's threads run on the CPUs of this node")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  CLI::Option* membind = app.add_option("--membind", options.membind,
                                        "All of the program's memory is on these nodes, as 'numactl --membind'")
                             ->type_name("NODES");
  CLI::Option* interleave =
      app.add_option("--interleave", options.interleave, "Its memory goes round these nodes, page by page")
          ->type_name("NODES");
  CLI::Option* preferred =
      app.add_option("--preferred", options.preferred, "Its memory is on this node while there is any")
          ->type_name("NODE");
  membind->excludes(interleave)->excludes(preferred);
  interleave->excludes(preferred);
  app.add_option("--oom-score-adj", options.model.oom_score_adj, "The program's oom_score_adj on the target")
      ->type_name("N")
      ->check(CLI::Range(-1000, 1000));
  app.add_option("--on-oom", "What a modelled OOM kill of the program does: continue (default) or kill it for real")
      ->type_name("continue|kill")
      ->check(CLI::IsMember({"continue", "kill"}))
      ->each([&options](const std::string& value) { options.model.kill_on_oom = value == "kill"; });
  app.add_option(
         "--on-refuse",
         "What a modelled refusal of memory (overcommit) does: continue (default), or enomem: the call fails for real")
      ->type_name("continue|enomem")
      ->check(CLI::IsMember({"continue", "enomem"}))
      ->each([&options](const std::string& value) { options.model.refuse_enomem = value == "enomem"; });
}

/// Of all that forecast: run, replay, sweep.
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

/// Of all that take long: run, replay, sweep, fit.
void add_progress_option(CLI::App& app, RunOptions& options) {
  app.add_option("--progress", options.progress,
                 "A line of progress on stderr: auto (default: on a terminal), always, never")
      ->type_name("auto|always|never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
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

void add_no_follow_option(CLI::App& app, RunOptions& options) {
  app.add_flag_callback(
      "--no-follow", [&options] { options.recorder.follow_children = false; }, "Do not follow child processes");
}

void add_run_options(CLI::App& app, RunOptions& options) {
  add_host_options(app, options);
  add_report_options(app, options);
  add_progress_option(app, options);
  app.add_option("--guard", options.recorder.guard_percent,
                 "Stop the program when this machine's MemAvailable or its cgroup's falls below this share (default 5)")
      ->type_name("PERCENT")
      ->check(CLI::Range(0, 99));
  app.add_option(
         "--tracker", options.recorder.tracker,
         "How touches are seen: userfaultfd, wp-async or pagemap (default: the best that `oomcast doctor` finds, and "
         "only by polling until the target is near a watermark)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"userfaultfd", "wp-async", "pagemap"}));
  app.add_flag(
      "--see-reads", options.recorder.stash,
      "Under modelled memory pressure, see uses that only read, too: pages that the target swaps out are taken "
      "out of the program's page table and given back on use. Slower. If this command and the task that "
      "holds the pages are killed both at once, the program loses them");
  add_no_follow_option(app, options);
  app.add_flag(
      "--wait", options.recorder.wait_for_all,
      "Go on after the program's first process has ended, until its last descendant has (daemons); a signal to "
      "oomcast goes to all of them, a second one ends the recording");
  app.add_option("--allocator", "The program allocates with mimalloc instead of its own allocator: what if?")
      ->type_name("mimalloc")
      ->check(CLI::IsMember({"mimalloc"}))
      ->each([&options](const std::string&) { options.recorder.use_mimalloc = true; });
  app.add_flag("--present-host", options.present_host,
               "Show the program the target's memory, CPUs and cgroup limits when it asks for its machine's");
  app.add_flag_callback(
      "--no-present-cgroup", [&options] { options.present_cgroup = false; },
      "With --cgroup: do not show its limits to the program when it asks for those of its cgroup");
  app.add_option("--stack-sample", options.recorder.stack_sample_bytes,
                 "Take one stack per this many allocated bytes; 0: none (default 64 KiB)")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false));
  add_trace_options(app, options);
}

constexpr const char* kAttachExamples = R"(Examples:
  oomcast attach 4711                              until it ends, or Ctrl-C: the program runs on
  oomcast attach $(pgrep -o redis-server) --host vm-1g --for 60 --html r.html
  oomcast attach --cgroup-of $(docker inspect -f '{{.State.Pid}}' web) --for 60     a container
  oomcast attach $(pidof server) --for 600 --trace t.trace, then: oomcast fit t.trace --as k8s

The process and its descendants are looked at from outside, by /proc: nothing in them is changed. With --hold-touches one
thread of each process is stopped for a moment.
What is resident by then counts as touched at second 0. Exit status: 0, be it that the program has ended meanwhile; 3 if the forecast is as bad
as --fail-on; 2 no such process, not permitted, usage, host and report errors.)";

void add_attach_options(CLI::App& app, CommandLine& line) {
  app.footer(kAttachExamples);
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

/// Of all that forecast recordings: replay, sweep, fit.
void add_trace_options(CLI::App& app, CommandLine& line, const std::string& about) {
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
  add_trace_options(app, line,
                    "A file that 'oomcast run --trace' has recorded; several are services that share the host");
  add_host_options(app, line.run);
  app.get_option("--host")->description(
      "Target: as for run, or 'recorded' (the default): the host it was recorded for");
}

void add_sweep_options(CLI::App& app, CommandLine& line) {
  app.add_option(
         "--vary", line.replay.vary,
         "What differs between the hosts: memory=1G..16G (doubling), memory=1G..4G:512M, vm.swappiness=0,60,100, "
         "cgroup.memory.max=..., host=a.json,vm-1g, or an option such as oom-score-adj=0,500; repeatable: every "
         "combination")
      ->type_name("KEY=VALUES")
      ->allow_extra_args(false);
  add_fleet_options(app, line.fleet);
  app.add_option("--jobs", line.replay.jobs, "Simulations at a time (default: one per CPU)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  app.add_flag("--json", line.json, "The table as JSON");
  add_html_option(app, line.run.html);
  add_progress_option(app, line.run);
}

void add_fit_options(CLI::App& app, CommandLine& line) {
  app.footer(kFitExamples);
  add_trace_options(
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

/// What was given of the options that mirror the target.
std::vector<std::string> target_words(const CLI::App& app) {
  CLI::App known;
  RunOptions ignored;
  known.set_help_flag();
  add_target_options(known, ignored);
  std::vector<std::string> words;
  for (const CLI::Option* option : known.get_options()) {
    const CLI::Option* given = app.get_option_no_throw(option->get_name());
    if (given == nullptr || given->count() == 0) continue;
    words.push_back(option->get_name() + "=" + given->results().back());
  }
  return words;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

CommandLine usage_error(const std::string& what, const std::string& help) {
  CommandLine line;
  line.error = "oomcast: " + what + "; try '" + help + "'";
  line.status = kExitUsage;
  return line;
}

/// CLI11 takes arguments back to front.
void parse(CLI::App& app, std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());
  app.parse(arguments);
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
  CommandLine line;
  auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> ours(arguments.begin(), dashes);
  if (dashes != arguments.end()) line.run.recorder.command.assign(dashes + 1, arguments.end());

  CLI::App app("Forecasts what a program's memory behaviour would do to another Linux host.", "oomcast");
  app.set_version_flag("--version,-V", std::string("oomcast ") + OOMCAST_VERSION + " (commit " + built_commit() + ")");
  app.require_subcommand(0, 1);
  app.formatter(std::make_shared<Help>());
  app.footer(kExamples);
  CLI::App* run = app.add_subcommand("run", "Run a program here and forecast it on another host");
  run->footer(kExamples);
  add_run_options(*run, line.run);
  CLI::App* attach = app.add_subcommand("attach", "Watch a program that runs already, and forecast it on another host");
  add_attach_options(*attach, line);
  CLI::App* replay = app.add_subcommand("replay", "Forecast a recorded run, on the same host or another");
  replay->footer(kReplayExamples);
  add_replay_options(*replay, line);
  add_report_options(*replay, line.run);
  add_progress_option(*replay, line.run);
  CLI::App* sweep = app.add_subcommand("sweep", "Forecast a recorded run on many hosts");
  sweep->footer(kSweepExamples);
  add_replay_options(*sweep, line);
  add_sweep_options(*sweep, line);
  CLI::App* fit = app.add_subcommand("fit", "Find the smallest memory, limit or swap that is enough");
  add_fit_options(*fit, line);
  CLI::App* check = app.add_subcommand("check", "Judge reports by a budget (for CI)");
  add_check_options(*check, line.gate);
  CLI::App* diff = app.add_subcommand("diff", "Compare two reports: what got worse, which code grew");
  add_diff_options(*diff, line.gate);
  CLI::App* page = app.add_subcommand("page", "Make a page with charts of a report or a sweep");
  add_page_options(*page, line.page);
  CLI::App* exporting =
      app.add_subcommand("export", "Write a report for another tool: flame graph, pprof, Perfetto, ...");
  add_export_options(*exporting, line.export_to);
  CLI::App* showing = app.add_subcommand("show", "The kernel's own words at any moment of a report");
  add_show_options(*showing, line.show);
  CLI::App* explain =
      app.add_subcommand("explain", "Why the kernel killed: an OOM report of a kernel log in plain words");
  add_explain_options(*explain, line.explain);
  CLI::App* host = app.add_subcommand("host", "Describe hosts");
  host->require_subcommand(1);
  CLI::App* list = host->add_subcommand("list", "The built-in presets");
  CLI::App* show = host->add_subcommand("show", "What the model knows of a host");
  show->add_option("HOST", line.host_argument,
                   "Snapshot (directory or file), JSON file, kernel log with an OOM report, preset name, or 'this'")
      ->required();
  add_nth_option(*show, line.run.nth, "Which OOM kill of a kernel log, from 1 (default: the last)");
  show->add_flag("--json", line.json, "As a host file to edit and pass to --host");
  CLI::App* capture = host->add_subcommand("capture", "Save this machine's description");
  CLI::Option* into = capture->add_option("DIR", line.host_argument, "A directory, made if missing");
  capture
      ->add_option("--file", line.host_file, "All in one text file instead ('-': to the output), to mail or to commit")
      ->excludes(into);
  CLI::App* doctor = app.add_subcommand("doctor", "What this machine allows, and the command that allows more");
  CLI::App* completion = app.add_subcommand("completion", "Print the completion of these commands for a shell");
  std::string shell;
  completion->footer(kCompletionExamples);
  completion->add_option("SHELL", shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
  CLI::App* attached =
      app.add_subcommand("record-attached", "Serves a program that was started with LD_PRELOAD alone")->group("");
  attached->add_option("FD", line.hello_socket_fd, "Connected socket to the program")->required();

  std::string verb = ours.empty() ? "" : ours.front();
  const std::vector<const CLI::App*> commands = shown_commands(app);
  const bool known_verb =
      std::any_of(commands.begin(), commands.end(), [&](const CLI::App* one) { return one->get_name() == verb; });
  std::string help = known_verb ? "oomcast " + verb + " --help" : "oomcast --help";
  std::string prefix = known_verb ? verb + ": " : "";
  try {
    parse(app, ours);
  } catch (const CLI::CallForHelp&) {
    const CLI::App* asked = &app;
    for (const CLI::App* one : commands)
      if (one->parsed()) asked = one;
    line.text = asked->help();
    return line;
  } catch (const CLI::CallForVersion& version) {
    line.text = std::string(version.what()) + "\n";
    return line;
  } catch (const CLI::ExtrasError& error) {
    if (verb == "run" && dashes == arguments.end())
      return usage_error("run: " + first_line(error.what()) + " (the program comes after '--')", help);
    return usage_error(prefix + first_line(error.what()), help);
  } catch (const CLI::ParseError& error) {
    return usage_error(prefix + first_line(error.what()), help);
  }
  if (*completion) {
    line.text = shell == "bash" ? bash_completion(command_words(app)) : zsh_completion(command_words(app));
    return line;
  }
  line.verb = *run         ? Verb::kRun
              : *attach    ? Verb::kAttach
              : *replay    ? Verb::kReplay
              : *sweep     ? Verb::kSweep
              : *fit       ? Verb::kFit
              : *check     ? Verb::kCheck
              : *diff      ? Verb::kDiff
              : *page      ? Verb::kPage
              : *exporting ? Verb::kExport
              : *showing   ? Verb::kShow
              : *explain   ? Verb::kExplain
              : *list      ? Verb::kHostList
              : *show      ? Verb::kHostShow
              : *capture   ? Verb::kHostCapture
              : *doctor    ? Verb::kDoctor
              : *attached  ? Verb::kRecordAttached
                           : Verb::kNothing;
  if (line.verb == Verb::kNothing) return usage_error("no command given", help);
  if (line.verb == Verb::kRun && line.run.recorder.command.empty())
    return usage_error("run: no program given", "oomcast run -- PROGRAM ARGS...");
  if (line.verb == Verb::kHostCapture && line.host_argument.empty() && line.host_file.empty())
    return usage_error("host capture: give a DIR or --file FILE", help);
  if (line.verb == Verb::kCheck && line.gate.budget.empty() && line.gate.write_baseline.empty())
    return usage_error("check: give --budget FILE, or --write-baseline FILE to make one", help);
  const bool recorded = !line.replay.traces.empty() || line.replay.has_services();
  if (line.replay.traces.size() == 1 && !line.replay.has_services()) line.replay.trace = line.replay.traces.front();
  if ((line.verb == Verb::kReplay || line.verb == Verb::kSweep) && !recorded)
    return usage_error(verb + ": TRACE is required", help);
  if (line.verb == Verb::kSweep) {
    if (const std::string problem = fleet_problem(line.fleet, *sweep); !problem.empty())
      return usage_error("sweep: " + problem, help);
    line.fleet.words = sweep_words(*sweep);
  }
  if (line.verb == Verb::kFit) {
    if (recorded != line.run.recorder.command.empty())
      return usage_error("fit: give either a TRACE, or -- PROGRAM ARGS...", help);
    if (std::string problem = line.fit.as.empty() ? "" : setting_problem(line.fit.key, line.fit.as); !problem.empty())
      return usage_error("fit: --as " + problem, help);
  }
  const CLI::App& forecast = *attach ? *attach : *replay ? *replay : *sweep ? *sweep : *fit ? *fit : *run;
  line.run.target_words = target_words(forecast);
  bool from_trace = *replay || *sweep || (*fit && recorded);
  if (from_trace && forecast.count("--host") == 0) line.run.host = kRecordedHost;
  if (!line.run.record_for.empty() && line.run.trace.empty())
    return usage_error(verb + ": --record-for goes with --trace FILE", help);
  if (line.verb == Verb::kAttach && line.attach.pid == 0)
    return usage_error("attach: give the PID of a program that runs, or --cgroup-of PID", help);
  if (line.verb == Verb::kAttach && !line.run.recorder.command.empty())
    return usage_error("attach: a PID of a program that runs, and no program; to start one: 'oomcast run -- PROGRAM'",
                       help);
  return line;
}

Result<RunOptions> parse_options_text(const std::string& text) {
  RunOptions options;
  CLI::App app("", "OOMCAST_OPTIONS");
  app.set_help_flag();
  add_run_options(app, options);
  try {
    app.parse(text);
    options.target_words = target_words(app);
  } catch (const CLI::ParseError& error) {
    return Error{"OOMCAST_OPTIONS: " + first_line(error.what()) + "; it takes the options of 'oomcast run'"};
  }
  return options;
}

Result<void> apply_target_words(const std::vector<std::string>& words, RunOptions& options) {
  CLI::App app;
  app.set_help_flag();
  add_target_options(app, options);
  try {
    parse(app, words);
  } catch (const CLI::ParseError& error) {
    return Error{first_line(error.what())};
  }
  return {};
}

}  // namespace oomcast::report
