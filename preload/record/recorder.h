// Runs a program and records what it does to memory. The recorder's whole interface.
//
// run() starts the program with the capture library preloaded and serves it until its root process has ended; attach()
// does the same for a program that loaded the library by itself. Both feed trace::Events, in order of arrival, to a
// sink.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/base/result.h"
#include "model/trace/capture_summary.h"
#include "model/trace/event_sink.h"

namespace oomcast::record {

/// What a caller may show while the program runs. Called from run()'s own loop, at most every 100 ms.
struct Progress {
  uint64_t events = 0;
  uint64_t tracked_bytes = 0;
  int processes = 0;
};

struct RecordOptions {
  std::vector<std::string> command;
  bool follow_children = true;
  bool wait_for_all = false;           // go on after the root has ended, until its last descendant has: daemons
  int64_t stack_sample_bytes = 65536;  // one stack per so many allocated bytes; 0: none
  int guard_percent = 5;     // stop the guest when what this machine or its cgroups leave falls to this share; 0: never
  bool kill_on_oom = false;  // carry out the sink's kills for real
  bool refuse_enomem = false;            // make mappings that the sink has refused fail in the guest
  int root_oom_score_adj = 0;            // reported to the sink as the root's value; never set on this machine
  bool use_mimalloc = false;             // the guest allocates with mimalloc instead of its own allocator
  std::vector<std::string> environment;  // NAME=VALUE, added to the guest's
  int64_t max_window_pages = 512;
  bool begin_in_polling_phase = false;  // begin in the polling phase if the sink has room
  std::string tracker;                  // "userfaultfd", "wp-async", "pagemap"; empty: the best that the kernel allows
  std::string library_path;             // empty: beside the executable, in the build tree or in the install libdir
  std::function<void(const Progress&)> progress;
};

/// Why a command cannot be recorded, for the caller's exit status: 127 not found, 126 not executable, else its own
/// choice.
enum class PreflightProblem { kNotFound, kNotExecutable, kStatic, kSetuid, kForeignElf };

struct Preflight {
  std::optional<PreflightProblem> problem;  // empty: the command can be recorded
  std::string message;                      // one sentence, what and what to try; empty if no problem
  std::string program;                      // the file that would be executed, found through PATH
  bool ok() const { return !problem.has_value(); }
};

/// Looks at the program file (and at the interpreter of a #! script) before anything is started.
Preflight check_command(const RecordOptions& options);

/// Closed standard streams are opened, so that no file of ours gets one of their numbers: use of them still fails, and
/// the guest finds them closed. To be called before anything is opened.
void open_standard_streams();
/// A pipe without a reader and a limit on file size, CPU time or memory that was meant for the program do not end the
/// command: writing fails with an error instead, limits are raised as far as allowed. The guest gets what the command
/// was started with.
void protect_report();
/// Signals to the command reach the guest, or do nothing, until the process ends: the report is written first.
void hold_signals_for_good();
/// If memory runs out, this machine's kernel takes this process last (where privilege allows to say so); the guest is
/// not changed.
void be_killed_last();

/// Runs the command to the end of its root process. An error means that it could not be started at all.
Result<trace::CaptureSummary> run(const RecordOptions& options, trace::EventSink& sink);

/// Serves a program that preloaded the library by itself. The library runs `oomcast record-attached FD` (environment
/// OOMCAST_ATTACH_FD=FD as well) with stdin, stdout and stderr on /dev/null unless OOMCAST_LOG names a file; FD is a
/// connected socket whose other end is the program. options.command is filled from /proc if empty.
Result<trace::CaptureSummary> attach(int hello_socket_fd, const RecordOptions& options, trace::EventSink& sink);

/// Why attach() was not even tried, as a line on the standard error of the program that loaded the library, which ld.so
/// uses for such words too. Nothing if this process has a standard error of its own (OOMCAST_LOG).
void tell_program(int hello_socket_fd, const std::string& line);

/// What this kernel and these privileges allow, for `oomcast doctor`.
struct Capabilities {
  bool userfaultfd = false;            // by the system call or through /dev/userfaultfd
  bool userfaultfd_device = false;     // /dev/userfaultfd can be opened
  bool userfaultfd_user_mode = false;  // without privilege: enough for wp-async, where no fault is ever held
  bool event_fork = false, event_remap = false, event_remove = false, event_unmap = false;
  bool thread_id = false, write_protect = false, wp_async = false, move = false;
  bool pagemap_scan = false, procmap_query = false;
  bool ptrace_capability = false;
  std::string tracker;             // the one that run() would use: "userfaultfd", "wp-async", "pagemap"
  std::vector<std::string> lines;  // one finding each; those that start with "try: " are commands
};
Capabilities probe();

/// Time of 20 million dependent `a = a*3+1` steps on a volatile, scaled up from the fastest of a few short tries.
int64_t measure_cpu_loop_20m_ns();

/// The number of a file of this machine in events; 0 if there is no such file.
uint64_t file_number(const std::string& path);
/// The kernel files that describe this machine, by their path without the leading slash, and calibration.json, measured
/// here.
std::map<std::string, std::string> files_of_this_machine();
/// The same as a directory.
Result<void> snapshot_this_machine(const std::string& directory);

}  // namespace oomcast::record
