// What does one event of the program do to the host? See event_handler.h.
#include "model/sim/event_handler.h"

#include <algorithm>
#include <cstring>

#include "model/mm/fault.h"
#include "model/mm/memcg.h"
#include "model/mm/overcommit.h"
#include "model/mm/page_cache.h"
#include "model/mm/writeback.h"

namespace oomcast::sim {

using host::Process;
using host::ProcessIndex;
using trace::Event;
using trace::EventKind;

namespace {
constexpr uint64_t kPagesPerPoint = 4;  // a window of touches took time: others run in it
}

host::ProcessIndex EventHandler::process_of(uint32_t pid, uint32_t parent_pid) {
  const auto it = by_pid_.find(pid);
  if (it != by_pid_.end()) return it->second;
  Process process;
  process.pid = static_cast<int>(pid);
  process.parent_pid = static_cast<int>(parent_pid);
  process.guest = true;
  process.cgroup = k_.host.app_cgroup;
  process.oom_score_adj = options_.oom_score_adj;
  const auto parent = by_pid_.find(parent_pid);
  if (parent != by_pid_.end()) {
    const Process& from = k_.host.processes[parent->second];
    process.oom_score_adj = from.oom_score_adj;
    process.comm = from.comm;
  }
  k_.host.processes.push_back(std::move(process));
  const ProcessIndex index = static_cast<ProcessIndex>(k_.host.processes.size() - 1);
  by_pid_[pid] = index;
  return index;
}

void EventHandler::note_peaks() {
  const int64_t footprint = k_.host.guest_anon + k_.host.guest_swapped;
  outcome_.app.footprint_peak = std::max(outcome_.app.footprint_peak, to_bytes(Pages(footprint)));
  outcome_.app.resident_peak = std::max(outcome_.app.resident_peak, to_bytes(Pages(k_.host.guest_anon)));
  outcome_.app.mapped_peak = std::max(outcome_.app.mapped_peak, Bytes(k_.host.guest_mapped_bytes));
}

bool EventHandler::refused(ProcessIndex index, uint64_t address) const {
  if (refused_.empty()) return false;
  const auto ranges = refused_.find(index);
  if (ranges == refused_.end()) return false;
  auto it = ranges->second.upper_bound(address);
  return it != ranges->second.begin() && std::prev(it)->second > address;
}

void EventHandler::touch(const Event& event, ProcessIndex index) {
  const uint64_t first = event.address >> kPageShift;
  const uint64_t last = (event.address + std::max<uint64_t>(event.bytes, 1) + kPageBytes - 1) >> kPageShift;
  const bool write = (event.flags & (trace::kWrite | trace::kPresent)) != 0 || event.kind == EventKind::kReference;
  const bool reference_read = event.kind == EventKind::kReference && (event.flags & trace::kWrite) == 0;
  for (uint64_t vpn = first; vpn < last; ++vpn) {
    if (refused(index, vpn << kPageShift)) continue;
    if (!mm::touch_page(k_, index, vpn, write && !reference_read)) return;
    note_peaks();
    if ((vpn - first) % kPagesPerPoint == kPagesPerPoint - 1) k_.sched.point();
  }
}

// Asks for the right to `bytes` more; a refusal is remembered, so that what the program does there is left out.
bool EventHandler::charge(ProcessIndex index, uint64_t start, uint64_t bytes, bool anonymous) {
  Process& process = k_.host.processes[index];
  const int64_t pages = static_cast<int64_t>(bytes >> kPageShift);
  if (const auto why = mm::vm_enough_memory(k_, process, pages)) {
    refused_[index][start] = start + bytes;
    k_.listener.on_alloc_refused(process.pid, pages, *why);
    return false;
  }
  const int64_t before = process.space.committed_pages;
  process.space.map(start, bytes, true, anonymous);
  k_.host.committed += process.space.committed_pages - before;
  return true;
}

void EventHandler::map(const Event& event, ProcessIndex index) {
  Process& process = k_.host.processes[index];
  if (refused_.contains(index)) refused_[index].erase(event.address);
  const int64_t mapped_before = process.space.mapped_bytes;
  const bool anonymous = (event.flags & trace::kAnonymous) != 0;
  mm::unmap_range(k_, index, event.address, event.bytes);  // MAP_FIXED: what was there is gone
  const bool no_reserve = (event.flags & trace::kNoReserve) != 0 && k_.host.spec.vm.overcommit_memory != 2;
  const bool accountable = (event.flags & trace::kPrivate) != 0 && (event.flags & trace::kWritable) != 0 && !no_reserve;
  if (!accountable || (event.flags & trace::kGrowsDown) != 0) {
    process.space.map(event.address, event.bytes, false, anonymous);
  } else {
    charge(index, event.address, event.bytes, anonymous);
  }
  if (const auto mapping = process.space.mappings.find(event.address); mapping != process.space.mappings.end()) {
    mapping->second.shared = (event.flags & trace::kPrivate) == 0;
    mapping->second.executable = (event.flags & trace::kExecutable) != 0;
  }
  k_.host.guest_mapped_bytes += process.space.mapped_bytes - mapped_before;
  process.mapped_peak_bytes = std::max(process.mapped_peak_bytes, process.space.mapped_bytes);
  note_peaks();
}

// What the program can map was there before we saw it.
void EventHandler::map_file(const Event& event, ProcessIndex index) {
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
void EventHandler::protect(const Event& event, ProcessIndex index) {
  if ((event.flags & trace::kWritable) == 0) return;
  Process& process = k_.host.processes[index];
  const uint64_t end = event.address + event.bytes;
  std::vector<std::pair<uint64_t, uint64_t>> gains;
  auto it = process.space.mappings.upper_bound(event.address);
  if (it != process.space.mappings.begin() && std::prev(it)->second.end > event.address) --it;
  for (; it != process.space.mappings.end() && it->first < end; ++it) {
    if (it->second.accountable || !it->second.anonymous) continue;
    const uint64_t from = std::max(it->first, event.address), to = std::min(it->second.end, end);
    gains.push_back({from, to - from});
  }
  for (const auto& [start, bytes] : gains) charge(index, start, bytes, true);
}

void EventHandler::remap(const Event& event, ProcessIndex index) {
  Process& process = k_.host.processes[index];
  const int64_t mapped_before = process.space.mapped_bytes;
  const auto before = process.space.mapping_at(event.address);
  const bool accountable = before && before->second.accountable;
  const int64_t committed_before = process.space.committed_pages;
  process.space.unmap(event.address, event.bytes);
  k_.host.committed += process.space.committed_pages - committed_before;
  if (event.argument != event.address) mm::unmap_range(k_, index, event.argument, event.bytes);
  const int64_t committed_between = process.space.committed_pages;
  process.space.map(event.argument, event.bytes, accountable, true);
  if (before) {
    host::AddressSpace::Mapping& after = process.space.mappings[event.argument];
    const uint64_t end = after.end;
    after = before->second;
    after.end = end;
    after.file_shift += static_cast<int64_t>(event.address >> kPageShift) - static_cast<int64_t>(event.argument >> kPageShift);
  }
  k_.host.committed += process.space.committed_pages - committed_between;
  k_.host.guest_mapped_bytes += process.space.mapped_bytes - mapped_before;
  if (event.argument != event.address) mm::move_range(k_, index, event.address >> kPageShift, event.argument >> kPageShift, event.bytes >> kPageShift);
}

void EventHandler::fork(const Event& event, ProcessIndex index) {
  const uint32_t child_pid = static_cast<uint32_t>(event.address);
  by_pid_.erase(child_pid);
  const ProcessIndex child = process_of(child_pid, event.pid);
  Process& parent = k_.host.processes[index];
  Process& process = k_.host.processes[child];
  process.uid = parent.uid;
  process.space.mappings = parent.space.mappings;
  process.space.mapped_bytes = parent.space.mapped_bytes;
  process.space.committed_pages = parent.space.committed_pages;
  k_.host.committed += process.space.committed_pages;
  k_.host.guest_mapped_bytes += process.space.mapped_bytes;
  process.mapped_peak_bytes = process.space.mapped_bytes;
  if (refused_.contains(index)) refused_[child] = refused_[index];
  mm::copy_address_space(k_, index, child);
  note_peaks();
}

void EventHandler::exec(ProcessIndex index) {
  Process& process = k_.host.processes[index];
  mm::zap_range(k_, index, 0, ~uint64_t{0} >> kPageShift);
  const auto mappings = process.space.mappings;
  for (const auto& [start, mapping] : mappings) mm::unmap_range(k_, index, start, mapping.end - start);
  mm::unmap_range(k_, index, 0, ~uint64_t{0} >> 1);
  k_.host.guest_mapped_bytes = 0;
  for (const Process& other : k_.host.processes) k_.host.guest_mapped_bytes += other.guest && other.alive ? other.space.mapped_bytes : 0;
  refused_.erase(index);
}

void EventHandler::set_comm(const Event& event, ProcessIndex index) {
  char name[17] = {};
  std::memcpy(name, &event.address, 8);
  std::memcpy(name + 8, &event.bytes, 8);
  k_.host.processes[index].comm = name;
}

host::FileIndex EventHandler::file_of(uint64_t id) {
  const auto it = files_.find(id);
  if (it != files_.end()) return it->second;
  k_.host.files.emplace_back();
  k_.host.files.back().id = id;
  return files_[id] = static_cast<host::FileIndex>(k_.host.files.size() - 1);
}

void EventHandler::file_io(const Event& event, ProcessIndex index) {
  const uint8_t cgroup = k_.host.processes[index].cgroup;
  const host::FileIndex file = file_of(event.address);
  k_.host.app_file_bytes += static_cast<int64_t>(event.bytes);
  if (event.kind == EventKind::kFileRead) {
    mm::file_read(k_, file, event.argument, event.bytes, cgroup);
  } else {
    mm::file_write(k_, file, event.argument, event.bytes, cgroup);
  }
  mm::handle_over_high(k_, cgroup);
}

void EventHandler::handle(const Event& event, ProcessIndex index) {
  const uint64_t first = event.address >> kPageShift;
  const uint64_t last = (event.address + event.bytes + kPageBytes - 1) >> kPageShift;
  switch (event.kind) {
    case EventKind::kTouch:
    case EventKind::kReference: touch(event, index); break;
    case EventKind::kMap: map(event, index); break;
    case EventKind::kMapFile: map_file(event, index); break;
    case EventKind::kUnmap:
      k_.host.guest_mapped_bytes += k_.host.processes[index].space.mapped_bytes * -1;
      mm::unmap_range(k_, index, event.address, event.bytes);
      k_.host.guest_mapped_bytes += k_.host.processes[index].space.mapped_bytes;
      break;
    case EventKind::kProtect: protect(event, index); break;
    case EventKind::kAdviseDontneed: mm::zap_range(k_, index, first, last); break;
    case EventKind::kAdviseFree: mm::lazyfree_range(k_, index, first, last); break;
    case EventKind::kRemap: remap(event, index); break;
    case EventKind::kFork: fork(event, index); break;
    case EventKind::kExec: exec(index); break;
    case EventKind::kExit:
      k_.host.guest_mapped_bytes -= k_.host.processes[index].space.mapped_bytes;
      mm::exit_process(k_, index);
      break;
    case EventKind::kComm: set_comm(event, index); break;
    case EventKind::kOomScoreAdj: k_.host.processes[index].oom_score_adj = static_cast<int>(static_cast<int64_t>(event.address)); break;
    case EventKind::kLost: outcome_.lost_events += event.bytes; break;
    case EventKind::kFileRead:
    case EventKind::kFileWrite: file_io(event, index); break;
    case EventKind::kFileSync: mm::sync_file(k_, file_of(event.address)); break;
    case EventKind::kFileTruncate: mm::truncate_file(k_, file_of(event.address), (event.argument + kPageBytes - 1) >> kPageShift); break;
    case EventKind::kProcessStart:
    case EventKind::kThreadExit:
    case EventKind::kAlloc:
    case EventKind::kFree:
    case EventKind::kClock: break;
  }
}

}  // namespace oomcast::sim
