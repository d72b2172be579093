// What does a fault mean? A page that is touched for the first time, or a watched page that is written again; and what
// the kernel tells beside faults: unmaps, removals, moves.
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "preload/record/session.h"

namespace oomcast::record {
namespace {

constexpr auto kPage = static_cast<uint64_t>(kPageBytes);

bool all_zero(const char* bytes, size_t count) { return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, count - 1) == 0; }

}  // namespace

void Session::on_userfaultfd(Process& process) {
  std::array<uffd_msg, 64> messages;
  // Bounded, so that one busy process does not starve the others.
  for (int round = 0; round < 16 && process.fault_fd.valid(); ++round) {
    const size_t count = process.fault_fd.read(messages);
    if (count == 0) break;
    process.active = true;
    // What the callers did before the calls that are told here.
    drain_ring(process);
    // Frees first: while one is unread the kernel answers EAGAIN, and their callers have moved on already.
    for (size_t i = 0; i < count; ++i) {
      const uffd_msg& message = messages[i];
      switch (message.event) {
        case UFFD_EVENT_UNMAP: on_unmap(process, message.arg.remove.start, message.arg.remove.end); break;
        case UFFD_EVENT_REMOVE: on_remove(process, message.arg.remove.start, message.arg.remove.end); break;
        case UFFD_EVENT_REMAP: on_remap(process, message.arg.remap.from, message.arg.remap.to, message.arg.remap.len); break;
        default: break;
      }
    }
    drain_ring(process);
    if (!process.parked.empty()) retry_parked(process);
    for (size_t i = 0; i < count; ++i)
      if (messages[i].event == UFFD_EVENT_PAGEFAULT) on_fault(process, messages[i]);
    apply_watches();
  }
  if (!process.parked.empty()) retry_parked(process);
  if (process.touched_since_sample >= 512) sample_rss(process);
}

void Session::on_fault(Process& process, const uffd_msg& message) {
  const uint64_t page = message.arg.pagefault.address & ~(kPage - 1);
  const uint64_t flags = message.arg.pagefault.flags;
  const uint32_t tid = message.arg.pagefault.feat.ptid;
  auto& slot = process.tasks[tid];
  if (!slot) slot = std::make_unique<Task>(static_cast<pid_t>(process.pid), tid, monotonic_ns());
  Task& task = *slot;
  const uint64_t before = monotonic_ns();
  const bool in_call = in_file_call(process, task, before);
  if (flags & UFFD_PAGEFAULT_FLAG_WP) on_protected_write(process, task, page);
  else if (flags & UFFD_PAGEFAULT_FLAG_WRITE || !process.fault_fd.write_protects()) on_missing_write(process, task, page);
  else on_missing_read(process, task, page);
  // In a read() or write() the thread counts the time itself.
  if (in_call) return;
  task.clock.count_fault();
  task.clock.count_held(monotonic_ns() - before);
}

uint32_t Session::stack_of(Process& process, uint64_t address) const {
  auto at = process.sampled.upper_bound(address);
  if (at == process.sampled.begin()) return 0;
  --at;
  return address < at->second.first ? at->second.second : 0;
}

/// Counts the pages of [start, end) that were filled ahead, and `always` itself, and feeds them as runs. The first run
/// carries the thread's clock.
uint64_t Session::touch_run(Process& process, Task* task, uint64_t start, uint64_t end, uint64_t always, uint8_t flags) {
  uint64_t touched = 0, run = 0;
  const auto flush = [&](uint64_t run_end) {
    if (run == 0) return;
    trace::Event event = stamped(process, task, trace::EventKind::kTouch);
    event.address = run;
    event.bytes = run_end - run;
    event.flags = flags;
    event.stack_id = stack_of(process, run);
    note_tracked(process);
    feed(event);
    run = 0;
  };
  for (uint64_t at = start; at < end; at += kPage) {
    if (at == always || process.pages.test(PageBit::kAhead, at)) {
      process.pages.touch(at);
      ++touched;
      if (run == 0) run = at;
    } else {
      flush(at);
    }
  }
  flush(end);
  return touched;
}

