// Mappings: what each process has mapped, as the sink knows it, and what of it is registered.
#include "preload/record/capture/mappings.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "preload/record/kernel/clocks.h"
#include "preload/record/kernel/kernel_text.h"
#include "preload/ring/file_notes.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kAllocatorsOwnBytes = 1 << 20;  // alignment and bookkeeping around a large block

/// The middle of the hole between the heap and the mapping above: each may grow into its half.
uint64_t middle(const Vma& heap, const Vma& above) { return heap.end + (above.start - heap.end) / 2 / kPage * kPage; }

/// The range into which maps[first, last) may grow: they and the holes beside them. REQUIRES: all are heap, or none is.
std::pair<uint64_t, uint64_t> with_holes(const std::vector<Vma>& maps, size_t first, size_t last) {
  const bool of_heap = maps[first].heap();
  uint64_t start = maps[first].start, end = maps[last - 1].end;
  if (first > 0 && !of_heap)
    start = maps[first - 1].heap() ? middle(maps[first - 1], maps[first]) : maps[first - 1].end;
  if (last < maps.size() && maps[last].start < kLowHalfEnd)
    end = of_heap ? middle(maps[last - 1], maps[last]) : maps[last].start;
  return {start, end};
}

/// A heap in two mappings has fallen and grown again unseen: the upper mapping is not registered.
void forget_regrown(AddressMap& map, const std::vector<Vma>& maps, size_t first, size_t last) {
  for (size_t i = first + 1; i < last; ++i)
    if (maps[i].start == maps[i - 1].end && maps[i].writable == maps[i - 1].writable)
      map.for_each(maps[i].start, maps[i].end, [](Area& area) { area.registered = false; });
}

}  // namespace

/// Stashed pages of the range are brought back first: if the memory is a new mapping they are dropped. After the
/// registration they would be put into it.
bool Mappings::register_memory(Process& process, uint64_t start, uint64_t end) {
  const std::vector<uint64_t> disturbed = Stash::pages_out(process, start, end);
  if (!disturbed.empty() && !stash_.bring_back(process, start, end)) return errno = EAGAIN, false;
  feed_.watch_again(process, disturbed);
  const bool of_heap = process.heap_fd.valid() && process.in_heap(start);
  if (process.fd_of(of_heap).register_range(start, end)) return true;
  // EBUSY: the other userfaultfd has registered it, as part of a hole where both kinds of memory may grow. A thread
  // must be woken through the descriptor that reported its fault.
  return errno == EBUSY && process.heap_fd.valid() && process.fd_of(!of_heap).register_range(start, end);
}

/// Registers a run of mappings with the holes between and beside them. Registering them one by one, by the bounds that
/// /proc gave, would split a mapping that has grown since; mremap() fails on a mapping that was split.
Registration Mappings::register_between(Process& process, uint64_t start, uint64_t end, bool whole) {
  if (register_memory(process, start, end)) {
    process.held.refused_ranges = 0;
    return Registration::kDone;
  }
  // Probably a mapping of another kind was made in between: the next scan shows it. After four failures something there
  // can never be registered.
  if (whole || ++process.held.refused_ranges >= 4) return Registration::kByItself;
  process.scans.whole_ns = 0;
  return Registration::kLater;
}

void Mappings::learn_all(Process& process, const std::vector<Vma>& maps, bool whole) {
  const auto registrable = [&](const Vma& vma) {
    return process.reports_frees() && vma.anonymous() && !vma.shared && !vma.special();
  };
  std::vector<PageRange> registered;
  for (size_t first = 0, last = 0; first < maps.size(); first = last) {
    last = first + 1;
    Registration how = Registration::kByItself;
    if (registrable(maps[first])) {
      const bool of_heap = maps[first].heap();
      while (last < maps.size() && registrable(maps[last]) && maps[last].heap() == of_heap) ++last;
      const auto [start, end] = with_holes(maps, first, last);
      if (of_heap) forget_regrown(process.map, maps, first, last);
      bool all_registered = true;
      for (size_t i = first; i < last; ++i) all_registered &= process.map.gaps(maps[i].start, maps[i].end).empty();
      process.map.for_each(start, end, [&](const Area& area) { all_registered &= area.registered; });
      if (!all_registered) how = register_between(process, start, end, whole);
    }
    for (size_t i = first; i < last; ++i) learn(process, maps[i], false, how, &registered);
  }
  counter_->reconcile(process, registered);
}

