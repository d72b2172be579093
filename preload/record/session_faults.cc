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
// A window wider than this has to be earned: no more than an eighth of what the walk has come along.
constexpr uint64_t kPlainWindowPages = 64;
// So many pages of zeroes among written ones have not been written.
constexpr uint64_t kHolePages = 8;
// Model's headroom beyond which one window cannot make it ask for anything: the thread need not wait for it.
constexpr uint64_t kFarPages = 4096;

bool all_zero(const char* bytes, size_t count) { return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, count - 1) == 0; }

}  // namespace

void Session::on_userfaultfd(Process& process) {
  constexpr size_t kAtOnce = 64;
  std::array<uffd_msg, 2 * kAtOnce> messages;
  // Bounded, so that one busy process does not starve the others.
  for (int round = 0; round < 16 && process.fault_fd.valid(); ++round) {
    const size_t of_all = process.fault_fd.read(std::span(messages).first(kAtOnce));
    const size_t count = of_all + (process.heap_fd.valid() ? process.heap_fd.read(std::span(messages).subspan(of_all, kAtOnce)) : 0);
    if (count == 0) break;
    ++count_.fault_reads;
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
      if (messages[i].event == UFFD_EVENT_PAGEFAULT) on_fault(process, messages[i], i >= of_all);
    apply_watches();
  }
  if (!process.parked.empty()) retry_parked(process);
  if (process.touched_since_sample >= 512) sample_rss(process);
}

void Session::on_fault(Process& process, const uffd_msg& message, bool of_heap) {
  const uint64_t page = message.arg.pagefault.address & ~(kPage - 1);
  const uint64_t flags = message.arg.pagefault.flags;
  const uint32_t tid = message.arg.pagefault.feat.ptid;
  auto& slot = process.tasks[tid];
  if (!slot) slot = std::make_unique<Task>(static_cast<pid_t>(process.pid), tid, monotonic_ns());
  const Fault fault{*slot, page, monotonic_ns(), of_heap};
  if (flags & UFFD_PAGEFAULT_FLAG_WP) on_protected_write(process, fault);
  else if (flags & UFFD_PAGEFAULT_FLAG_WRITE || !process.fault_fd.write_protects()) on_missing_write(process, fault);
  else on_missing_read(process, fault);
}

/// The thread goes on: what the fault cost it is told to its clock.
void Session::release(Process& process, const Fault& fault) {
  // In a read() or write() the thread counts the time itself.
  if (in_file_call(process, fault.task, fault.arrived_ns)) return;
  fault.task.clock.count_fault();
  fault.task.clock.count_held(monotonic_ns() - fault.arrived_ns);
}