/// How many pages to fill from here on, and the walk that this fault begins or continues.
uint64_t Session::window_for(Process& process, Task& task, uint64_t page, Walk** chosen, bool* needs_sentinel) {
  const uint64_t now = monotonic_ns();
  Walk* walk = nullptr;
  for (Walk& candidate : task.walks)
    if (candidate.next == page) walk = &candidate;
  if (walk == nullptr) {
    walk = &*std::min_element(task.walks.begin(), task.walks.end(), [](const Walk& a, const Walk& b) { return a.last_ns < b.last_ns; });
    close_walk(process, *walk);
    *walk = {};
  }
  ++walk->steps;
  walk->last_ns = now;
  *chosen = walk;
  if (walk->steps > 2) walk->window_pages = std::min<uint64_t>(walk->window_pages * 2, static_cast<uint64_t>(std::clamp<int64_t>(options_.max_window_pages, 1, 64)));
  uint64_t pages = std::min(walk->window_pages, std::max<uint64_t>(sink_.headroom_pages() / 8, 1));
  uint64_t limit = page + pages * kPage;
  *needs_sentinel = false;
  const Area* area = process.map.find(page);
  if (area == nullptr || !area->registered) {
    // A mapping that grew by itself (a stack, mremap inside libc): look it up.
    Vma vma;
    if (query_map(process.maps.get(), page, &vma)) learn(process, vma, false);
    area = process.map.find(page);
  }
  const uint64_t area_end = area != nullptr ? area->end : page + kPage;
  if (limit >= area_end) {
    limit = area_end;
    *needs_sentinel = true;
  }
  if (auto at = process.sampled.upper_bound(page); at != process.sampled.begin()) {
    --at;
    // An allocation whose end is known: what lies behind it is another's.
    if (page < at->second.first && limit >= at->second.first) {
      limit = at->second.first;
      *needs_sentinel = true;
    }
  }
  uint64_t end = page + kPage;
  while (end < limit && process.pages.blank(end)) end += kPage;
  if (end < limit || !process.pages.blank(end)) *needs_sentinel = true;
  if (end == page + kPage) *needs_sentinel = false;
  return (end - page) / kPage;
}

void Session::on_missing_write(Process& process, Task& task, uint64_t page) {
  if (process.pages.test(PageBit::kAhead, page) || process.pages.test(PageBit::kTouched, page)) {
    // The message came twice, or the page was taken away unseen (reclaimed after MADV_FREE): filling it tells which.
    uint64_t filled = 0;
    const FaultResult result = process.fault_fd.fill(page, 1, true, false, &filled);
    if (result == FaultResult::kRetry) process.parked.push_back({page, 1, ParkedFill::Kind::kFill, false});
    else if (result == FaultResult::kDone) touch_run(process, &task, page, page + kPage, page, trace::kWrite);
    else process.fault_fd.wake(page, page + kPage);
    return;
  }
  Walk* walk = nullptr;
  bool needs_sentinel = false;
  const uint64_t pages = window_for(process, task, page, &walk, &needs_sentinel);
  const uint64_t start = walk->ahead_start != 0 && walk->next == page ? walk->ahead_start : page;
  touch_run(process, &task, start, page + kPage, page, trace::kWrite);
  walk->next = page + pages * kPage;
  walk->ahead_start = pages > 1 ? page + kPage : 0;
  walk->sentinel = needs_sentinel ? walk->next - kPage : 0;
  summary_.resolution_pages = std::max(summary_.resolution_pages, pages);
  finish_fill(process, {page, pages, ParkedFill::Kind::kFill, needs_sentinel});
}

void Session::on_missing_read(Process& process, Task& task, uint64_t page) {
  trace::Event event = stamped(process, &task, trace::EventKind::kTouch);
  event.address = page;
  event.bytes = kPage;
  event.stack_id = stack_of(process, page);
  feed(event);
  // Reads of untouched memory cost none: as many zero pages as a walk asks for are as exact as one.
  Walk* walk = nullptr;
  bool needs_sentinel = false;
  const uint64_t pages = window_for(process, task, page, &walk, &needs_sentinel);
  walk->next = page + pages * kPage;
  walk->ahead_start = walk->sentinel = 0;
  finish_fill(process, {page, pages, ParkedFill::Kind::kZero, false});
}

