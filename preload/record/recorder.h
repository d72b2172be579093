// Runs a program and records what it does to memory. The recorder's whole interface.
//
// run() starts the program with the capture library preloaded and serves it until its root process has ended; attach()
// does the same for a program that loaded the library by itself; watch() looks from outside at one that runs already.
// All feed trace::Events, in order of arrival, to a sink.
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

/// Why a command cannot be recorded, for the caller's exit status: 127 not found, 126 not executable, else its own
/// choice.
enum class PreflightProblem { kNotFound, kNotExecutable, kSetuid, kForeignElf };

/// What the program makes of the capture library. kIgnores: statically linked; only programs that it starts may load
/// the library. kBreaks: it would not start with the library (another C library, a sanitizer's runtime).
enum class LibraryUse { kLoads, kIgnores, kBreaks };

struct Preflight {
  std::optional<PreflightProblem> problem;  // empty: the command can be recorded
  std::string message;                      // one sentence, what and what to try; empty if no problem
  std::string program;                      // the file that would be executed, found through PATH
  LibraryUse library = LibraryUse::kLoads;
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

/// A program that runs already.
struct Attachment {
  uint32_t pid = 0;           // its descendants are watched with it
  bool whole_cgroup = false;  // and so are all processes of its cgroup and of those below it, until the last has ended
  uint64_t for_ns = 0;        // how long; 0: until it ends
};

/// Whether the process, and its cgroup if that is asked for, can be watched from outside. An error says why not and
/// what to try.
Result<void> check_attachment(const Attachment& to);
/// Its command line by /proc, or its short name where it has none.
std::vector<std::string> command_of(uint32_t pid);

/// Watches the process until it ends, the time is over, or SIGINT, SIGTERM, SIGHUP or SIGQUIT asks for an end; nothing
/// in it is changed, and it runs on. What is resident at the beginning counts as touched then. REQUIRES: the signals
/// are held (hold_signals_for_good()), or a signal ends the caller.
Result<trace::CaptureSummary> watch(const Attachment& to, const RecordOptions& options, trace::EventSink& sink);

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