void Mappings::learn_changed(Process& process, const std::vector<Vma>& maps) {
  std::vector<PageRange> registered;
  auto before = process.last_maps.begin();
  for (const Vma& vma : maps) {
    while (before != process.last_maps.end() && before->start < vma.start) ++before;
    if (before == process.last_maps.end() || *before != vma)
      learn(process, vma, false, Registration::kByItself, &registered);
  }
}

void Mappings::learn_locks(Process& process) {
  constexpr const char* kLocked = "VmLck:";
  const std::string status = process.memory->status();
  if (status.find(kLocked) == status.npos) return;  // the process is ending
  const uint64_t kb = number_behind(status, kLocked);
  if (kb == process.locked_kb) return;
  const std::string smaps = process.memory->smaps();
  if (smaps.empty()) return;
  process.locked_kb = kb;
  std::vector<PageRange> now = locked_ranges(smaps);
  for (const auto& [start, end] : process.locked)
    if (std::find(now.begin(), now.end(), PageRange(start, end)) == now.end())
      feed_.report(process, trace::EventKind::kLock, start, end - start);
  for (const auto& [start, end] : now)
    feed_.report(process, trace::EventKind::kLock, start, end - start, 0, trace::kLocked | trace::kLockOnFault);
  process.locked = std::move(now);
}

/// Whether a hook is about to report this memory as one large request: then the scan leaves it to the hook, and the
/// target decides about the whole request.
bool Mappings::is_asked_for(const Process& process, const PageRange& gap) {
  if (!process.shared) return false;
  SharedMapping& area = *process.shared;
  const uint64_t found = gap.second - gap.first;
  const auto is = [&](uint64_t asked, uint64_t requests) {
    return found >= asked && found - asked < requests * kAllocatorsOwnBytes;
  };
  // Two requests that are made at the same time may lie side by side.
  uint64_t all_bytes = 0, requests = 0;
  for (const std::atomic<uint64_t>& place : area->asking_bytes) {
    const uint64_t asked = place.load();
    if (asked < ring::kFoundPieceBytes) continue;
    if (is(asked, 1)) return true;
    all_bytes += asked;
    ++requests;
  }
  return requests > 1 && is(all_bytes, requests);
}

void Mappings::learn(Process& process, const Vma& vma, bool no_reserve, Registration how,
                     std::vector<PageRange>* registered) {
  if (vma.special()) notes_.mapped_huge_pages |= vma.huge();
  if (vma.heap()) note_heap(process, vma);
  const bool shared = shared_memory_.is_shared_memory(vma);
  if ((vma.shared && !shared) || vma.special()) return;
  const Learned mapping{vma, shared, vma.anonymous() || shared, no_reserve};
  unmap_replaced(process, mapping);
  const std::vector<PageRange> fresh = add_areas(process, mapping);
  // Also for known areas; before the pages are counted.
  if (vma.locked) feed_.report(process, trace::EventKind::kLock, vma.start, vma.end - vma.start, 0, trace::kLocked);
  take_protection(process, vma);
  if (vma.anonymous() && process.reports_frees()) {
    register_and_count(process, vma, how, registered);
    process.map.join(vma.start, vma.end);
  } else if (mapping.anonymous || vma.writable) {
    if (!shared && registered == nullptr) counter_->reconcile(process, fresh);
    // The memory is polled: malloc's hook need not ask about it.
    if (process.shared && mapping.anonymous)
      for (const auto& [start, end] : fresh) process.shared->known.set(start, end, true);
  }
}

/// Known areas of another kind were replaced by this mapping, and no event reported their end.
void Mappings::unmap_replaced(Process& process, const Learned& mapping) {
  const Vma& vma = mapping.vma;
  std::vector<PageRange> replaced;
  process.map.for_each(vma.start, vma.end, [&](const Area& area) {
    if (area.shared != mapping.shared || area.anonymous != mapping.anonymous ||
        (mapping.shared && area.offset_delta != vma.file_offset - vma.start))
      replaced.emplace_back(area.start, area.end);
  });
  for (const auto& [start, end] : replaced) unmap(process, start, end);
}

/// Adds the parts of the mapping that are not known, and reports them. Returns them; those that a hook is about to
/// report are left out.
std::vector<PageRange> Mappings::add_areas(Process& process, const Learned& mapping) {
  const Vma& vma = mapping.vma;
  std::vector<PageRange> gaps = process.map.gaps(vma.start, vma.end);
  if (!vma.one_request) std::erase_if(gaps, [&](const PageRange& gap) { return is_asked_for(process, gap); });
  for (const PageRange& gap : gaps) {
    const Area area = area_of(process, mapping, gap);
    if (area.shared && !std::exchange(process.maps_shared_memory, true))
      process.resident.statm_shared_pages = 0;  // has the shared pages split into files and memory anew
    process.map.insert(area);
    if (area.reported) report_area(process, vma, area);
  }
  return gaps;
}