/// The ioctl of a fault that has been fed; parks it when an unread event is in the way.
void Session::finish_fill(Process& process, const ParkedFill& fill) {
  const bool hold = !watches_.empty();
  uint64_t filled = 0;
  FaultResult result = FaultResult::kDone;
  if (fill.kind == ParkedFill::Kind::kFill) {
    // The sentinel goes in before anybody can walk up to it.
    if (fill.sentinel && fill.pages > 1) {
      uint64_t last = 0;
      if (process.fault_fd.fill(fill.page + (fill.pages - 1) * kPage, 1, false, true, &last) == FaultResult::kDone) process.pages.set(PageBit::kAhead, fill.page + (fill.pages - 1) * kPage, true);
    }
    const uint64_t body = fill.sentinel && fill.pages > 1 ? fill.pages - 1 : fill.pages;
    result = process.fault_fd.fill(fill.page, body, !hold, false, &filled);
    for (uint64_t i = 1; i < filled; ++i) process.pages.set(PageBit::kAhead, fill.page + i * kPage, true);
  } else if (fill.kind == ParkedFill::Kind::kZero) {
    result = process.fault_fd.map_zero(fill.page, fill.pages, &filled);
    if (filled > 0) {
      // Armed before anyone is woken: the write that makes it a page of memory is to be seen.
      process.fault_fd.protect(fill.page, fill.page + filled * kPage, true, false);
      for (uint64_t i = 0; i < filled; ++i) process.pages.set(PageBit::kZero, fill.page + i * kPage, true);
      process.fault_fd.wake(fill.page, fill.page + filled * kPage);
    }
  } else {
    result = process.fault_fd.protect(fill.page, fill.page + kPage, false, true);
  }
  if (result == FaultResult::kRetry) {
    process.parked.push_back(fill);
    return;
  }
  if (hold) apply_watches();
  if (result == FaultResult::kGone) {
    process.pages.clear(fill.page, fill.page + kPage);
    note_tracked(process);
  }
  if (hold || result != FaultResult::kDone) process.fault_fd.wake(fill.page, fill.page + kPage);
}

void Session::retry_parked(Process& process) {
  std::vector<ParkedFill> parked;
  parked.swap(process.parked);
  for (const ParkedFill& fill : parked) finish_fill(process, fill);
}

void Session::on_protected_write(Process& process, Task& task, uint64_t page) {
  if (process.pages.test(PageBit::kWatched, page)) {
    process.pages.set(PageBit::kWatched, page, false);
    trace::Event event = stamped(process, &task, trace::EventKind::kReference);
    event.address = page;
    event.bytes = kPage;
    event.flags = trace::kWrite;
    feed(event);
  } else if (process.pages.test(PageBit::kAhead, page)) {
    // The end of a window, or a page that a walk left behind and somebody came for later.
    uint64_t start = page;
    for (auto& [tid, other] : process.tasks)
      for (Walk& walk : other->walks)
        if (walk.sentinel == page) {
          start = walk.ahead_start;
          walk.ahead_start = walk.sentinel = 0;
        }
    touch_run(process, &task, start, page + kPage, page, trace::kWrite);
  } else if (process.pages.test(PageBit::kZero, page)) {
    touch_run(process, &task, page, page + kPage, page, trace::kWrite);
  }
  // Watches first, the page itself last: the thread must not be able to write before they stand.
  apply_watches();
  finish_fill(process, {page, 1, ParkedFill::Kind::kUnprotect, false});
}

