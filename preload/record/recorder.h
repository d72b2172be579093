// Runs a program and records what it does to memory. The recorder's whole interface.
//
// run() starts the program with the library preloaded and serves it until its root process has ended. attach() does the
// same for a program that has loaded the library by itself. watch() observes a running program from outside. All feed
// trace::Events, in the order in which the recorder learns of them, to a sink.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/base/result.h"
#include "model/trace/capture_summary.h"
#include "model/trace/event_sink.h"
#include "preload/record/record_options.h"

namespace oomcast::record {

/// Why a command cannot be recorded. The caller derives its exit status: 127 for kNotFound, 126 for kNotExecutable,
/// else one of its own.
enum class PreflightProblem { kNotFound, kNotExecutable, kSetuid, kForeignElf };

/// What a program does with a preloaded library. kIgnores: it is static; programs that it starts may load the library.
/// kBreaks: it would not start with the library (another C library, a sanitizer's runtime).
enum class LibraryUse { kLoads, kIgnores, kBreaks };

struct Preflight {
  std::optional<PreflightProblem> problem;  // empty: the command can be recorded
  std::string message;                      // one sentence: the problem and what to try; empty: no problem
  std::string program;                      // the file to be executed, as found in PATH
  LibraryUse library = LibraryUse::kLoads;
  bool ok() const { return !problem.has_value(); }
};

/// Examines the program file, and the interpreter of a #! script, before anything is started.
Preflight check_command(const RecordOptions& options);

/// Opens closed standard streams, so that no file of the recorder gets one of their numbers. Their use still fails, and
/// the guest finds them closed. To be called before anything is opened.
void open_standard_streams();
/// Keeps SIGPIPE, SIGXFSZ and the limits on file size, CPU time and memory from ending the command: a write fails with
/// an error instead, and limits are raised as far as allowed. The guest gets everything back as the command found it.
void protect_report();
/// Blocks signals until the process ends, so that the report is written first. A signal to the command is passed on to
/// the guest or has no effect.
void hold_signals_for_good();
/// Sets this process's oom_score_adj to -999 if its privilege allows that: this machine's OOM killer takes it last. The
/// guest keeps its own value.
void be_killed_last();

/// Runs the command until its root process has ended. Error: it could not be started.
Result<trace::CaptureSummary> run(const RecordOptions& options, trace::EventSink& sink);

/// Serves a program that has preloaded the library by itself. The library runs `oomcast record-attached FD` (FD is in
/// OOMCAST_ATTACH_FD too), with stdin, stdout and stderr on /dev/null unless OOMCAST_LOG names a file. FD is a
/// connected socket to the program. An empty options.command is filled from /proc.
Result<trace::CaptureSummary> attach(int hello_socket_fd, const RecordOptions& options, trace::EventSink& sink);

/// A running program to be watched.
struct Attachment {
  uint32_t pid = 0;           // watched with all its descendants
  bool whole_cgroup = false;  // also watch all processes in its cgroup and in those below it, until the last has ended
  uint64_t for_ns = 0;        // how long to watch, in ns; 0: until it ends
};

/// Checks whether the process, and its cgroup if asked for, can be watched from outside. Error: why not and what to
/// try.
Result<void> check_attachment(const Attachment& to);
/// The command line of a process by /proc, or its short name (comm) if it has none.
std::vector<std::string> command_of(uint32_t pid);

/// Watches the process until it ends, the time is over, or SIGINT, SIGTERM, SIGHUP or SIGQUIT asks for an end. The
/// process is not changed, unless options.tracker is "userfaultfd", and runs on. Pages that are resident at the
/// beginning count as touched then. REQUIRES: the signals are blocked (hold_signals_for_good()), or one ends the
/// caller.
Result<trace::CaptureSummary> watch(const Attachment& to, const RecordOptions& options, trace::EventSink& sink);

/// Writes why attach() was not tried to the standard error of the program that loaded the library, as ld.so does with
/// its warnings. Does nothing if this process has a standard error of its own (OOMCAST_LOG).
void tell_program(int hello_socket_fd, const std::string& line);

/// What this kernel and the process's privileges allow, for `oomcast doctor`.
struct Capabilities {
  bool userfaultfd = false;         // available, by the system call or through /dev/userfaultfd
  bool userfaultfd_device = false;  // /dev/userfaultfd can be opened
  // available with UFFD_USER_MODE_ONLY, which needs no privilege; enough for wp-async
  bool userfaultfd_user_mode = false;
  bool event_fork = false, event_remap = false, event_remove = false, event_unmap = false;
  bool thread_id = false, write_protect = false, wp_async = false, move = false;
  bool pagemap_scan = false, procmap_query = false;
  bool ptrace_capability = false;
  std::string tracker;             // that run() would choose: "userfaultfd", "wp-async" or "pagemap"
  std::vector<std::string> lines;  // one finding each; lines that start with "try: " are advice
};
Capabilities probe();

/// Time in ns of 20 million dependent steps `a = a*3+1` on a volatile, scaled up from the fastest of a few short tries.
int64_t measure_cpu_loop_20m_ns();

/// The number by which events name a file of this machine; 0: there is no such regular file.
uint64_t file_number(const std::string& path);
/// The kernel files that describe this machine, by path without the leading slash, and calibration.json with times
/// measured here.
std::map<std::string, std::string> files_of_this_machine();
/// Writes the same files into a directory. Error: one could not be written.
Result<void> snapshot_this_machine(const std::string& directory);

}  // namespace oomcast::record
