// Tells what a fault means: a page that is touched for the first time, or a watched page that is written again; and what
// the kernel tells beside faults: unmaps, removals, moves.
#include <algorithm>
#include <array>
#include <utility>

#include "preload/record/session.h"

namespace oomcast::record {
namespace {

// Model's headroom beyond which one window cannot make it ask for anything: the thread need not wait for it.
constexpr uint64_t kFarPages = 4096;

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
    bool event_read = false;
    for (size_t i = 0; i < count; ++i) {
      const uffd_msg& message = messages[i];
      event_read |= message.event != UFFD_EVENT_PAGEFAULT;
      switch (message.event) {
        case UFFD_EVENT_UNMAP: on_unmap(process, message.arg.remove.start, message.arg.remove.end); break;
        case UFFD_EVENT_REMOVE: on_remove(process, message.arg.remove.start, message.arg.remove.end); break;
        case UFFD_EVENT_REMAP: on_remap(process, message.arg.remap.from, message.arg.remap.to, message.arg.remap.len); break;
        default: break;
      }
    }
    drain_ring(process);
    try_again(process, event_read);
    for (size_t i = 0; i < count && process.fault_fd.valid(); ++i)
      if (messages[i].event == UFFD_EVENT_PAGEFAULT) {
        on_fault(process, messages[i], i >= of_all);
        serve_near(process.pid, messages[i].arg.pagefault.feat.ptid);
      }
    apply_watches();
  }
  try_again(process, false);
  if (process.touched_since_sample >= 512) sample_rss(process);
}