/// A walk has stopped: what it filled ahead is armed for writes; what has been written already is counted.
void Session::close_walk(Process& process, Walk& walk) {
  if (walk.ahead_start == 0 || walk.ahead_start >= walk.next) return;
  const uint64_t start = walk.ahead_start, end = walk.next;
  walk.ahead_start = walk.sentinel = walk.next = 0;
  if (!process.fault_fd.write_protects() || process.fault_fd.protect(start, end, true, false) != FaultResult::kDone) return;
  // Reading a missing page of a guest would be a fault that only we could serve. Safe here: a page marked as ahead is
  // there, because it can only go by a REMOVE, UNMAP or REMAP event, whose caller waits until this thread has read it.
  uint64_t touched_end = start;
  std::array<char, static_cast<size_t>(kPageBytes)> content;
  for (uint64_t at = end - kPage; at >= start; at -= kPage) {
    if (!process.pages.test(PageBit::kAhead, at)) continue;
    iovec local{content.data(), content.size()}, remote{reinterpret_cast<void*>(at), content.size()};
    if (::process_vm_readv(static_cast<pid_t>(process.pid), &local, 1, &remote, 1, 0) != static_cast<ssize_t>(content.size())) continue;
    if (!all_zero(content.data(), content.size())) {
      touched_end = at + kPage;
      break;
    }
  }
  if (touched_end == start) return;
  touch_run(process, nullptr, start, touched_end, 0, trace::kWrite);
  process.fault_fd.protect(start, touched_end, false, true);
}

void Session::close_stalled_walks(Process& process, uint64_t older_than_ns) {
  if (!process.tracked_by_faults()) return;
  const uint64_t now = monotonic_ns();
  for (auto& [tid, task] : process.tasks)
    for (Walk& walk : task->walks)
      if (walk.ahead_start != 0 && now - walk.last_ns >= older_than_ns) close_walk(process, walk);
}

void Session::on_unmap(Process& process, uint64_t start, uint64_t end) {
  // Only what the sink has been told of and has not been told to forget: the sweep may have been here first.
  uint64_t run_start = 0, run_end = 0;
  const auto flush = [&] {
    if (run_end > run_start) feed_simple(process, trace::EventKind::kUnmap, run_start, run_end - run_start);
  };
  const std::vector<Area> removed = process.map.remove(start, end);
  for (const Area& area : removed) {
    if (!area.announced) continue;
    if (area.start != run_end) {
      flush();
      run_start = area.start;
    }
    run_end = area.end;
  }
  flush();
  for (const Area& area : removed) release_shared(process, area);
  process.pages.clear(start, end);
  note_tracked(process);
  process.sampled.erase(process.sampled.lower_bound(start), process.sampled.lower_bound(end));
  if (process.shared) process.shared->known.set(start, end, false);
}

void Session::on_remove(Process& process, uint64_t start, uint64_t end) {
  drain_ring(process);
  for (auto at = process.free_advised.begin(); at != process.free_advised.end(); ++at) {
    if (start < at->first || end > at->second) continue;
    // MADV_FREE: the pages stay until the kernel wants them. The next write takes the offer back: watch for it.
    if (end >= at->second) process.free_advised.erase(at);
    feed_simple(process, trace::EventKind::kAdviseFree, start, end - start);
    if (process.fault_fd.write_protects() && process.fault_fd.protect(start, end, true, false) == FaultResult::kDone) {
      std::vector<uint64_t> pages;
      process.pages.for_each(PageBit::kTouched, start, end, [&](uint64_t address) { pages.push_back(address); });
      for (const uint64_t address : pages) process.pages.set(PageBit::kWatched, address, true);
    }
    return;
  }
  process.pages.clear(start, end);
  note_tracked(process);
  feed_simple(process, trace::EventKind::kAdviseDontneed, start, end - start);
}

void Session::on_remap(Process& process, uint64_t from, uint64_t to, uint64_t bytes) {
  std::vector<Area> moved = process.map.remove(from, from + bytes);
  process.map.remove(to, to + bytes);
  for (Area area : moved) {
    area.start = area.start - from + to;
    area.end = area.end - from + to;
    area.offset_delta += from - to;
    process.map.insert(area);
  }
  process.pages.move(from, to, bytes);
  note_tracked(process);
  if (process.shared) {
    process.shared->known.set(from, from + bytes, false);
    process.shared->known.set(to, to + bytes, true);
  }
  feed_simple(process, trace::EventKind::kRemap, from, bytes, to);
}

}  // namespace oomcast::record