uint32_t Session::stack_of(Process& process, uint64_t address) const {
  auto at = process.sampled.upper_bound(address);
  if (at == process.sampled.begin()) return 0;
  --at;
  return address < at->second.end ? at->second.stack_id : 0;
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
    if (process.shared) process.shared->touched.set(run, run_end, true);
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

/// The walk that a fault on this page goes on with, or the oldest one, ended and begun anew here.
Walk& Session::walk_at(Process& process, Task& task, uint64_t page) {
  for (Walk& walk : task.walks)
    if (walk.next == page || walk.below == page) {
      if (walk.below == page) walk.next = 0;
      else walk.below = 0;
      return walk;
    }
  Walk& oldest = *std::min_element(task.walks.begin(), task.walks.end(), [](const Walk& a, const Walk& b) { return a.last_ns < b.last_ns; });
  end_walk(process, task, oldest);
  // Right behind what is there already: likely to go on as the walks before it did. Elsewhere one touch says nothing.
  const Area* area = process.map.find(page);
  if ((area != nullptr && area->start == page) || !process.pages.blank(page - kPage)) oldest.window_pages = task.first_window_pages;
  return oldest;
}

/// Forgets a walk and learns from it how far ahead the next one may be filled at once.
void Session::end_walk(Process& process, Task& task, Walk& walk) {
  const uint64_t unproven = walk.has_ahead() ? (walk.ahead_end - walk.ahead_start) / kPage : 0;
  if (unproven > 0) close_walk(process, walk);
  const uint64_t left = walk.has_ahead() ? (walk.ahead_end - walk.ahead_start) / kPage : 0;
  if (walk.steps > 0) {
    if (left > walk.walked_pages) task.first_window_pages = std::max<uint64_t>(task.first_window_pages / 4, 1);
    else if (walk.walked_pages >= task.first_window_pages * 2) task.first_window_pages = std::min(task.first_window_pages * 2, Userfaultfd::kMostPages);
  }
  walk = {};
}

/// How many pages may be filled at once, by the length of this walk and of those before, and by the model's distance to its next watermark.
uint64_t Session::allowed_pages(const Task& task, const Walk& walk) const {
  const auto most = static_cast<uint64_t>(std::clamp<int64_t>(options_.max_window_pages, 1, static_cast<int64_t>(Userfaultfd::kMostPages)));
  const uint64_t earned = std::max({kPlainWindowPages, walk.walked_pages / 8, task.first_window_pages});
  return std::min({walk.window_pages, earned, most, std::max<uint64_t>(sink_.headroom_pages() / 8, 1)});
}

/// What to fill for this fault, and the walk that it begins or continues.
Session::Window Session::window_for(Process& process, Task& task, uint64_t page) {
  Walk& walk = walk_at(process, task, page);
  const bool down = walk.next == 0 && walk.below != 0;
  ++walk.steps;
  walk.last_ns = monotonic_ns();
  if (walk.steps > 2 || (walk.steps > 1 && walk.window_pages > 1)) walk.window_pages = std::min(walk.window_pages * 2, Userfaultfd::kMostPages);
  Window window{&walk, page, page + kPage, false, down};
  uint64_t room = allowed_pages(task, walk) * kPage;
  const Area* area = process.map.find(page);
  if (area == nullptr || !area->registered) {
    // A mapping that grew by itself (a stack, mremap inside libc): look it up.
    Vma vma;
    if (query_map(process.maps.get(), page, &vma)) learn(process, vma, false);
    area = process.map.find(page);
  }
  if (area == nullptr) return window;
  if (down) {
    uint64_t limit = page - std::min(page - area->start, room - kPage);
    while (window.start > limit && process.pages.blank(window.start - kPage)) window.start -= kPage;
    window.sentinel = window.start == area->start || !process.pages.blank(window.start - kPage);
  } else {
    uint64_t limit = page + room;
    bool bounded = false;
    if (auto at = process.sampled.upper_bound(page); at != process.sampled.begin()) {
      --at;
      // A large allocation whose end is known: what lies behind it is another's.
      if (at->second.large && page < at->second.end && limit > at->second.end) {
        limit = at->second.end;
        bounded = true;
      }
    }
    if (limit > area->end) limit = area->end;
    while (window.end < limit && process.pages.blank(window.end)) window.end += kPage;
    // Behind the heap's end the next page does not fault: but the library asks for it, which is as good.
    window.sentinel = window.end == process.break_end ? false : bounded || window.end == area->end || !process.pages.blank(window.end);
  }
  if (window.pages() == 1) window.sentinel = false;
  return window;
}

void Session::on_missing_write(Process& process, const Fault& fault) {
  Task& task = fault.task;
  const uint64_t page = fault.page;
  ++count_.write_faults;
  if (process.pages.test(PageBit::kAhead, page) || process.pages.test(PageBit::kTouched, page)) {
    // The message came twice, or the page was taken away unseen (reclaimed after MADV_FREE): filling it tells which.
    uint64_t filled = 0;
    const FaultResult result = process.fd_of(fault.of_heap).fill(page, 1, true, false, &filled);
    if (result == FaultResult::kRetry) process.parked.push_back({page, page, page + kPage, ParkedFill::Kind::kFill, 0, fault.of_heap});
    else if (result == FaultResult::kDone) touch_run(process, &task, page, page + kPage, page, trace::kWrite);
    else process.fd_of(fault.of_heap).wake(page, page + kPage);
    return;
  }
  const Window window = window_for(process, task, page);
  Walk& walk = *window.walk;
  // What the walk went over to come here.
  uint64_t from = page, to = page + kPage;
  if (walk.has_ahead() && walk.ahead_end == page) from = walk.ahead_start;
  else if (walk.has_ahead() && walk.ahead_start == to) to = walk.ahead_end;
  ParkedFill fill{page, window.start, window.end, ParkedFill::Kind::kFill, 0, fault.of_heap};
  if (window.sentinel) fill.sentinel = window.down ? window.start : window.end - kPage;
  walk.next = window.down ? 0 : window.end;
  walk.below = window.down || walk.steps == 1 ? window.start - kPage : 0;
  walk.ahead_start = window.down ? window.start : page + kPage;
  walk.ahead_end = window.down ? page : window.end;
  walk.sentinel = fill.sentinel;
  summary_.resolution_pages = std::max(summary_.resolution_pages, window.pages());
  // Far from the next watermark the model will ask for nothing: the thread goes on while its touch is told.
  const bool ahead_of_model = watches_.empty() && sink_.headroom_pages() > kFarPages;
  if (ahead_of_model) {
    const bool gone = finish_fill(process, fill) == FaultResult::kGone;
    release(process, fault);
    walk.walked_pages += touch_run(process, &task, from, to, page, trace::kWrite);
    if (gone) process.pages.clear(page, page + kPage);
    return;
  }
  walk.walked_pages += touch_run(process, &task, from, to, page, trace::kWrite);
  finish_fill(process, fill);
  release(process, fault);
}

/// The heap has grown where a walk ended: its pages are taken as walked up to the last one that has content, and the new
/// ones are filled before anybody faults on them.
void Session::continue_at_break(Process& process, Task& task, uint64_t start, uint64_t end) {
  for (Walk& walk : task.walks) {
    if (walk.next != start || walk.window_pages < kPlainWindowPages / 4 || !process.fault_fd.write_protects()) continue;
    if (walk.has_ahead()) {
      const uint64_t used = last_content(process, walk.ahead_start, walk.ahead_end);
      walk.walked_pages += touch_run(process, &task, walk.ahead_start, used, 0, trace::kWrite);
      walk.ahead_start = used;
      if (walk.has_ahead() && walk.ahead_end - used > end - start) return;  // it does not go up any more
    } else {
      walk.ahead_start = start;
    }
    walk.window_pages = std::min(walk.window_pages * 2, Userfaultfd::kMostPages);
    walk.last_ns = monotonic_ns();
    uint64_t to = std::min(end, start + allowed_pages(task, walk) * kPage);
    uint64_t filled = 0;
    if (process.fault_fd.fill(start, (to - start) / kPage, true, false, &filled) != FaultResult::kDone) filled = 0;
    count_.filled_pages += filled;
    for (uint64_t at = start; at < start + filled * kPage; at += kPage) process.pages.set(PageBit::kAhead, at, true);
    walk.next = walk.ahead_end = start + filled * kPage;
    walk.sentinel = 0;
    return;
  }
}

void Session::on_missing_read(Process& process, const Fault& fault) {
  Task& task = fault.task;
  const uint64_t page = fault.page;
  ++count_.read_faults;
  trace::Event event = stamped(process, &task, trace::EventKind::kTouch);
  event.address = page;
  event.bytes = kPage;
  event.stack_id = stack_of(process, page);
  feed(event);
  // Reads of untouched memory cost none: as many zero pages as a walk asks for are as exact as one.
  const Window window = window_for(process, task, page);
  Walk& walk = *window.walk;
  walk.walked_pages += window.pages();
  walk.next = window.down ? 0 : window.end;
  walk.below = window.down || walk.steps == 1 ? window.start - kPage : 0;
  walk.ahead_start = walk.ahead_end = walk.sentinel = 0;
  finish_fill(process, {page, window.start, window.end, ParkedFill::Kind::kZero, 0, fault.of_heap});
  release(process, fault);
}

/// The ioctl of a fault that has been fed; parks it when an unread event is in the way.
FaultResult Session::finish_fill(Process& process, const ParkedFill& fill) {
  const bool hold = !watches_.empty();
  Userfaultfd& fd = process.fd_of(fill.of_heap);
  uint64_t filled = 0;
  FaultResult result = FaultResult::kDone;
  if (fill.kind == ParkedFill::Kind::kFill) {
    uint64_t start = fill.start, end = fill.end;
    // The sentinel goes in before anybody can walk up to it.
    if (fill.sentinel != 0) {
      uint64_t one = 0;
      if (fd.fill(fill.sentinel, 1, false, true, &one) == FaultResult::kDone) process.pages.set(PageBit::kAhead, fill.sentinel, true);
      (fill.sentinel == start ? start : end) = fill.sentinel == start ? start + kPage : end - kPage;
    }
    result = fd.fill(start, (end - start) / kPage, !hold, false, &filled);
    count_.filled_pages += filled;
    for (uint64_t at = start; at < start + filled * kPage; at += kPage)
      if (at != fill.page) process.pages.set(PageBit::kAhead, at, true);
    // Something was in the way below the page that is waited for: that page alone then.
    if (result == FaultResult::kDone && start + filled * kPage <= fill.page) result = fd.fill(fill.page, 1, !hold, false, &filled);
  } else if (fill.kind == ParkedFill::Kind::kZero) {
    result = fd.map_zero(fill.start, (fill.end - fill.start) / kPage, &filled);
    if (filled > 0) {
      // Armed before anyone is woken: the write that makes it a page of memory is to be seen.
      fd.protect(fill.start, fill.start + filled * kPage, true, false);
      for (uint64_t i = 0; i < filled; ++i) process.pages.set(PageBit::kZero, fill.start + i * kPage, true);
      fd.wake(fill.start, fill.start + filled * kPage);
    }
  } else {
    result = fd.protect(fill.page, fill.page + kPage, false, true);
  }
  if (result == FaultResult::kRetry) {
    process.parked.push_back(fill);
    return result;
  }
  if (hold) apply_watches();
  if (result == FaultResult::kGone) {
    process.pages.clear(fill.page, fill.page + kPage);
    note_tracked(process);
  }
  if (hold || result != FaultResult::kDone) fd.wake(fill.page, fill.page + kPage);
  return result;
}

void Session::retry_parked(Process& process) {
  std::vector<ParkedFill> parked;
  parked.swap(process.parked);
  for (const ParkedFill& fill : parked) finish_fill(process, fill);
}

void Session::on_protected_write(Process& process, const Fault& fault) {
  Task& task = fault.task;
  const uint64_t page = fault.page;
  ++count_.protected_faults;
  if (process.pages.test(PageBit::kWatched, page)) {
    process.pages.set(PageBit::kWatched, page, false);
    trace::Event event = stamped(process, &task, trace::EventKind::kReference);
    event.address = page;
    event.bytes = kPage;
    event.flags = trace::kWrite;
    feed(event);
  } else if (process.pages.test(PageBit::kAhead, page)) {
    // The end of a window, or a page that a walk left behind and somebody came for later.
    uint64_t start = page, end = page + kPage;
    for (auto& [tid, other] : process.tasks)
      for (Walk& walk : other->walks)
        if (walk.sentinel == page) {
          start = std::min(page, walk.ahead_start);
          end = std::max(page + kPage, walk.ahead_end);
          walk.walked_pages += (end - start) / kPage;
          walk.ahead_start = walk.ahead_end = walk.sentinel = 0;
        }
    touch_run(process, &task, start, end, page, trace::kWrite);
  } else if (process.pages.test(PageBit::kZero, page)) {
    touch_run(process, &task, page, page + kPage, page, trace::kWrite);
  }
  // Watches first, the page itself last: the thread must not be able to write before they stand.
  apply_watches();
  finish_fill(process, {page, page, page + kPage, ParkedFill::Kind::kUnprotect, 0, fault.of_heap});
  release(process, fault);
}

/// The end of the last page of [start, end) that is marked as filled ahead and has content; `start` if there is none.
uint64_t Session::last_content(Process& process, uint64_t start, uint64_t end) {
  for (uint64_t at = end - kPage; at >= start; at -= kPage)
    if (process.pages.test(PageBit::kAhead, at) && has_content(process, at)) return at + kPage;
  return start;
}

/// Reading a missing page of a guest would be a fault that only we could serve. Safe here: a page marked as ahead is
/// there, because it can only go by a REMOVE, UNMAP or REMAP event, whose caller waits until this thread has read it.
bool Session::has_content(Process& process, uint64_t page) {
  std::array<char, static_cast<size_t>(kPageBytes)> content;
  iovec local{content.data(), content.size()}, remote{reinterpret_cast<void*>(page), content.size()};
  ++count_.pages_examined;
  return ::process_vm_readv(static_cast<pid_t>(process.pid), &local, 1, &remote, 1, 0) == static_cast<ssize_t>(content.size()) && !all_zero(content.data(), content.size());
}

/// Which pages of [start, end) are marked as filled ahead and have content; several are read with one call.
std::vector<bool> Session::contents(Process& process, uint64_t start, uint64_t end) {
  constexpr size_t kAtOnce = 32;
  static std::vector<char> buffer(kAtOnce * kPage);
  std::vector<bool> found((end - start) / kPage);
  for (uint64_t at = start; at < end;) {
    uint64_t to = at;
    while (to < end && to - at < kAtOnce * kPage && process.pages.test(PageBit::kAhead, to)) to += kPage;
    if (to == at) {
      at += kPage;
      continue;
    }
    count_.pages_examined += (to - at) / kPage;
    iovec local{buffer.data(), to - at}, remote{reinterpret_cast<void*>(at), to - at};
    const ssize_t got = ::process_vm_readv(static_cast<pid_t>(process.pid), &local, 1, &remote, 1, 0);
    for (uint64_t i = 0; got > 0 && (i + 1) * kPage <= static_cast<uint64_t>(got); ++i) found[(at - start) / kPage + i] = !all_zero(buffer.data() + i * kPage, kPage);
    at = to;
  }
  return found;
}

/// A walk has stopped: what it filled ahead is armed for writes; what has been written already is counted. What is left of
/// [ahead_start, ahead_end) afterwards has not been touched, nor have wide holes before it: what wrote behind them came there
/// by itself.
void Session::close_walk(Process& process, Walk& walk) {
  if (!walk.has_ahead()) return;
  ++count_.walks_closed;
  const uint64_t start = walk.ahead_start, end = walk.ahead_end;
  const bool down = walk.below != 0;
  walk.sentinel = walk.next = walk.below = 0;
  if (!process.fault_fd.write_protects() || process.fault_fd.protect(start, end, true, false) != FaultResult::kDone) {
    walk.ahead_start = walk.ahead_end = 0;
    return;
  }
  const std::vector<bool> content = contents(process, start, end);
  const uint64_t pages = content.size();
  uint64_t used_from = pages, used_to = 0;  // in pages from `start`
  const auto count = [&](uint64_t from, uint64_t to) {
    walk.walked_pages += touch_run(process, nullptr, start + from * kPage, start + to * kPage, 0, trace::kWrite);
    process.fault_fd.protect(start + from * kPage, start + to * kPage, false, true);
  };
  // What lies between the walk's beginning and its first page with content was gone over, if it is little.
  uint64_t run = down ? pages : 0, run_end = run;
  for (uint64_t at = 0; at < pages; ++at) {
    if (!content[at]) continue;
    used_from = std::min(used_from, at);
    used_to = at + 1;
    if (run > at || at - run_end >= kHolePages) {
      if (run < run_end) count(run, run_end);
      run = at;
    }
    run_end = at + 1;
  }
  if (down && run < run_end && pages - run_end < kHolePages) run_end = pages;
  if (run < run_end) count(run, run_end);
  if (down) walk.ahead_end = start + used_from * kPage;
  else walk.ahead_start = start + used_to * kPage;
}

void Session::close_stalled_walks(Process& process, uint64_t older_than_ns) {
  if (!process.tracked_by_faults()) return;
  const uint64_t now = monotonic_ns();
  for (auto& [tid, task] : process.tasks)
    for (Walk& walk : task->walks)
      if (walk.has_ahead() && now - walk.last_ns >= older_than_ns) end_walk(process, *task, walk);
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
  if (process.shared) {
    process.shared->known.set(start, end, false);
    process.shared->touched.set(start, end, false);
  }
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
  if (process.shared) process.shared->touched.set(start, end, false);
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
    process.shared->touched.set(from, from + bytes, false);
    process.shared->known.set(to, to + bytes, true);
  }
  feed_simple(process, trace::EventKind::kRemap, from, bytes, to);
}

}  // namespace oomcast::record