void Session::on_fault(Process& process, const uffd_msg& message, bool of_heap) {
  const uint64_t page = page_down(message.arg.pagefault.address);
  const uint64_t flags = message.arg.pagefault.flags;
  const uint32_t tid = message.arg.pagefault.feat.ptid;
  auto& slot = process.tasks[tid];
  if (!slot) slot = std::make_unique<Task>(static_cast<pid_t>(process.pid), tid, monotonic_ns());
  const Fault fault{*slot, page, monotonic_ns(), of_heap};
  process.free_advice.over(tid);
  if (!process.watched_code.empty()) tell_code_in_use(process, *slot);
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
    if (process.shared) process.shared->touched.set(run, run_end, true);
    note_tracked(process);
    feed_touch(process, event);
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

void Session::on_missing_write(Process& process, const Fault& fault) {
  Task& task = fault.task;
  const uint64_t page = fault.page;
  ++count_.write_faults;
  if (process.pages.test(PageBit::kAhead, page) || process.pages.test(PageBit::kLeft, page) || process.pages.test(PageBit::kTouched, page)) {
    // The message came twice, or the page was taken away unseen (reclaimed after MADV_FREE): filling it tells which.
    const FaultResult result = finish_fill(process, {page, page, page + kPage, WindowFill::Kind::kFill, 0, fault.of_heap, task.tid});
    if (result == FaultResult::kDone) touch_run(process, &task, page, page + kPage, page, trace::kWrite);
    return;
  }
  on_fresh_write(process, fault, Fresh::kMissing);
}

void Session::on_fresh_write(Process& process, const Fault& fault, Fresh fresh) {
  Task& task = fault.task;
  const uint64_t page = fault.page;
  const Window window = window_for(process, task, page, fresh);
  Walk& walk = *window.walk;
  // What the walk went over to come here.
  uint64_t from = page, to = page + kPage;
  if (walk.zeroes) walk.walked_pages += settle_zeroes(process, &task, walk.ahead_start, walk.ahead_end);
  else if (walk.has_ahead() && walk.ahead_end == page) from = walk.ahead_start;
  else if (walk.has_ahead() && walk.ahead_start == to) to = walk.ahead_end;
  WindowFill fill{page, window.start, window.end, fresh == Fresh::kMissing ? WindowFill::Kind::kFill : WindowFill::Kind::kUnprotect, 0, fault.of_heap, task.tid};
  if (window.sentinel) fill.sentinel = window.down ? window.start : window.end - kPage;
  walk.next = window.down ? 0 : window.end;
  walk.below = window.down || walk.steps == 1 ? window.start - kPage : 0;
  walk.ahead_start = window.down ? window.start : page + kPage;
  walk.ahead_end = window.down ? page : window.end;
  walk.sentinel = fill.sentinel;
  walk.zeroes = fresh == Fresh::kZeroes;
  walk.reads = false;
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

void Session::on_missing_read(Process& process, const Fault& fault) {
  Task& task = fault.task;
  const uint64_t page = fault.page;
  ++count_.read_faults;
  trace::Event event = stamped(process, &task, trace::EventKind::kTouch);
  event.address = page;
  event.bytes = kPage;
  feed_touch(process, event);
  // Reads of untouched memory cost none: as many zero pages as a walk asks for are as exact as one.
  const Window window = window_for(process, task, page, Fresh::kMissing);
  Walk& walk = *window.walk;
  if (walk.has_ahead()) close_walk(process, walk);
  walk.walked_pages += window.pages();
  walk.reads = true;
  walk.next = window.down ? 0 : window.end;
  walk.below = window.down || walk.steps == 1 ? window.start - kPage : 0;
  walk.ahead_start = walk.ahead_end = walk.sentinel = 0;
  finish_fill(process, {page, window.start, window.end, WindowFill::Kind::kZero, 0, fault.of_heap, task.tid});
  release(process, fault);
}

/// The ioctl of a fault that has been fed. Where the kernel refuses it, the fault is kept for another try, or its memory let go.
FaultResult Session::finish_fill(Process& process, WindowFill fill) {
  const bool hold = !watches_.empty();
  const FaultResult result = carry_out(fill, process.fd_of(fill.of_heap), process.pages, !hold, &count_.filled_pages);
  if (result == FaultResult::kDone) process.unanswered.answered(fill.tid);
  if (result == FaultResult::kRetry || result == FaultResult::kNoMemory) {
    not_answered(process, fill, result);
    return result;
  }
  if (hold) apply_watches();
  if (result == FaultResult::kGone) {
    process.pages.clear(fill.page, fill.page + kPage);
    note_tracked(process);
  }
  if (result != FaultResult::kDone) not_answered(process, fill, result);
  else if (hold) process.fd_of(fill.of_heap).wake(fill.page, fill.page + kPage);
  return result;
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
    // The end of a window.
    uint64_t start = page, end = page + kPage;
    for (auto& [tid, other] : process.tasks)
      for (Walk& walk : other->walks)
        if (walk.sentinel == page) {
          if (walk.zeroes) {
            walk.walked_pages += settle_zeroes(process, &task, walk.ahead_start, walk.ahead_end);
          } else {
            start = std::min(page, walk.ahead_start);
            end = std::max(page + kPage, walk.ahead_end);
            walk.walked_pages += (end - start) / kPage;
          }
          walk.ahead_start = walk.ahead_end = walk.sentinel = 0;
          walk.zeroes = false;
        }
    touch_run(process, &task, start, end, page, trace::kWrite);
  } else if (process.pages.test(PageBit::kLeft, page)) {
    return on_fresh_write(process, fault, Fresh::kLeft);
  } else if (process.pages.test(PageBit::kZero, page)) {
    return on_fresh_write(process, fault, Fresh::kZeroes);
  }
  // Watches first, the page itself last: the thread must not be able to write before they stand.
  apply_watches();
  finish_fill(process, {page, page, page + kPage, WindowFill::Kind::kUnprotect, 0, fault.of_heap, task.tid});
  release(process, fault);
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
  for (const Area& area : removed)
    if (area.shared) forget_shared_pages(process, area, area.start, area.end);
  process.pages.clear(start, end);
  note_tracked(process);
  release_shared(process, removed, false);
  process.sampled.erase(process.sampled.lower_bound(start), process.sampled.lower_bound(end));
  if (process.shared) {
    process.shared->known.set(start, end, false);
    process.shared->touched.set(start, end, false);
  }
}

void Session::on_remove(Process& process, uint64_t start, uint64_t end) {
  drain_ring(process);
  const auto more = [&process](uint64_t from, uint64_t to) {
    bool registered = false;
    process.map.for_each(from, to, [&registered](const Area& area) { registered |= area.registered; });
    return registered;
  };
  if (process.free_advice.take(start, end, more)) {
    // MADV_FREE: the pages stay until the kernel wants them. The next write takes the offer back: watch for it.
    feed_simple(process, trace::EventKind::kAdviseFree, start, end - start);
    if (process.fault_fd.write_protects() && process.fault_fd.protect(start, end, true, false) == FaultResult::kDone) {
      std::vector<uint64_t> pages;
      process.pages.for_each(PageBit::kTouched, start, end, [&](uint64_t address) { pages.push_back(address); });
      for (const uint64_t address : pages) process.pages.set(PageBit::kWatched, address, true);
    }
    return;
  }
  process.pages.clear(start, end);
  if (!process.tracked_by_faults()) process.leaving.add(start, end, monotonic_ns(), LeavingRanges::kAfterEventNs);
  if (process.shared) process.shared->touched.set(start, end, false);
  note_tracked(process);
  feed_simple(process, trace::EventKind::kAdviseDontneed, start, end - start);
}

void Session::on_remap(Process& process, uint64_t from, uint64_t to, uint64_t bytes) {
  std::vector<Area> moved = process.map.remove(from, from + bytes);
  for (const Area& area : process.map.remove(to, to + bytes))
    if (area.shared) forget_shared_pages(process, area, area.start, area.end);
  for (Area area : moved) {
    area.start = area.start - from + to;
    area.end = area.end - from + to;
    area.offset_delta += from - to;
    process.map.insert(area);
  }
  process.pages.move(from, to, bytes);
  move_samples(process, from, to, bytes);
  note_tracked(process);
  if (process.shared) {
    process.shared->known.set(from, from + bytes, false);
    process.shared->touched.set(from, from + bytes, false);
    process.shared->known.set(to, to + bytes, true);
  }
  feed_simple(process, trace::EventKind::kRemap, from, bytes, to);
  take_back(process, to, to + bytes);
}

}  // namespace oomcast::record