Area Mappings::area_of(const Process& process, const Learned& mapping, const PageRange& range) {
  const Vma& vma = mapping.vma;
  Area area;
  area.start = range.first;
  area.end = range.second;
  area.writable = vma.writable;
  area.anonymous = mapping.anonymous;
  area.no_reserve = mapping.no_reserve;
  area.stack = vma.name == "[stack]";
  area.text = vma.executable && !mapping.anonymous;
  area.at_once = vma.one_request;
  area.since_scan = process.scans.count;
  area.reported = mapping.anonymous || vma.writable;
  area.shared = mapping.shared;
  if (!area.shared) return area;
  area.object = ring::file_id(vma.device, vma.inode);
  area.offset_delta = vma.file_offset - vma.start;
  return area;
}

/// The target may refuse one large request where it grants many small ones. Memory found by a scan may have come by
/// small ones, so it is reported in pieces.
void Mappings::report_area(Process& process, const Vma& vma, const Area& area) {
  const uint64_t piece = area.at_once ? area.end - area.start : ring::kFoundPieceBytes;
  if (area.shared) shared_memory_.report_new_file(process, vma.device, vma.inode, vma.name);
  for (uint64_t at = area.start; at < area.end; at += piece) {
    feed_.report(process, trace::EventKind::kMap, at, std::min(piece, area.end - at), 0, map_flags(area));
    if (area.shared) feed_.report(process, trace::EventKind::kMapFile, at, area.object, at + area.offset_delta);
  }
}

/// Known areas may have been made writable or read-only since.
void Mappings::take_protection(Process& process, const Vma& vma) {
  std::vector<PageRange> changed;
  process.map.for_each(vma.start, vma.end, [&](Area& area) {
    if (area.writable == vma.writable) return;
    if (area.reported) changed.emplace_back(area.start, area.end);
    area.writable = vma.writable;
    area.since_scan = process.scans.count;
  });
  for (const auto& [start, end] : changed)
    feed_.report(process, trace::EventKind::kProtect, start, end - start, 0, vma.writable ? trace::kWritable : 0);
}

/// Registers the areas of the mapping before their pages are counted: a touch in between is a fault.
void Mappings::register_and_count(Process& process, const Vma& vma, Registration how,
                                  std::vector<PageRange>* registered) {
  std::vector<PageRange> unregistered;
  process.map.for_each(vma.start, vma.end, [&](const Area& area) {
    if (!area.registered) unregistered.emplace_back(area.start, area.end);
  });
  if (unregistered.empty() || how == Registration::kLater) return;
  if (how == Registration::kDone || register_memory(process, vma.start, vma.end))
    process.map.for_each(vma.start, vma.end, [&](Area& area) {
      area.registered = true;
      if (process.shared) process.shared->known.set(area.start, area.end, true);
    });
  if (registered != nullptr)
    registered->insert(registered->end(), unregistered.begin(), unregistered.end());
  else
    counter_->reconcile(process, unregistered);
}

void Mappings::learn_shared(Process& process, uint64_t start, uint64_t end) {
  std::vector<PageRange> found_with_it;
  for (const Vma& vma : process.memory->mappings())
    if (vma.start < end && vma.end > start && shared_memory_.is_shared_memory(vma))
      learn(process, vma, false, Registration::kByItself, &found_with_it);
}

void Mappings::learn_unknown(Process& process, uint64_t start, uint64_t end) {
  for (const auto& [from, to] : process.map.gaps(start, end)) {
    Vma vma;
    for (uint64_t at = from; at < to && process.memory->mapping_at(at, &vma); at = vma.end) learn(process, vma, false);
  }
}

void Mappings::learn_reported(Process& process, uint64_t start, uint64_t end) {
  for (const auto& [from, to] : process.map.gaps(start, end)) {
    Vma vma;
    for (uint64_t at = from; at < to && process.memory->mapping_at(at, &vma); at = vma.end) {
      if (!vma.anonymous()) continue;  // left to the next scan
      vma.one_request = from == start && to == end && vma.start == start && vma.end == end;
      learn(process, vma, false);
    }
  }
}

