// WindowFiller: tells what a fault means (a first touch, a write behind a window, a use of a watched page) and answers
// it.
#include "preload/record/capture/window_filler.h"

#include <algorithm>
#include <utility>

namespace oomcast::record {
namespace {

// With this many pages before the target's next watermark one window cannot make the sink ask for watches: the thread
// need not wait for the sink.
constexpr uint64_t kAmplePages = 4096;

}  // namespace

void WindowFiller::take_fault(Process& process, const uffd_msg& message, bool of_heap) {
  const uint64_t page = page_down(message.arg.pagefault.address);
  const uint64_t flags = message.arg.pagefault.flags;
  const uint32_t tid = message.arg.pagefault.feat.ptid;
  auto& slot = process.tasks[tid];
  if (!slot) slot = std::make_unique<Task>(static_cast<pid_t>(process.pid), tid, clocks_.now_ns());
  const Fault fault{*slot, page, clocks_.now_ns(), of_heap};
  process.held.free_advice.end_call(tid);
  if (!process.files.watched_text.empty()) text_.report_use(process, *slot);
  stash_.settle(process);
  if (Stash::has_any(process, page, page + kPage))
    use_stashed(process, fault, (flags & (UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP)) != 0);
  else if (flags & UFFD_PAGEFAULT_FLAG_WP)
    answer_protected_write(process, fault);
  else if (flags & UFFD_PAGEFAULT_FLAG_WRITE || !process.fault_fd.write_protects())
    fill_for_write(process, fault);
  else
    fill_for_read(process, fault);
}

/// Adds the time that the fault has held the thread to the thread's clock.
void WindowFiller::release(Process& process, const Fault& fault) {
  // Inside read() or write() the hook measures the time of the call, faults included.
  if (in_file_call(process, fault.task, fault.arrived_ns)) return;
  fault.task.clock.count_fault();
  fault.task.clock.count_held(clocks_.now_ns() - fault.arrived_ns);
}

/// The thread waits until the watches that the model asks for next are armed. After a read the page is write-protected:
/// its first write makes the copy on the target's swap device invalid, and the model has to know.
void WindowFiller::use_stashed(Process& process, const Fault& fault, bool writes) {
  const uint64_t page = fault.page, end = page + kPage;
  const auto bring_back = [&] { return stash_.bring_back(process, page, end, StashChannel::Waiters::kAsleep); };
  // An unread event keeps the page out: the fault is tried again.
  if (!bring_back() || Stash::has_any(process, page, end))
    return keep_or_let_go(process, {page, page, end, WindowFill::Kind::kFill, 0, fault.of_heap, fault.task.tid},
                          FaultResult::kRetry);
  process.held.unanswered.answered(fault.task.tid);
  ++count_.stashed_faults;
  trace::Event event = feed_.stamp(process, &fault.task, trace::EventKind::kReference);
  event.address = page;
  event.bytes = kPage;
  event.flags = writes ? trace::kWrite : 0;
  feed_.feed(event);
  feed_.arm_watches();
  // The model may have evicted the page at once, so that it is out again. It is brought back, or the thread could not
  // go on.
  if (process.pages.test(PageBit::kStashed, page)) bring_back();
  if (!writes && !process.control_blocks.holds(page)) EventFeed::protect(process, {page});
  process.fd_of(fault.of_heap).wake(page, end);
  release(process, fault);
}

void WindowFiller::fill_for_write(Process& process, const Fault& fault) {
  Task& task = fault.task;
  const uint64_t page = fault.page;
  ++count_.write_faults;
  if (process.pages.test(PageBit::kPrefilled, page) || process.pages.test(PageBit::kPrefilledArmed, page) ||
      process.pages.test(PageBit::kTouched, page)) {
    // The fault was reported twice, or the kernel has reclaimed the page after MADV_FREE: whether the fill succeeds
    // shows which.
    const FaultResult result =
        finish_fill(process, {page, page, page + kPage, WindowFill::Kind::kFill, 0, fault.of_heap, task.tid});
    if (result == FaultResult::kDone) windows_.report_run(process, &task, page, page + kPage, page, trace::kWrite);
    return;
  }
  answer_first_write(process, fault, Fresh::kMissing);
}

void WindowFiller::answer_first_write(Process& process, const Fault& fault, Fresh fresh) {
  Task& task = fault.task;
  const uint64_t page = fault.page;
  const Window window = windows_.window_for(process, task, page, fresh);
  Walk& walk = *window.walk;
  // The pages to report: the page of the fault, and the prefilled pages that the walk crossed to reach it.
  uint64_t from = page, to = page + kPage;
  if (walk.zeroes)
    walk.walked_pages += windows_.settle_zeroes(process, &task, walk.prefilled_start, walk.prefilled_end);
  else if (walk.has_prefilled() && walk.prefilled_end == page)
    from = walk.prefilled_start;
  else if (walk.has_prefilled() && walk.prefilled_start == to)
    to = walk.prefilled_end;
  WindowFill fill{page,       window.start,
                  window.end, fresh == Fresh::kMissing ? WindowFill::Kind::kFill : WindowFill::Kind::kUnprotect,
                  0,          fault.of_heap,
                  task.tid};
  if (window.sentinel) fill.sentinel = window.down ? window.start : window.end - kPage;
  walk.next = window.down ? 0 : window.end;
  walk.below = window.down || walk.steps == 1 ? window.start - kPage : 0;
  walk.prefilled_start = window.down ? window.start : page + kPage;
  walk.prefilled_end = window.down ? page : window.end;
  walk.sentinel = fill.sentinel;
  walk.zeroes = fresh == Fresh::kZeroes;
  walk.reads = false;
  resolution_pages_ = std::max(resolution_pages_, window.pages());
  // With so much headroom the model will ask for nothing: the thread goes on before its touch is reported.
  const bool goes_on_first = !feed_.has_watches() && feed_.headroom_pages() > kAmplePages;
  if (goes_on_first) {
    const bool gone = finish_fill(process, fill) == FaultResult::kGone;
    release(process, fault);
    walk.walked_pages += windows_.report_run(process, &task, from, to, page, trace::kWrite);
    if (gone) {
      process.pages.clear(page, page + kPage);
      meter_.update(process);
    }
    return;
  }
  walk.walked_pages += windows_.report_run(process, &task, from, to, page, trace::kWrite);
  finish_fill(process, fill);
  release(process, fault);
}

void WindowFiller::fill_for_read(Process& process, const Fault& fault) {
  Task& task = fault.task;
  const uint64_t page = fault.page;
  ++count_.read_faults;
  if (process.pages.test(PageBit::kTouched, page)) {
    // As for a write: reported twice, or reclaimed after MADV_FREE.
    const FaultResult result =
        finish_fill(process, {page, page, page + kPage, WindowFill::Kind::kZero, 0, fault.of_heap, task.tid});
    if (result == FaultResult::kDone) windows_.report_run(process, &task, page, page + kPage, page, 0);
    return;
  }
  trace::Event event = feed_.stamp(process, &task, trace::EventKind::kTouch);
  event.address = page;
  event.bytes = kPage;
  feed_.report_touch(process, event);
  // A read of untouched memory maps the shared zero page and takes no memory: a wide window of zero pages is as exact
  // as one page.
  const Window window = windows_.window_for(process, task, page, Fresh::kMissing);
  Walk& walk = *window.walk;
  if (walk.has_prefilled()) windows_.close_walk(process, walk);
  walk.walked_pages += window.pages();
  walk.reads = true;
  walk.next = window.down ? 0 : window.end;
  walk.below = window.down || walk.steps == 1 ? window.start - kPage : 0;
  walk.prefilled_start = walk.prefilled_end = walk.sentinel = 0;
  finish_fill(process, {page, window.start, window.end, WindowFill::Kind::kZero, 0, fault.of_heap, task.tid});
  release(process, fault);
}

/// Answers a fault whose touch has been reported. If the kernel refuses the answer, the fault is kept for another try,
/// or its memory is let go.
FaultResult WindowFiller::finish_fill(Process& process, WindowFill fill) {
  const bool hold = feed_.has_watches();
  const FaultResult result = carry_out(fill, process.fd_of(fill.of_heap), process.pages, !hold, &count_.filled_pages);
  if (result == FaultResult::kDone) process.held.unanswered.answered(fill.tid);
  if (result == FaultResult::kRetry || result == FaultResult::kNoMemory) {
    keep_or_let_go(process, fill, result);
    return result;
  }
  if (hold) feed_.arm_watches();
  if (result == FaultResult::kGone) {
    process.pages.clear(fill.page, fill.page + kPage);
    meter_.update(process);
  }
  if (result != FaultResult::kDone)
    keep_or_let_go(process, fill, result);
  else if (hold)
    process.fd_of(fill.of_heap).wake(fill.page, fill.page + kPage);
  return result;
}

void WindowFiller::answer_protected_write(Process& process, const Fault& fault) {
  Task& task = fault.task;
  const uint64_t page = fault.page;
  ++count_.protected_faults;
  if (process.pages.test(PageBit::kWatched, page)) {
    process.pages.set(PageBit::kWatched, page, false);
    trace::Event event = feed_.stamp(process, &task, trace::EventKind::kReference);
    event.address = page;
    event.bytes = kPage;
    event.flags = trace::kWrite;
    feed_.feed(event);
  } else if (process.pages.test(PageBit::kPrefilled, page)) {
    // The sentinel of a window.
    uint64_t start = page, end = page + kPage;
    const auto take_to_its_end = [&](Walk& walk) {
      if (walk.sentinel != page) return;
      if (walk.zeroes) {
        walk.walked_pages += windows_.settle_zeroes(process, &task, walk.prefilled_start, walk.prefilled_end);
      } else {
        start = std::min(page, walk.prefilled_start);
        end = std::max(page + kPage, walk.prefilled_end);
        walk.walked_pages += (end - start) / kPage;
      }
      walk.prefilled_start = walk.prefilled_end = walk.sentinel = 0;
      walk.zeroes = false;
    };
    for (auto& [tid, other] : process.tasks) std::for_each(other->walks.begin(), other->walks.end(), take_to_its_end);
    std::for_each(process.held.unclosed.begin(), process.held.unclosed.end(), take_to_its_end);
    windows_.report_run(process, &task, start, end, page, trace::kWrite);
  } else if (process.pages.test(PageBit::kPrefilledArmed, page)) {
    return answer_first_write(process, fault, Fresh::kPrefilledArmed);
  } else if (process.pages.test(PageBit::kZero, page)) {
    return answer_first_write(process, fault, Fresh::kZeroes);
  }
  // The watches are armed first and this page is unprotected last: else the thread could write to a watched page before
  // that page is protected.
  feed_.arm_watches();
  finish_fill(process, {page, page, page + kPage, WindowFill::Kind::kUnprotect, 0, fault.of_heap, task.tid});
  release(process, fault);
}

}  // namespace oomcast::record
