// Reads what the user asks for: the command line as plain data; nothing is started and nothing is read here.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/base/result.h"
#include "model/sim/outcome.h"
#include "model/sim/simulation.h"
#include "preload/record/record_options.h"
#include "report/export/export_command.h"
#include "report/fit/fit_options.h"
#include "report/fleet/fleet_options.h"
#include "report/gates/gate_command.h"
#include "report/page/page_command.h"
#include "report/show/show_options.h"
#include "report/verb.h"

namespace oomcast::report {

/// Exit statuses of the command itself; otherwise `run` exits with the program's own status (128 + signal).
inline constexpr int kExitUsage = 2;            // usage, host or report errors
inline constexpr int kExitForecastTooBad = 3;   // --fail-on
inline constexpr int kExitNotExecutable = 126;  // not executable, setuid, of another processor
inline constexpr int kExitNotFound = 127;

struct RunOptions {
  record::RecordOptions recorder;  // how the program is watched; recorder_options() adds what the options below decide
  sim::Options model;              // how the target treats it; model_options() adds the policy, once the host is known
  std::string host = "this";
  std::optional<int> nth;  // which kill of a kernel log, from 1; absent: the last
  std::string report = "oomcast.report.json";
  std::string html;                 // where the page goes; empty: none
  std::vector<std::string> cgroup;  // FILE=VALUE
  std::vector<std::string> tmpfs;   // PATH=SIZE
  std::string limits_from;          // FILE or FILE:SERVICE, until take_limits_from() has read it; empty: none
  std::vector<std::string> limits;  // what it says, as `cgroup`, and before that
  std::optional<std::vector<std::string>> own_tmpfs;  // the same of `tmpfs`: a container's, instead of the host's
  std::vector<std::string> set;                       // KEY=VALUE
  std::string membind, interleave, preferred;         // node lists; at most one is given
  std::optional<sim::Verdict> fail_on;
  std::string log_level = "warning";
  bool quiet = false;
  std::string progress = "auto";  // auto, always, never
  bool present_host = false;
  bool present_cgroup = true;     // with --cgroup: the program that asks for its limits is shown them
  int seeds = 1;                  // simulations of the same run, each with another seed
  std::optional<double> prove_s;  // wall clock for proofs; 0: none; absent: 10 s or the run's own time, the longer one
  std::string trace;              // empty: none
  std::string record_for;         // a second host whose watches are answered too; empty: none
  std::vector<std::string> target_words;  // options that mirror the target, as given: "--cpu-node=1"
};

/// `replay`, `sweep` and `fit`: the trace or the services, and for sweep what is varied.
struct ReplayOptions {
  std::string trace;                  // of one program; empty: there are services, or none is given
  std::vector<std::string> traces;    // as given; several are services of one host
  std::vector<std::string> services;  // --service
  std::string services_file;          // --services; empty: none
  std::vector<std::string> vary;      // KEY=FIRST..LAST[:STEP] or KEY=A,B,C
  int jobs = 0;                       // simulations at a time; 0: one per CPU
  bool has_services() const { return traces.size() > 1 || !services.empty() || !services_file.empty(); }
};

struct AttachOptions {
  uint32_t pid = 0;
  bool whole_cgroup = false;  // all processes of its cgroup, not only its descendants
  double for_s = 0;           // 0: until it ends
};

struct ExplainOptions {
  std::string log;
  std::optional<int> nth;  // from 1; absent: the last
  bool json = false;
  double prove_s = 10;  // wall clock for the simulation; 0: none
};

struct CommandLine {
  const Verb* verb =
      nullptr;        // null: print `error` and `text`, and exit with `status` (--help, --version, usage error)
  std::string text;   // of --help, --version and completion, for stdout
  std::string error;  // one line for stderr
  int status = 0;
  RunOptions run;             // run, attach, replay, sweep, fit, record-attached
  AttachOptions attach;       // attach
  ReplayOptions replay;       // replay, sweep, fit
  FleetOptions fleet;         // sweep
  FitOptions fit;             // fit
  GateOptions gate;           // check, diff
  PageOptions page;           // page
  ExportOptions export_to;    // export
  ShowOptions show;           // show
  ExplainOptions explain;     // explain
  std::string host_argument;  // host show: host; host capture: directory, or empty
  std::string host_file;      // host capture: the packed file if no directory is given; "-": stdout
  bool json = false;          // host show, sweep, fit
  int hello_socket_fd = -1;   // record-attached
};

/// The host of the recording, the default of `replay` and `sweep`.
inline constexpr const char* kRecordedHost = "recorded";

/// `arguments` without the name of the program. `verbs` in the order of the help, "host" before "host show". What
/// follows the first `--` is the program's.
CommandLine parse_command_line(std::span<const Verb* const> verbs, const std::vector<std::string>& arguments);

/// Returns what CLI11 says of a mistake: its first line.
std::string first_line(const std::string& text);

}  // namespace oomcast::report