/// An area whose last page is not mapped any more was detached as a whole.
void Mappings::forget_shared(Process& process, uint64_t start, uint64_t end) {
  std::vector<PageRange> shared;
  process.map.for_each(start, end, [&](const Area& area) {
    Vma vma;
    const bool whole =
        area.start >= start && area.end > end && !(process.memory->mapping_at(area.end - kPage, &vma) && vma.shared);
    if (area.shared) shared.emplace_back(std::max(area.start, start), whole ? area.end : std::min(area.end, end));
  });
  for (const auto& [from, to] : shared) unmap(process, from, to);
}

void Mappings::unmap(Process& process, uint64_t start, uint64_t end) {
  // Stashed pages of the unmapped memory are dropped. Those of memory that another thread has mapped there since go
  // back to their place.
  stash_.bring_back(process, start, end);
  // Only areas that the sink still knows are reported: a scan may have reported their end before.
  uint64_t run_start = 0, run_end = 0;
  const auto flush = [&] {
    if (run_end > run_start) feed_.report(process, trace::EventKind::kUnmap, run_start, run_end - run_start);
  };
  const std::vector<Area> removed = process.map.remove(start, end);
  for (const Area& area : removed) {
    if (!area.reported) continue;
    if (area.start != run_end) {
      flush();
      run_start = area.start;
    }
    run_end = area.end;
  }
  flush();
  for (const Area& area : removed)
    if (area.shared) shared_memory_.forget_pages(process, area, area.start, area.end);
  process.pages.clear(start, end);
  meter_.update(process);
  shared_memory_.release(process, removed, false);
  process.sampled.erase(process.sampled.lower_bound(start), process.sampled.lower_bound(end));
  if (process.shared) {
    process.shared->known.set(start, end, false);
    process.shared->touched.set(start, end, false);
  }
}

void Mappings::remove(Process& process, uint64_t start, uint64_t end) {
  stash_.drop(process, start, end);
  const auto more = [&process](uint64_t from, uint64_t to) {
    bool registered = false;
    process.map.for_each(from, to, [&registered](const Area& area) { registered |= area.registered; });
    return registered;
  };
  if (process.held.free_advice.take(start, end, more)) {
    // MADV_FREE: the pages stay until the kernel reclaims them. The next write keeps a page, so writes are watched.
    feed_.report(process, trace::EventKind::kAdviseFree, start, end - start);
    if (process.fault_fd.write_protects() && process.fault_fd.protect(start, end, true, false) == FaultResult::kDone) {
      std::vector<uint64_t> pages;
      process.pages.for_each(PageBit::kTouched, start, end, [&](uint64_t address) { pages.push_back(address); });
      for (const uint64_t address : pages) process.pages.set(PageBit::kWatched, address, true);
    }
    return;
  }
  process.pages.clear(start, end);
  if (!process.tracked_by_faults()) process.leaving.add(start, end, clocks_.now_ns(), LeavingRanges::kAfterEventNs);
  if (process.shared) process.shared->touched.set(start, end, false);
  meter_.update(process);
  feed_.report(process, trace::EventKind::kAdviseDontneed, start, end - start);
}

void Mappings::remap(Process& process, uint64_t from, uint64_t to, uint64_t bytes) {
  std::vector<uint64_t> disturbed = Stash::pages_out(process, from, from + bytes);
  for (uint64_t& page : disturbed) page = page - from + to;
  stash_.move(process, from, to, bytes);
  feed_.watch_again(process, disturbed);
  std::vector<Area> moved = process.map.remove(from, from + bytes);
  for (const Area& area : process.map.remove(to, to + bytes))
    if (area.shared) shared_memory_.forget_pages(process, area, area.start, area.end);
  for (Area area : moved) {
    area.start = area.start - from + to;
    area.end = area.end - from + to;
    area.offset_delta += from - to;
    process.map.insert(area);
  }
  process.pages.move(from, to, bytes);
  Sites::move_samples(process, from, to, bytes);
  meter_.update(process);
  if (process.shared) {
    process.shared->known.set(from, from + bytes, false);
    process.shared->touched.set(from, from + bytes, false);
    process.shared->known.set(to, to + bytes, true);
  }
  feed_.report(process, trace::EventKind::kRemap, from, bytes, to);
}

/// The heap is one mapping of /proc/PID/maps or several.
void Mappings::note_heap(Process& process, const Vma& vma) {
  if (process.heap.start == 0 || vma.start < process.heap.start) process.heap.start = vma.start;
  process.heap.end = std::max(process.heap.end, vma.end);
}

}  // namespace oomcast::record
