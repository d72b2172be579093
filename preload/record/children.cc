// Finds children of guests that have not said hello, by the children that /proc lists. Such are static programs,
// programs with a clean environment, and copies made by clone() without fork handlers. They are polled from then on, or
// held from outside (outside.h).
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "preload/record/kernel/cgroup_members.h"
#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/shared_address_space.h"
#include "preload/record/process_life.h"
#include "preload/ring/stash.h"

namespace oomcast::record {
namespace {

// 100 ms: a child that says hello has done so by then. Also the interval between two searches.
constexpr uint64_t kPatienceTicks = 5;
// 40 ms for children of a parent without the library, which say hello only if they exec. The search is made at each
// tick.
constexpr uint64_t kUnhookedPatienceTicks = 2;
constexpr uint64_t kNotOurs = UINT64_MAX;  // instead of a tick: the child may not be scanned (setuid), or has ended
constexpr size_t kMostThreads = 64, kMostStillRunning = 1000;

/// Whether the process is the recorder or its parent. Started by the library, the recorder has OOMCAST_SOCKET in its
/// environment and descends from the program; its parent is a copy of the program that stays between the two
/// (spawn_recorder.cc).
bool is_recorder(uint32_t pid) {
  return pid == static_cast<uint32_t>(::getpid()) || pid == static_cast<uint32_t>(::getppid());
}

/// Whether the process is the helper of a stash, which is no program of the run.
bool is_stash_helper(uint32_t pid) {
  return read_line_of(proc_of(pid) + "comm") == std::string(ring::kStashHelperName) + "\n";
}

std::vector<uint32_t> children_of(const Process& process) {
  std::vector<uint32_t> found;
  size_t examined = 0;
  for (const auto& [tid, task] : process.tasks) {
    if (++examined > kMostThreads) break;
    const std::vector<uint32_t> children = pids_in(read_whole_path(proc_of_thread(process.pid, tid) + "children"));
    found.insert(found.end(), children.begin(), children.end());
  }
  return found;
}

/// The children by /proc alone; the process need not be known.
std::vector<uint32_t> children_of_all_threads(uint32_t pid) {
  std::vector<uint32_t> found;
  const std::string tasks = proc_of(pid) + "task";
  for (const uint32_t tid : numbers_in_directory(tasks)) {
    const std::vector<uint32_t> children = pids_in(read_whole_path(tasks + "/" + std::to_string(tid) + "/children"));
    found.insert(found.end(), children.begin(), children.end());
  }
  return found;
}

/// All processes with the recorder's socket in their environment, but the recorder: they were started with it, or
/// forked from such a process. This also finds processes whose ancestors have ended.
///
/// A child made by vfork, posix_spawn, clone or a static program leaves no note. Once its parent has ended, only its
/// environment shows that it belongs to the run. So the environments of all processes are read, once a run.
std::vector<uint32_t> processes_with_environment(const std::string& entry) {
  std::vector<uint32_t> found;
  for (const uint32_t pid : numbers_in_directory("/proc")) {
    if (is_recorder(pid) || is_stash_helper(pid)) continue;
    const std::string environment = read_whole_path(proc_of(pid) + "environ");
    if (environment.find(entry) != std::string::npos) found.push_back(pid);
  }
  return found;
}

uint64_t stack_start(const std::vector<Vma>& maps) {
  for (const Vma& vma : maps)
    if (vma.name == "[stack]") return vma.end;
  return 0;
}

}  // namespace

/// A copy of the parent has its stack at the parent's address; another program does not (address space randomisation).
bool ProcessLife::is_copy_of(const Process& child, const Process& parent) {
  const uint64_t stack = stack_start(child.memory->mappings());
  return stack != 0 && stack == stack_start(parent.memory->mappings());
}

/// Reports what the parent did before the fork. Pages that it has touched since its last scan would otherwise be found
/// in parent and child, and count as touched by both.
void ProcessLife::catch_up_before_fork(Process& parent) {
  rooms_.faults.serve(parent);
  rooms_.reader.drain(parent);
  if (parent.tracked_by_faults() || !parent.scans.begun) return;
  rooms_.meter.read_resident(parent);  // the scan takes pages beyond the kernel's last count for moved memory
  rooms_.poller.scan_touches(parent, Touches::kFresh, false);
}

/// Adds a process without a hello and scans it. Null: it may not be read, or has ended.
Process* ProcessLife::add_child_without_hello(uint32_t pid, Process& parent) {
  Process& process = add(pid, parent.pid, rooms_.copies.inherited_pages(parent, pid));
  if (!process.pidfd || process.memory->mappings().empty()) {
    drop(pid);
    children_without_hello_[pid] = kNotOurs;
    return nullptr;
  }
  process.life.known_by = KnownBy::kFind;
  rooms_.notes.use_tracker(TrackerKind::kPagemap);
  if (is_copy_of(process, parent)) {
    catch_up_before_fork(parent);
    rooms_.feed.report(parent, trace::EventKind::kFork, pid, 0);
    inherit_from(process, parent);
  } else {
    process.resident.inherited_pages = 0;
    if (rooms_.meter.samples_peaks()) rooms_.meter.sampler().watch(pid);
    rooms_.feed.report(process, trace::EventKind::kProcessStart, parent.pid, 0);
    rooms_.settings.report_limits(process);
  }
  rooms_.feed.read_comm(process);
  rooms_.scanner.scan(process, true);
  return &process;
}

/// Parents are added before their children: pages shared since a fork are the parent's.
void ProcessLife::add_running_descendants(Process& ancestor) {
  std::vector<uint32_t> parents{ancestor.pid};
  for (size_t i = 0; i < parents.size(); ++i)
    for (const uint32_t pid : children_of_all_threads(parents[i])) {
      Process* const parent = rooms_.processes.find(parents[i]);
      if (parent == nullptr || pid == static_cast<uint32_t>(::getpid()) || rooms_.processes.find(pid) != nullptr)
        continue;
      if (Process* const child = add_child_without_hello(pid, *parent); child != nullptr) {
        Scanner::forget_native_faults(*child);
        parents.push_back(pid);
      }
    }
}

/// Adds processes of the cgroup whose parent is not known. Children of known processes are found as children.
void ProcessLife::add_members_of_cgroup() {
  for (const uint32_t pid : cgroup_members(cgroup_)) {
    if (rooms_.processes.find(pid) != nullptr || pid == static_cast<uint32_t>(::getpid())) continue;
    if (rooms_.processes.find(parent_of(pid).value_or(0)) != nullptr) continue;
    Process& process = add(pid, 0);
    if (!process.pidfd || process.memory->mappings().empty()) {
      drop(pid);
      continue;
    }
    process.life.known_by = KnownBy::kFind;
    rooms_.feed.report(process, trace::EventKind::kProcessStart, 0, 0);
    rooms_.settings.report_limits(process);
    rooms_.feed.read_comm(process);
    rooms_.scanner.scan(process, true);
    Scanner::forget_native_faults(process);
    add_running_descendants(process);
  }
}

void ProcessLife::add_running_relatives(Process& root, const std::string& cgroup) {
  if (rooms_.options.follow_children) add_running_descendants(root);
  cgroup_ = cgroup;
  if (!cgroup_.empty()) add_members_of_cgroup();
}

/// Adds children that had no descriptor for a hello, without waiting for one.
void ProcessLife::add_children_without_descriptor() {
  for (const auto& [pid, parent] : rooms_.reader.take_children_without_descriptor()) {
    Process* const process = rooms_.processes.find(parent);
    if (process == nullptr || rooms_.processes.find(pid) != nullptr || !rooms_.options.follow_children) continue;
    ++rooms_.notes.children_without_descriptor;
    add_child_without_hello(pid, *process);
  }
}

/// A parent has ended before its forked children have said hello, as a program does that becomes a daemon.
void ProcessLife::add_pending_children(Process& parent) {
  if (!rooms_.options.follow_children) return;
  const std::map<uint32_t, uint64_t> pending_children = parent.forks.pending_children;
  for (const auto& [pid, pages] : pending_children)
    if (rooms_.processes.find(pid) == nullptr) add_child_without_hello(pid, parent);
  if (parent.pid != rooms_.processes.root.pid || !rooms_.options.wait_for_all) return;
  for (const uint32_t pid : processes_with_environment("OOMCAST_SOCKET=" + socket_name_))
    if (rooms_.processes.find(pid) == nullptr) add_child_without_hello(pid, parent);
}

std::vector<std::string> ProcessLife::still_running() const {
  std::vector<std::string> running;
  std::vector<uint32_t> found;
  for (const auto& [pid, process] : rooms_.processes) found.push_back(pid);
  if (!socket_name_.empty())
    for (const uint32_t pid : processes_with_environment("OOMCAST_SOCKET=" + socket_name_))
      if (rooms_.processes.find(pid) == nullptr) found.push_back(pid);
  for (size_t i = 0; i < found.size() && found.size() < kMostStillRunning; ++i)
    for (const uint32_t child : children_of_all_threads(found[i]))
      if (!is_recorder(child) && std::find(found.begin(), found.end(), child) == found.end()) found.push_back(child);
  std::erase_if(found, is_stash_helper);
  for (const uint32_t pid : found) {
    const std::string stat = read_line_of(proc_of(pid) + "stat");
    if (const char state = stat_state(stat); state == '\0' || state == 'Z' || state == 'X') continue;
    const size_t name = stat.find('(') + 1;
    running.push_back(stat.substr(name, stat.rfind(')') - name) + " (pid " + std::to_string(pid) + ")");
  }
  return running;
}

void ProcessLife::discover_children(uint64_t ticks) {
  const bool of_all = ticks % kPatienceTicks == 0;
  if (of_all && !cgroup_.empty()) add_members_of_cgroup();
  std::vector<std::pair<uint32_t, uint32_t>> due;
  std::unordered_map<uint32_t, uint64_t> still;
  for (const auto& [parent, process] : rooms_.processes) {
    const bool hooked = process->life.said_hello();
    if (hooked && !of_all) continue;
    for (const uint32_t child : children_of(*process)) {
      if (rooms_.processes.find(child) != nullptr || is_recorder(child)) continue;
      const auto known = children_without_hello_.find(child);
      still[child] = known != children_without_hello_.end() ? known->second : ticks;
      if (still[child] != kNotOurs && ticks - still[child] >= (hooked ? kPatienceTicks : kUnhookedPatienceTicks))
        due.emplace_back(child, parent);
    }
  }
  if (!of_all) still.merge(children_without_hello_);  // children of parents that were not looked at now are kept
  children_without_hello_ = std::move(still);
  for (const auto& [child, parent] : due) {
    // Between vfork() and exec a child has only its parent's memory.
    if (share_address_space(child, parent) || is_stash_helper(child)) continue;
    if (Process* process = rooms_.processes.find(parent)) add_child_without_hello(child, *process);
  }
}

}  // namespace oomcast::record
