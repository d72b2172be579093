// ProcessLife: adds and drops processes, and follows their execs and forks.
#include "preload/record/process_life.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "preload/record/kernel/ended_process.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kFirstScanNs = 20'000'000;  // after a start or an exec

}  // namespace

Process& ProcessLife::add(uint32_t pid, uint32_t parent, uint64_t inherited_pages) {
  auto process = std::make_unique<Process>(pid);
  process->parent = parent;
  process->pidfd = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  process->oom_score_adj.belong_to(pid);
  Process* inherits = rooms_.processes.find(parent);
  if (inherits != nullptr) rooms_.meter.forget_pending_child(*inherits, pid);
  process->adj = inherits != nullptr ? inherits->adj : std::atoi(read_line(process->oom_score_adj.get()).c_str());
  process->huge_pages_off = inherits != nullptr && inherits->huge_pages_off;
  process->life.started_ns = process->life.program_ns = rooms_.clocks.now_ns();
  process->scans.next_ns = process->life.started_ns + kFirstScanNs;
  if (process->pidfd) loop_.watch(process->pidfd.get(), SourceKind::kProcess, pid);
  Process& added = *process;
  rooms_.processes.add(std::move(process));
  forget_address_space(added);
  added.resident.inherited_pages = inherited_pages;
  if (rooms_.meter.samples_peaks()) rooms_.meter.sampler().watch(pid, inherited_pages);
  return added;
}

Process& ProcessLife::process_of_hello(uint32_t pid, const ring::Request& hello) {
  const bool forked = hello.kind == ring::RequestKind::kHelloForked;
  const auto parent = static_cast<uint32_t>(hello.argument);
  Process* const process = rooms_.processes.find(pid);
  if (process == nullptr) return forked ? add_forked(pid, parent) : add_spawned(pid, parent);
  // Found before its hello, it is known as a copy of its parent already.
  if (forked && process->life.known_by == KnownBy::kFind) return *process;
  if (process->life.said_hello() || !process->memory->has_memory())
    begin_other_program(*process);  // the program that said hello, or was scanned, is gone by an exec
  else
    rooms_.feed.read_comm(*process);  // the hello of the program that is known, which may be loaded only now
  return *process;
}

/// A copy of its parent, or of a process that is not known.
Process& ProcessLife::add_forked(uint32_t pid, uint32_t said_parent) {
  Process* const parent = rooms_.processes.find(said_parent);
  if (parent == nullptr) {
    Process& process = add(pid, said_parent);
    rooms_.feed.report(process, trace::EventKind::kProcessStart, 0, 0);
    rooms_.feed.read_comm(process);
    return process;
  }
  catch_up_before_fork(*parent);
  rooms_.feed.report(*parent, trace::EventKind::kFork, pid, 0);
  Process& process = add(pid, said_parent, rooms_.copies.inherited_pages(*parent, pid));
  inherit_from(process, *parent);
  rooms_.feed.report_comm(process);
  return process;
}

/// Made by vfork and exec, or a child that exec'ed before its hello: it has no memory of its parent.
Process& ProcessLife::add_spawned(uint32_t pid, uint32_t said_parent) {
  Process* const parent = rooms_.processes.find(said_parent);
  if (parent != nullptr) rooms_.reader.drain(*parent);  // the child inherits the parent's settings
  Process& process = add(pid, said_parent);
  rooms_.feed.report(process, trace::EventKind::kProcessStart, parent != nullptr ? said_parent : 0, 0);
  if (parent != nullptr) inherit_open_files(process, *parent);
  rooms_.settings.report_limits(process);
  rooms_.feed.read_comm(process);
  return process;
}

/// Takes over the counts of the shared area before it is unmapped.
void ProcessLife::keep_counts_of(Process& process) {
  if (!process.shared) return;
  rooms_.notes.host_questions_mask |= (*process.shared)->sensitive.load(std::memory_order_relaxed);
  rooms_.notes.lost_notes += process.shared->reader.lost();
}

/// The process has exec'ed, or is new: nothing is known of its memory.
void ProcessLife::forget_address_space(Process& process) {
  rooms_.copies.return_loans(process);
  process.forks.group = 0;
  process.maps_shared_memory = false;
  process.files.mappings.clear();
  process.files.watched_text.clear();
  process.files.use.claimed.clear();  // the hooks of the new program claim files anew
  process.pages.clear_all();
  process.control_blocks.clear();
  process.map.clear();
  process.last_maps.clear();
  process.locked.clear();
  process.locked_kb = 0;
  process.sampled.clear();
  process.code = {};
  process.python.forget();
  process.held.free_advice.clear();
  process.held.unanswered.clear();
  process.held.let_go.clear();
  process.held.unclosed.clear();
  process.held.failures = 0;
  process.heap.start = process.heap.end = process.heap.fell_to = 0;
  process.stash = {};
  process.fault_fd.reset();
  process.heap_fd.reset();
  process.outside = {};
  process.tracker = TrackerKind::kPagemap;
  process.native.cpu_ns = process.native.unpaid_faults = 0;
  process.resident.inherited_pages = process.resident.inherited_prefilled_pages = process.resident.shared_known_pages =
      0;
  process.resident.shared_bytes = process.scans.shared_bytes = process.resident.statm_shared_pages =
      process.resident.sampled_shared_bytes = 0;
  process.leaving.clear();
  process.polled.all.clear();
  process.polled.anonymous.clear();
  process.polled.doubtful.clear();
  keep_counts_of(process);
  process.shared.reset();
  process.scans.begun = false;
  process.memory->begin_address_space();
  for (auto& [tid, task] : process.tasks) task->walks = {};
  rooms_.meter.update(process);
}

