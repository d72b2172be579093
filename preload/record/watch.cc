// Implements watch(): observes a running program from outside. The program is not changed, unless its touches are to be
// held, and it runs on when the recording ends in any way.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "preload/record/kernel/cgroup_members.h"
#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"
#include "preload/record/own_process.h"
#include "preload/record/server/memory_guard.h"
#include "preload/record/session.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kKernelThread = 0x00200000;  // PF_KTHREAD
constexpr int kFlagsField = 9;                  // number of `flags` in /proc/PID/stat

bool is_kernel_thread(uint32_t pid) {
  return (stat_field(read_line_of(proc_of(pid) + "stat"), kFlagsField).value_or(0) & kKernelThread) != 0;
}

std::string named(uint32_t pid, const std::string& status) {
  const size_t at = status.find("Name:\t");
  const std::string comm = at == std::string::npos ? "" : status.substr(at + 6, status.find('\n', at) - at - 6);
  return "process " + std::to_string(pid) + (comm.empty() ? "" : " (" + comm + ")");
}

/// The uid of the process.
uint64_t owner_of(const std::string& status) { return number_behind(status, "Uid:"); }

Error not_permitted(const std::string& who, const std::string& status) {
  const uint64_t owner = owner_of(status);
  if (::geteuid() == 0)
    return Error{who +
                 ": not permitted to read its memory map, not even as root (another user namespace, or a security " +
                 "module); try outside of this container"};
  if (owner == ::geteuid())
    return Error{who +
                 ": not permitted to read its memory map, although it is yours (it has made itself undumpable, or " +
                 "has privileges of its own); try as root"};
  return Error{who + ": not permitted: it is user " + std::to_string(owner) + "'s; try as that user or as root (sudo)"};
}

/// Directory of the process's memory cgroup; empty: none is mounted.
std::string cgroup_of(uint32_t pid) {
  const std::vector<CgroupDirectory> groups =
      memory_cgroups(read_whole_path(proc_of(pid) + "cgroup"), read_whole_path("/proc/self/mountinfo"));
  // Where cgroup v1 and v2 are both mounted, v1 has the memory controller.
  for (const CgroupDirectory& group : groups)
    if (!group.unified) return group.path;
  return groups.empty() ? "" : groups.front().path;
}

Result<void> check_cgroup(uint32_t pid) {
  const std::string directory = cgroup_of(pid), who = "process " + std::to_string(pid);
  if (directory.empty()) return Error{who + ": no cgroup with its memory is mounted here; try 'oomcast attach PID'"};
  for (const uint32_t member : cgroup_members(directory))
    if (is_kernel_thread(member))
      return Error{who + " is in the root cgroup, with all of this machine; try 'oomcast attach PID'"};
  return {};
}

Result<void> check_process(uint32_t pid) {
  const std::string number = std::to_string(pid), status = read_whole_path(proc_of(pid) + "status");
  if (status.empty()) return Error{number + ": no such process; `ps -e` or `pgrep -a NAME` lists those that run"};
  const std::string who = named(pid, status);
  if (pid == static_cast<uint32_t>(::getpid())) return Error{who + " is oomcast itself"};
  if (const uint64_t group = number_behind(status, "Tgid:"); group != pid)
    return Error{number + " is a thread of process " + std::to_string(group) + "; try that pid"};
  if (is_kernel_thread(pid)) return Error{who + " is a kernel thread: it has no memory of its own"};
  if (status.find("\nState:\tZ") != std::string::npos)
    return Error{who + " has ended, and its parent has not taken its status yet"};
  for (const char* file : {"maps", "pagemap"}) {
    const UniqueFd opened(::open((proc_of(pid) + file).c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened && (errno == EACCES || errno == EPERM)) return not_permitted(who, status);
    if (!opened) return Error{proc_of(pid) + file + ": " + std::strerror(errno)};
  }
  return {};
}

}  // namespace

std::vector<std::string> command_of(uint32_t pid) {
  std::vector<std::string> command;
  const std::string text = read_whole_path(proc_of(pid) + "cmdline");
  for (size_t at = 0; at < text.size(); at += command.back().size() + 1) command.emplace_back(text.c_str() + at);
  if (command.empty()) command.push_back(read_line_of(proc_of(pid) + "comm"));
  return command;
}

Result<void> check_attachment(const Attachment& to) {
  if (Result<void> possible = check_process(to.pid); !possible.ok()) return possible;
  return to.whole_cgroup ? check_cgroup(to.pid) : Result<void>();
}

Result<trace::CaptureSummary> watch(const Attachment& to, const RecordOptions& options, trace::EventSink& sink) {
  if (Result<void> possible = check_attachment(to); !possible.ok()) return possible.error();
  const SignalsHeld held;
  // A program that runs already is not changed unless userfaultfd is asked for by name. Whether the kernel allows that
  // is known only when it is tried.
  const bool holds = options.tracker == tracker_name(TrackerKind::kUserfaultfd);
  Session session(options, holds ? TrackerKind::kUserfaultfd : TrackerKind::kPagemap, sink);
  if (!session.add_running(to, to.whole_cgroup ? cgroup_of(to.pid) : ""))
    return Error{std::to_string(to.pid) + ": the process has ended"};
  session.loop();
  return session.finish();
}

}  // namespace oomcast::record
