// The `oomcast` command: asks the recorder for events, the model for an outcome, and writes the report.
//
// The only file that knows both the model and the recorder; every OS question of the command is asked here.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "model/host/node_list.h"
#include "model/host/read_host.h"
#include "model/sim/simulation.h"
#include "preload/record/recorder.h"
#include "report/command_line.h"
#include "report/coverage.h"
#include "report/host_command.h"
#include "report/json_report.h"
#include "report/report_file.h"
#include "report/summary.h"

namespace oomcast::report {
namespace {

constexpr const char* kThisHost = "this";

int fail(int status, const std::string& message) {
  std::fprintf(stderr, "oomcast: %s\n", message.c_str());
  return status;
}

int print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return std::fflush(stdout) == 0 ? 0 : fail(kExitUsage, "stdout: cannot be written");
}

void start_log(const std::string& level) {
  auto log = spdlog::stderr_color_mt("oomcast");
  log->set_pattern("oomcast: %^%l%$: %v");
  log->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(log);
}

bool stderr_takes_color() {
  const char* no_color = std::getenv("NO_COLOR");
  return ::isatty(STDERR_FILENO) && !(no_color && *no_color);
}

/// A directory that is gone when its owner is.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const char* base = std::getenv("TMPDIR");
    path_ = std::string(base && *base ? base : "/tmp") + "/oomcast.XXXXXX";
    if (!::mkdtemp(path_.data())) path_.clear();
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<host::HostSpec> read_this_host() {
  TemporaryDirectory directory;
  if (directory.path().empty()) return Error{"host: this: no temporary directory; set TMPDIR to a writable one"};
  if (auto taken = record::snapshot_this_machine(directory.path()); !taken) return taken.error();
  auto spec = host::read_snapshot(directory.path());
  if (spec.ok()) spec->name = kThisHost;
  return spec;
}

Result<host::HostSpec> read_host(const std::string& name) {
  return name == kThisHost ? read_this_host() : host::read_host(name);
}

bool has_cpus(const host::HostSpec& host, int node) {
  for (const host::NodeSpec& n : host.nodes)
    if (n.id.value == node) return !n.cpus.empty();
  return false;
}

struct PolicyOption {
  const char* name;
  const std::string& nodes;
  host::PolicyMode mode;
};

std::array<PolicyOption, 3> policy_options(const RunOptions& options) {
  return {{{"--membind", options.membind, host::PolicyMode::kBind},
           {"--interleave", options.interleave, host::PolicyMode::kInterleave},
           {"--preferred", options.preferred, host::PolicyMode::kPreferred}}};
}

std::optional<Error> bad_policy(const RunOptions& options, const host::HostSpec& host) {
  for (const PolicyOption& policy : policy_options(options)) {
    if (policy.nodes.empty()) continue;
    if (auto mask = host::parse_node_list(policy.nodes, host); !mask) return Error{std::string(policy.name) + ": " + mask.error().message};
  }
  return std::nullopt;
}

Result<host::HostSpec> target_host(const RunOptions& options) {
  auto spec = read_host(options.host);
  if (!spec) return spec;
  for (const std::string& change : options.set)
    if (auto set = host::set_field(spec.value(), change); !set) return Error{"--set " + set.error().message};
  for (const std::string& limit : options.cgroup)
    if (auto set = host::set_cgroup(spec.value(), limit); !set) return Error{"--cgroup " + set.error().message};
  if (auto valid = host::validate(spec.value()); !valid) return valid.error();
  if (options.cpu_node >= 0 && !has_cpus(spec.value(), options.cpu_node))
    return Error{"--cpu-node " + std::to_string(options.cpu_node) +
                 ": the host has no such node with CPUs; try 'oomcast host show " + options.host + "'"};
  if (auto bad = bad_policy(options, spec.value())) return *bad;
  return spec;
}

sim::Options model_options(const RunOptions& options, const host::HostSpec& host) {
  sim::Options model;
  for (const PolicyOption& policy : policy_options(options)) {
    if (policy.nodes.empty()) continue;
    model.policy_mode = policy.mode;
    model.policy_nodes = host::parse_node_list(policy.nodes, host).value();
  }
  model.cpu_node = options.cpu_node;
  model.oom_score_adj = options.oom_score_adj;
  model.kill_on_oom = options.kill_on_oom;
  model.recorder_cpu_loop_20m_ns = record::measure_cpu_loop_20m_ns();
  model.audit = options.audit;
  return model;
}

record::RecordOptions recorder_options(const RunOptions& options) {
  record::RecordOptions recorder;
  recorder.command = options.command;
  recorder.wait_for_all = options.wait_for_all;
  recorder.follow_children = options.follow_children;
  recorder.stack_sample_bytes = options.stack_sample_bytes;
  recorder.tracker = options.tracker;
  recorder.guard_percent = options.guard_percent;
  recorder.kill_on_oom = options.kill_on_oom;
  recorder.root_oom_score_adj = options.oom_score_adj;
  return recorder;
}

int preflight_status(record::PreflightProblem problem) {
  return problem == record::PreflightProblem::kNotFound ? kExitNotFound : kExitNotExecutable;
}

/// A verdict that is withheld fails the gate too: a CI job must not turn green because nothing was seen.
bool too_bad(const RunOptions& options, const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  if (!options.fail_on) return false;
  auto verdict = supported_verdict(outcome, capture);
  return !verdict || *verdict >= *options.fail_on;
}

int conclude(const RunOptions& options, const ReportFile& file, const sim::Outcome& outcome,
             const trace::CaptureSummary& capture) {
  Findings findings = find_all(outcome, capture);
  int pid = outcome.app.processes.empty() ? static_cast<int>(::getpid()) : outcome.app.processes.front().pid;
  auto written = file.write(report_text(to_json(outcome, capture, findings)), pid);
  if (!options.quiet) {
    std::string text =
        summary_text(outcome, capture, findings, written ? written.value() : "not written", stderr_takes_color());
    std::fputs(text.c_str(), stderr);
  }
  if (!written) return fail(kExitUsage, written.error().message);
  if (too_bad(options, outcome, capture)) return kExitForecastTooBad;
  return capture.exited ? capture.exit_code : 128 + capture.exit_signal;
}

/// What can fail is tried before the program starts, the cheap things first.
int run(const RunOptions& options) {
  auto recorder = recorder_options(options);
  if (auto preflight = record::check_command(recorder); !preflight.ok())
    return fail(preflight_status(*preflight.problem), "run: " + preflight.message);
  auto file = ReportFile::prepare(options.report);
  if (!file) return fail(kExitUsage, file.error().message);
  auto host = target_host(options);
  if (!host) return fail(kExitUsage, host.error().message);
  const sim::Options model = model_options(options, host.value());
  sim::Simulation simulation(std::move(host.value()), model);
  auto capture = record::run(recorder, simulation);
  if (!capture) return fail(kExitUsage, "run: " + capture.error().message);
  return conclude(options, file.value(), simulation.finish(), capture.value());
}

const char* environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? value : otherwise;
}

