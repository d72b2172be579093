// Applies one event of the program to the host. See apply_event.h.
#include "model/sim/apply_event.h"

#include <algorithm>
#include <utility>

#include "model/mm/fault.h"
#include "model/mm/khugepaged.h"
#include "model/mm/memcg.h"
#include "model/mm/mempolicy.h"
#include "model/mm/mlock.h"
#include "model/mm/overcommit.h"
#include "model/mm/page_cache.h"
#include "model/mm/shmem.h"
#include "model/mm/task_memory.h"
#include "model/mm/tmpfs.h"
#include "model/mm/writeback.h"
#include "model/sim/locking.h"
#include "model/sim/placement.h"
#include "model/trace/comm.h"

namespace oomcast::sim {

using host::Process;
using host::ProcessIndex;
using mm::RefusedBy;
using trace::Event;
using trace::EventKind;

host::ProcessIndex EventApplier::process_of(uint32_t pid, uint32_t parent_pid) {
  const auto it = by_pid_.find(pid);
  if (it != by_pid_.end()) return it->second;
  Process process;
  process.pid = static_cast<int>(pid);
  process.parent_pid = static_cast<int>(parent_pid);
  process.guest = true;
  process.service = service_;
  process.cgroup = k_.host.group_of(service_);
  const Placement& place = place_of(service_);
  process.oom_score_adj = place.oom_score_adj;
  if (const auto policy = mm::effective_policy(k_.host, place.policy_mode, place.policy_nodes))
    process.policy = *policy;
  const auto parent = by_pid_.find(parent_pid);
  if (parent != by_pid_.end()) {
    const Process& from = k_.host.processes[parent->second];
    process.oom_score_adj = from.oom_score_adj;
    process.comm = from.comm;
    process.service = from.service;
    process.cgroup = from.cgroup;
    process.policy = from.policy;
  }
  k_.host.processes.push_back(std::move(process));
  const ProcessIndex index = static_cast<ProcessIndex>(k_.host.processes.size() - 1);
  by_pid_[pid] = index;
  return index;
}

void EventApplier::note_peaks(Process& process) {
  process.mapped_peak_bytes = std::max(process.mapped_peak_bytes, process.space.mapped_bytes);
  process.committed_peak_pages = std::max(process.committed_peak_pages, process.space.committed_pages);
  note_peaks();
}

void EventApplier::note_peaks() {
  const int64_t footprint = k_.host.guest_anon + k_.host.guest_swapped;
  if (const Bytes now = to_bytes(Pages(footprint)); now > peaks_.footprint_peak) {
    peaks_.footprint_peak = now;
    peaks_.untouched_at_peak = to_bytes(Pages(k_.host.guest_untouched));
  }
  peaks_.locked_peak = std::max(peaks_.locked_peak, to_bytes(Pages(k_.host.guest_locked)));
  peaks_.resident_peak = std::max(peaks_.resident_peak, to_bytes(Pages(k_.host.guest_anon)));
  peaks_.committed_peak =
      std::max(peaks_.committed_peak, to_bytes(Pages(k_.host.committed) - k_.host.spec.committed_as));
  peaks_.mapped_peak = std::max(peaks_.mapped_peak, Bytes(k_.host.guest_mapped_bytes));
}

// Asks for the right to `bytes` more; a refusal is remembered, so that what the program does there is left out.
bool EventApplier::granted(ProcessIndex index, uint64_t start, uint64_t bytes, bool accountable, bool data) {
  const Process& process = k_.host.processes[index];
  const int64_t pages = static_cast<int64_t>(bytes >> kPageShift);
  std::optional<mm::Refusal> refusal = mm::may_expand_vm(process, pages, data);
  if (!refusal) refusal = mm::too_many_mappings(k_, process, pages);
  if (!refusal && accountable) refusal = mm::vm_enough_memory(k_, process, pages);
  if (!refusal) return true;
  refused_[index][start] = start + bytes;
  k_.listener.on_alloc_refused(process.pid, *refusal);
  return false;
}

void EventApplier::map(const Event& event, ProcessIndex index) {
  Process& process = k_.host.processes[index];
  if (refused_.contains(index)) refused_[index].erase(event.address);
  const int64_t mapped_before = process.space.mapped_bytes;
  const bool anonymous = (event.flags & trace::kAnonymous) != 0;
  mm::unmap_range(k_, index, event.address, event.bytes);  // MAP_FIXED: what was there is gone
  const bool no_reserve = (event.flags & trace::kNoReserve) != 0 && k_.host.spec.vm.overcommit_memory != 2;
  // accountable_mapping(): a private mapping if it is writable. Shared memory without a file from its creation,
  // writable or not (shmem_acct_size).
  const bool is_private = (event.flags & trace::kPrivate) != 0;
  const bool accountable = !no_reserve && (is_private ? (event.flags & trace::kWritable) != 0 : anonymous);
  host::AddressSpace::Mapping kind;
  kind.anonymous = anonymous;
  kind.no_reserve = no_reserve;
  const bool stack = (event.flags & trace::kGrowsDown) != 0;
  kind.accountable = accountable && !stack;
  kind.shared = !is_private;
  kind.executable = (event.flags & trace::kExecutable) != 0;
  kind.data = !kind.shared && !stack && (event.flags & trace::kWritable) != 0;
  kind.lock = process.space.lock_future;
  const int64_t before = process.space.committed_pages;
  if (stack || granted(index, event.address, event.bytes, kind.accountable, kind.data))
    process.space.map(event.address, event.bytes, kind);
  k_.host.committed += process.space.committed_pages - before;
  k_.host.guest_mapped_bytes += process.space.mapped_bytes - mapped_before;
  note_peaks(process);
}

// Extends the file to the end of the mapping: a file has at least the pages that a program maps.
void EventApplier::map_file(const Event& event, ProcessIndex index) {
  if (programs_in_memory_ && (event.flags & trace::kProgram) != 0) return;
  host::AddressSpace& space = k_.host.processes[index].space;
  const auto mapping = space.mappings.find(event.address);
  if (mapping == space.mappings.end()) return;
  const uint64_t first = event.argument >> kPageShift, pages = (mapping->second.end - mapping->first) >> kPageShift;
  mapping->second.file = file_of(event.bytes);
  mapping->second.file_shift = static_cast<int64_t>(first) - static_cast<int64_t>(event.address >> kPageShift);
  host::File& file = k_.host.files[mapping->second.file];
  file.size_pages = std::max(file.size_pages, static_cast<int64_t>(first + pages));
}

// A private mapping becomes accountable when it becomes writable (arenas grow that way).
void EventApplier::protect(const Event& event, ProcessIndex index) {
  if ((event.flags & trace::kWritable) == 0) return;
  Process& process = k_.host.processes[index];
  const uint64_t end = event.address + event.bytes;
  std::vector<std::pair<uint64_t, uint64_t>> gains;
  auto it = process.space.mappings.upper_bound(event.address);
  if (it != process.space.mappings.begin() && std::prev(it)->second.end > event.address) --it;
  for (; it != process.space.mappings.end() && it->first < end; ++it) {
    if (it->second.accountable || it->second.shared || it->second.no_reserve) continue;
    const uint64_t from = std::max(it->first, event.address), to = std::min(it->second.end, end);
    gains.push_back({from, to - from});
  }
  const int64_t before = process.space.committed_pages;
  for (const auto& [start, bytes] : gains) {
    if (granted(index, start, bytes, true, true))
      process.space.change(start, bytes, [](auto& mapping) { mapping.accountable = mapping.data = true; });
  }
  k_.host.committed += process.space.committed_pages - before;
  note_peaks(process);
}

void EventApplier::remap(const Event& event, ProcessIndex index) {
  Process& process = k_.host.processes[index];
  const int64_t mapped_before = process.space.mapped_bytes;
  const host::AddressSpace::Mapping* const old = process.space.mapping_of(event.address);
  host::AddressSpace::Mapping kind = old ? *old : host::AddressSpace::Mapping{};
  if (!old) kind.anonymous = true;
  kind.file_shift +=
      static_cast<int64_t>(event.address >> kPageShift) - static_cast<int64_t>(event.argument >> kPageShift);
  const int64_t committed_before = process.space.committed_pages;
  const bool was_locked = process.space.locked_pages > 0;
  process.space.unmap(event.address, event.bytes);
  k_.host.committed += process.space.committed_pages - committed_before;
  if (event.argument != event.address) mm::unmap_range(k_, index, event.argument, event.bytes);
  const int64_t committed_between = process.space.committed_pages;
  process.space.map(event.argument, event.bytes, kind);
  k_.host.committed += process.space.committed_pages - committed_between;
  k_.host.guest_mapped_bytes += process.space.mapped_bytes - mapped_before;
  if (event.argument != event.address)
    mm::move_range(k_, index, event.address >> kPageShift, event.argument >> kPageShift, event.bytes >> kPageShift);
  if (was_locked)
    mm::relock_range(k_, index, event.argument >> kPageShift, (event.argument + event.bytes) >> kPageShift);
}

void EventApplier::never_born(uint32_t pid, uint32_t parent_pid) {
  by_pid_.erase(pid);
  k_.host.processes[process_of(pid, parent_pid)].alive = false;
}

// dup_mmap(): asks for each mapping that is accountable, one after the other. False if the child cannot have them all.
bool EventApplier::dup_accounted(ProcessIndex parent_index) {
  const Process& parent = k_.host.processes[parent_index];
  const int64_t before = k_.host.committed;
  for (const auto& [start, mapping] : parent.space.mappings) {
    if (!mapping.accountable || mapping.shared) continue;
    const int64_t pages = static_cast<int64_t>((mapping.end - start) >> kPageShift);
    auto refusal = mm::vm_enough_memory(k_, parent, pages);
    if (!refusal) {
      k_.host.committed += pages;
      continue;
    }
    k_.host.committed = before;
    refusal->fork = true;
    refusal->parent_committed = Pages(parent.space.committed_pages);
    k_.listener.on_alloc_refused(parent.pid, *refusal);
    return false;
  }
  return true;
}

void EventApplier::fork(const Event& event, ProcessIndex index) {
  const uint32_t child_pid = static_cast<uint32_t>(event.address);
  if (!dup_accounted(index)) return never_born(child_pid, event.pid);
  by_pid_.erase(child_pid);
  const ProcessIndex child = process_of(child_pid, event.pid);
  Process& parent = k_.host.processes[index];
  Process& process = k_.host.processes[child];
  process.uid = parent.uid;
  process.policy = k_.sched.current().policy;
  process.space.mappings = parent.space.mappings;
  process.space.has_policies = parent.space.has_policies;
  process.space.mapped_bytes = parent.space.mapped_bytes;
  process.space.committed_pages = parent.space.committed_pages;
  // A shared object is accounted once, for whoever made it. Locks are not inherited.
  for (auto& [start, mapping] : process.space.mappings) {
    mapping.lock = host::LockMode::kNone;
    if (!mapping.accountable || !mapping.shared) continue;
    process.space.committed_pages -= static_cast<int64_t>((mapping.end - start) >> kPageShift);
    mapping.accountable = false;
  }
  process.space.data_pages = parent.space.data_pages;
  process.thp_disabled = parent.thp_disabled;
  process.limit_as_pages = parent.limit_as_pages;
  process.limit_data_pages = parent.limit_data_pages;
  k_.host.guest_mapped_bytes += process.space.mapped_bytes;
  note_peaks(process);
  if (refused_.contains(index)) refused_[child] = refused_[index];
  mm::take_task_memory(k_, child, mm::kForkedPages);
  mm::share_held_files(k_, index, child);
  const bool complete = mm::copy_address_space(k_, index, child);
  note_peaks();
  if (complete || k_.sched.current().dying) return;
  k_.host.guest_mapped_bytes -= k_.host.processes[child].space.mapped_bytes;
  mm::exit_process(k_, child);
  const Pages tables(k_.host.processes[index].space.table_pages());
  k_.listener.on_alloc_refused(static_cast<int>(event.pid),
                               {.by = RefusedBy::kPageTables, .requested = tables, .fork = true});
}

void EventApplier::exec(ProcessIndex index) {
  Process& process = k_.host.processes[index];
  mm::zap_range(k_, index, 0, ~uint64_t{0} >> kPageShift);
  const auto mappings = process.space.mappings;
  for (const auto& [start, mapping] : mappings) mm::unmap_range(k_, index, start, mapping.end - start);
  mm::unmap_range(k_, index, 0, ~uint64_t{0} >> 1);
  k_.host.guest_mapped_bytes = 0;
  for (const Process& other : k_.host.processes)
    k_.host.guest_mapped_bytes += other.guest && other.alive ? other.space.mapped_bytes : 0;
  process.space.lock_future = host::LockMode::kNone;
  refused_.erase(index);
}

void EventApplier::limit(const Event& event, ProcessIndex index) {
  constexpr uint64_t kRlimitData = 2, kRlimitAs = 9;
  Process& process = k_.host.processes[index];
  const int64_t pages =
      event.argument == ~uint64_t{0} ? host::kNoLimit : static_cast<int64_t>(event.argument >> kPageShift);
  if (event.address == kRlimitAs) process.limit_as_pages = pages;
  if (event.address == kRlimitData) process.limit_data_pages = pages;
}

host::FileIndex EventApplier::file_of(uint64_t id, bool keep) {
  // Another thread in the middle of an event may have a file's number in hand.
  const host::FileIndex file = files_.place_of(id, applying_ <= 1);
  if (keep) files_.keep(file);
  return file;
}

// What was cached of it before is taken for a mistake of the capture and dropped.
void EventApplier::file_in_memory(const Event& event, ProcessIndex index) {
  const host::FileIndex index_of_file = file_of(event.address);
  host::File& file = k_.host.files[index_of_file];
  const auto home = (event.flags & trace::kUnevictable) != 0 ? host::FileHome::kRamfs : host::FileHome::kShmem;
  if (file.home != home) mm::truncate_file(k_, index_of_file, 0);
  file.home = home;
  file.service = k_.host.processes[index].service;
  mm::put_on_mount(k_.host, file,
                   mounts_.on_target(k_.host, event.argument, place_of(file.service).tmpfs, file.service));
  file.nameless = (event.flags & trace::kNameless) != 0;
  if (file.nameless && file.holders == 0) mm::truncate_file(k_, index_of_file, 0);
}

void EventApplier::file_io(const Event& event, ProcessIndex index) {
  const host::CgroupIndex cgroup = k_.host.processes[index].cgroup;
  const host::FileIndex file = file_of(event.address);
  const bool io = event.kind == EventKind::kFileRead || event.kind == EventKind::kFileWrite;
  const uint64_t first_whole = (event.argument + kPageBytes - 1) >> kPageShift;
  if (io && (event.flags & trace::kPresent) == 0) k_.host.app_file_bytes += static_cast<int64_t>(event.bytes);
  const bool in_memory = k_.host.files[file].in_memory();
  bool done = true;
  switch (event.kind) {
    case EventKind::kFileRead:
      done = in_memory ? mm::shmem_read(k_, index, file, event.argument, event.bytes)
                       : mm::file_read(k_, file, event.argument, event.bytes, cgroup);
      break;
    case EventKind::kFileWrite:
      done = in_memory ? mm::shmem_write(k_, index, file, event.argument, event.bytes)
                       : mm::file_write(k_, file, event.argument, event.bytes, cgroup);
      break;
    case EventKind::kFileSync:
      mm::sync_file(k_, file);
      break;
    case EventKind::kFilePunch:
      mm::punch_file(k_, file, first_whole, (event.argument + event.bytes) >> kPageShift);
      break;
    default:
      mm::truncate_file(k_, file, first_whole);
      break;
  }
  if (!io) return;
  if (in_memory) note_peaks();
  mm::handle_over_high(k_, cgroup);
  // ENOMEM: what the program would do then no capture shows.
  if (!done && !k_.sched.current().dying && k_.host.processes[index].alive) mm::mark_stuck(k_, index);
}

// Real addresses have a number that fits into a page's entry; offsets in sparse files and broken traces may not.
bool EventApplier::can_be_numbered(const Event& event) {
  if (event.stack_id > host::kStackIdMax) {
    k_.sched.current().stack_id = 0;
    left_out_.stacks = true;
  }
  uint64_t start = event.argument, bytes = event.bytes;
  if (event.kind == EventKind::kTouch || event.kind == EventKind::kReference)
    start = event.address;
  else if (event.kind == EventKind::kMapFile)
    bytes = 0;
  else if (event.kind != EventKind::kRemap && event.kind != EventKind::kFileRead &&
           event.kind != EventKind::kFileWrite && event.kind != EventKind::kFilePunch)
    return true;
  if (start < host::kAddressEnd && bytes <= host::kAddressEnd - start) return true;
  if (!left_out_.beyond_pid) left_out_.beyond_pid = static_cast<int>(event.pid);
  return false;
}

// The first thread of a child has what fork() took for it; the program itself comes from another group.
void EventApplier::begin_task(ProcessIndex index) {
  mm::Actor& actor = k_.sched.current();
  if (std::exchange(actor.begun, true)) return;
  Process& process = k_.host.processes[index];
  const bool first = process.tasks++ == 0;
  if (first && process.task_pages_at.empty()) mm::take_task_memory(k_, index, mm::kEnteredPages);
  if (!first) mm::take_task_memory(k_, index, mm::kThreadPages);
}

void EventApplier::end_thread(ProcessIndex index) {
  if (--k_.host.processes[index].tasks > 0) mm::free_thread_memory(k_, index);
}

void EventApplier::apply(const Event& event, ProcessIndex index) {
  if (!can_be_numbered(event)) return;
  ++applying_;
  begin_task(index);
  dispatch(event, index);
  --applying_;
}

void EventApplier::dispatch(const Event& event, ProcessIndex index) {
  const uint64_t first = event.address >> kPageShift;
  const uint64_t last = (event.address + event.bytes + kPageBytes - 1) >> kPageShift;
  switch (event.kind) {
    case EventKind::kTouch:
    case EventKind::kReference:
      touch(event, index);
      break;
    case EventKind::kMap:
      map(event, index);
      break;
    case EventKind::kMapFile:
      map_file(event, index);
      break;
    case EventKind::kUnmap:
      k_.host.guest_mapped_bytes -= k_.host.processes[index].space.mapped_bytes;
      mm::unmap_range(k_, index, event.address, event.bytes);
      k_.host.guest_mapped_bytes += k_.host.processes[index].space.mapped_bytes;
      break;
    case EventKind::kProtect:
      protect(event, index);
      break;
    case EventKind::kAdviseDontneed:
      mm::zap_range(k_, index, first, last);
      break;
    case EventKind::kAdviseFree:
      mm::lazyfree_range(k_, index, first, last);
      break;
    case EventKind::kRemap:
      remap(event, index);
      break;
    case EventKind::kFork:
      fork(event, index);
      break;
    case EventKind::kExec:
      exec(index);
      break;
    case EventKind::kExit:
      k_.host.guest_mapped_bytes -= k_.host.processes[index].space.mapped_bytes;
      mm::exit_process(k_, index);
      break;
    case EventKind::kComm:
      k_.host.processes[index].comm = trace::comm_of(event);
      break;
    case EventKind::kOomScoreAdj:
      k_.host.processes[index].oom_score_adj = static_cast<int>(static_cast<int64_t>(event.address));
      break;
    case EventKind::kLost:
      lost_events_ += event.bytes;
      break;
    case EventKind::kFileRead:
    case EventKind::kFileWrite:
    case EventKind::kFileSync:
    case EventKind::kFilePunch:
    case EventKind::kFileTruncate:
      file_io(event, index);
      break;
    case EventKind::kFileInMemory:
      file_in_memory(event, index);
      break;
    case EventKind::kSetPolicy:
    case EventKind::kBindRange:
    case EventKind::kHomeNode:
      set_placement(k_, event, index);
      break;
    case EventKind::kAffinity:
      run_on(k_, place_of(k_.host.processes[index].service).cpu_node, event.address);
      break;
    case EventKind::kAdviseHuge: {
      if ((event.flags & trace::kCollapse) != 0) {
        mm::madvise_collapse(k_, index, event.address, event.bytes);
        note_peaks();
        break;
      }
      const auto advice =
          (event.flags & trace::kHugePages) != 0 ? host::HugeAdvice::kWanted : host::HugeAdvice::kUnwanted;
      k_.host.processes[index].space.change(event.address, event.bytes,
                                            [advice](auto& mapping) { mapping.huge = advice; });
      break;
    }
    case EventKind::kThpDisable:
      k_.host.processes[index].thp_disabled = event.address != 0;
      break;
    case EventKind::kLimit:
      limit(event, index);
      break;
    case EventKind::kLock:
    case EventKind::kLockAll:
      set_lock(k_, event, index);
      note_peaks();
      break;
    case EventKind::kThreadExit:
      end_thread(index);
      break;
    case EventKind::kProcessStart:
    case EventKind::kAlloc:
    case EventKind::kFree:
    case EventKind::kClock:
    case EventKind::kMount:
      break;
  }
}

}  // namespace oomcast::sim