void ProcessLife::drop(uint32_t pid) {
  Process* process = rooms_.processes.find(pid);
  if (process == nullptr) return;
  if (!process->life.said_hello() && !process->comm.empty() && !process->tracked_by_faults())
    rooms_.notes.note_unhooked_process(process->comm);
  note_seen_from_outside(*process);
  rooms_.copies.return_loans(*process);
  process->pages.clear_all();
  rooms_.meter.update(*process);
  rooms_.meter.forget(*process);
  keep_counts_of(*process);
  rooms_.processes.erase(pid);
}

/// Called at the end of a program: before that its hello may still come.
void ProcessLife::note_seen_from_outside(const Process& process) {
  if (process.life.said_hello()) return;
  if (process.outside.held) rooms_.notes.note_held_from_outside(process.comm);
  if (process.outside.refusal != 0) rooms_.notes.note_not_held(process.comm, process.outside.refusal);
}

/// The process has exec'ed: a new program in an empty address space.
void ProcessLife::begin_other_program(Process& process) {
  note_seen_from_outside(process);
  process.life.memory_gone_ns = 0;
  process.life.program_ns = rooms_.clocks.now_ns();
  rooms_.reader.drain(process);
  rooms_.feed.report(process, trace::EventKind::kExec, 0, 0);
  forget_address_space(process);
  if (rooms_.meter.samples_peaks()) rooms_.meter.sampler().watch(process.pid);
  if (!rooms_.shared_memory.empty()) rooms_.shared_memory.settle_all(process, nullptr);
  rooms_.feed.read_comm(process);
}

/// The descriptors have the parent's positions. /proc/PID/io of the child begins at 0.
void ProcessLife::inherit_open_files(Process& child, const Process& parent) {
  child.files.use.open = parent.files.use.open;
  child.files.use.begun = parent.files.use.begun;
}

void ProcessLife::inherit_from(Process& child, Process& parent) {
  rooms_.copies.share(parent, child);
  child.pages = parent.pages;
  child.pages.clear_bit(PageBit::kStashed);  // pages that were out have been brought back or copied for the child
  child.map = parent.map;
  child.last_maps = parent.last_maps;
  child.sampled = parent.sampled;
  child.code = parent.code;
  child.heap.start = parent.heap.start;
  child.heap.end = parent.heap.end;
  child.comm = parent.comm;
  child.gives_way = parent.gives_way;  // the child's library has inherited this too
  child.maps_shared_memory = parent.maps_shared_memory;
  // A fork copies no page table entries of files: the child takes faults of its own there.
  child.files.mappings = parent.files.mappings;
  for (auto& [start, mapping] : child.files.mappings) mapping.seen.assign(mapping.seen.size(), false);
  // The child's hooks know the inherited descriptors and do not claim their files again.
  child.files.use.claimed = parent.files.use.claimed;
  inherit_open_files(child, parent);
  // A fork copies mappings, but no registration, no write protection and no page of shared memory.
  for (const auto& [start, area] : parent.map.areas())
    if (area.shared) child.pages.clear(area.start, area.end);
  child.map.for_each(0, ~uint64_t{0}, [](Area& area) { area.registered = false; });
  std::vector<uint64_t> watched;
  for (const auto& [start, area] : child.map.areas())
    child.pages.for_each(PageBit::kWatched, area.start, area.end,
                         [&](uint64_t address) { watched.push_back(address); });
  for (const uint64_t address : watched) child.pages.set(PageBit::kWatched, address, false);
  child.resident.inherited_prefilled_pages = child.prefilled_pages();
  rooms_.meter.update(child);
}

/// Whether the known address space still exists. False: it is gone by an exec or an exit, and there is nothing to scan
/// yet.
bool ProcessLife::lives_on(Process& process, uint64_t now_ns) {
  if (process.life.memory_gone_ns == 0) {
    if (memory_lives(process)) return true;
    process.life.memory_gone_ns = now_ns;
    return false;
  }
  if (has_ended(process.pidfd.get())) {
    process.life.memory_gone_ns = 0;
    return false;  // the loop's pidfd reports the end
  }
  // Exiting: the address space is gone before the process.
  if (const Resident now = process.memory->resident(); now.known && now.size_pages == 0) {
    process.life.memory_gone_ns = now_ns;
    return false;
  }
  // The process has exec'ed a program that has not loaded the library, or not yet.
  begin_other_program(process);
  process.life.known_by = KnownBy::kExec;
  process.scans.next_ns = now_ns + kFirstScanNs;
  return false;
}

/// The status in the form that waitpid() gives it.
int ProcessLife::wait_status_of(const Process& process) const {
  int status = -1;
  if (process.pid == rooms_.processes.root.pid && rooms_.processes.root.is_child) {
    if (::waitpid(static_cast<pid_t>(process.pid), &status, WNOHANG) <= 0) status = -1;
  } else {
    status = foreign_wait_status(process.pid, process.pidfd.get());
  }
  if (status != -1) return status;
  return process.life.exit_status >= 0 ? (process.life.exit_status & 0xff) << 8 : 0;
}

}  // namespace oomcast::record