/// LD_PRELOAD=liboomcast.so PROGRAM: the library has started us and waits for an answer on the socket.
int record_attached(int hello_socket_fd) {
  auto options = parse_options_text(environment("OOMCAST_OPTIONS", ""));
  if (!options) return fail(kExitUsage, options.error().message);
  start_log(options->log_level);
  options->host = environment("OOMCAST_HOST", options->host.c_str());
  options->report = environment("OOMCAST_REPORT", options->report.c_str());
  auto file = ReportFile::prepare(options->report);
  if (!file) return fail(kExitUsage, file.error().message);
  auto host = target_host(options.value());
  if (!host) return fail(kExitUsage, host.error().message);
  const sim::Options model = model_options(options.value(), host.value());
  sim::Simulation simulation(std::move(host.value()), model);
  auto capture = record::attach(hello_socket_fd, recorder_options(options.value()), simulation);
  if (!capture) return fail(kExitUsage, capture.error().message);
  return conclude(options.value(), file.value(), simulation.finish(), capture.value());
}

int host_show(const std::string& name, bool json) {
  auto spec = read_host(name);
  if (!spec) return fail(kExitUsage, spec.error().message);
  return print(json ? host::to_json(spec.value()) : render_host(spec.value()));
}

int host_capture(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return fail(kExitUsage, "host capture: " + directory + ": " + error.message() + "; choose another directory");
  if (auto taken = record::snapshot_this_machine(directory); !taken) return fail(kExitUsage, taken.error().message);
  return print("This machine is described in " + directory + "; try: oomcast run --host " + directory +
               " -- PROGRAM ARGS...\n");
}

int doctor() {
  record::Capabilities capabilities = record::probe();
  std::string text;
  for (const std::string& line : capabilities.lines) text += line + "\n";
  return print(text);
}

int command(const std::vector<std::string>& arguments) {
  CommandLine line = parse_command_line(arguments);
  using Verb = CommandLine::Verb;
  switch (line.verb) {
    case Verb::kRun:
      start_log(line.run.log_level);
      return run(line.run);
    case Verb::kRecordAttached:
      return record_attached(line.hello_socket_fd);
    case Verb::kHostList:
      return print(render_host_list());
    case Verb::kHostShow:
      return host_show(line.host_argument, line.json);
    case Verb::kHostCapture:
      return host_capture(line.host_argument);
    case Verb::kDoctor:
      return doctor();
    case Verb::kNothing:
      break;
  }
  if (!line.error.empty()) std::fprintf(stderr, "%s\n", line.error.c_str());
  if (!line.text.empty()) print(line.text);
  return line.status;
}

}  // namespace
}  // namespace oomcast::report

int main(int argc, char** argv) { return oomcast::report::command({argv + 1, argv + argc}); }
