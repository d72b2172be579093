// Decides how many pages are filled before a thread that walks over fresh memory, and which of them were touched.
#include "preload/record/capture/windows.h"

#include <algorithm>
#include <utility>

#include "preload/record/kernel/page_scan.h"

namespace oomcast::record {
namespace {

// A window may be this wide without proof. A wider one is bounded by 1/8 of the pages walked, or by the first window
// that earlier walks have earned.
constexpr uint64_t kPlainWindowPages = 64;
// Prefilled pages of a process above which resting walks are closed: 1/64 of its touched pages, or 128 if that is more.
// The pages that the present walk has prefilled are not counted.
constexpr uint64_t kPrefilledPart = 64, kPrefilledPages = 128;
// A walk with no fault for this long rests. Threads that fill memory side by side fault more often.
constexpr uint64_t kRestNs = 2'000'000;
// A hole of this many zero pages among written ones counts as not written.
constexpr uint64_t kHolePages = 8;

}  // namespace

/// Finds the walk that this fault continues. If there is none, ends the task's oldest walk and reuses it.
Walk& Windows::walk_at(Process& process, Task& task, uint64_t page, Fresh fresh) {
  for (Walk& walk : task.walks)
    if ((walk.next == page || walk.below == page) &&
        (!walk.has_prefilled() || walk.zeroes == (fresh == Fresh::kZeroes))) {
      if (walk.below == page)
        walk.next = 0;
      else
        walk.below = 0;
      if (!walk.has_prefilled()) walk.zeroes = false;
      return walk;
    }
  Walk& oldest = *std::min_element(task.walks.begin(), task.walks.end(),
                                   [](const Walk& a, const Walk& b) { return a.last_ns < b.last_ns; });
  end_walk(process, task, oldest);
  // A walk that begins right behind known pages, or at the start of a mapping, is likely to go as far as earlier ones.
  // Elsewhere it begins with one page.
  const Area* area = process.map.find(page);
  const bool behind = fresh == Fresh::kMissing ? !process.pages.blank(page - kPage)
                                               : process.pages.test(PageBit::kTouched, page - kPage);
  if ((area != nullptr && area->start == page) || behind) oldest.window_pages = task.first_window_pages;
  return oldest;
}

void Windows::end_walk(Process& process, Task& task, Walk& walk) {
  const uint64_t prefilled = walk.prefilled_pages();
  const uint64_t walked_before = walk.walked_pages;
  if (prefilled > 0) close_walk(process, walk);
  const uint64_t left = prefilled - std::min(prefilled, walk.walked_pages - walked_before);
  if (walk.steps > 0) {
    if (left > walk.walked_pages)
      task.first_window_pages = std::max<uint64_t>(task.first_window_pages / 4, 1);
    else if (walk.walked_pages >= task.first_window_pages * 2)
      task.first_window_pages = std::min(task.first_window_pages * 2, FaultChannel::kMostPages);
  }
  walk = {};
}

/// The widest window that the walk may have: bounded by the length of this walk and of earlier ones, and by 1/8 of the
/// model's distance to its next watermark.
uint64_t Windows::allowed_pages(const Task& task, const Walk& walk) const {
  const auto most =
      static_cast<uint64_t>(std::clamp<int64_t>(max_window_pages_, 1, static_cast<int64_t>(FaultChannel::kMostPages)));
  const uint64_t earned = std::max({kPlainWindowPages, walk.walked_pages / 8, task.first_window_pages});
  return std::min({walk.window_pages, earned, most, std::max<uint64_t>(feed_.headroom_pages() / 8, 1)});
}

/// Whether the area is an arena that ends at `end` and has registered, unused memory reserved behind it: the next page
/// it makes usable will fault.
bool Windows::grows_at(Process& process, const Area& area, uint64_t end) {
  if (end != area.end) return false;
  const Area* const reserved = process.map.find(end);
  return reserved != nullptr && reserved->start == end && reserved->registered && !reserved->writable &&
         process.pages.blank(end);
}

Window Windows::window_for(Process& process, Task& task, uint64_t page, Fresh fresh) {
  Walk& walk = walk_at(process, task, page, fresh);
  const bool down = walk.next == 0 && walk.below != 0;
  ++walk.steps;
  walk.last_ns = clocks_.now_ns();
  if (walk.steps > 2 || (walk.steps > 1 && walk.window_pages > 1))
    walk.window_pages = std::min(walk.window_pages * 2, FaultChannel::kMostPages);
  // Second page in a row: the walk is likely to go as far as earlier ones.
  else if (walk.steps == 2)
    walk.window_pages = task.first_window_pages;
  close_resting(process, task, walk);
  Window window{&walk, page, page + kPage, false, down};
  uint64_t room = allowed_pages(task, walk) * kPage;
  const Area* area = process.map.find(page);
  if (area == nullptr || !area->registered || !area->writable) {
    // A mapping that grew without a hook: a stack, mremap() inside libc, or an arena of which malloc made more usable.
    // It is looked up. The walk touched its prefilled pages before the mapping grew, so they are reported first.
    if (walk.has_prefilled() && !walk.zeroes && !down && walk.prefilled_end == page) {
      walk.walked_pages += report_run(process, &task, walk.prefilled_start, page, 0, trace::kWrite);
      walk.prefilled_start = page;
    }
    Vma vma;
    if (process.memory->mapping_at(page, &vma)) mappings_.learn(process, vma, false);
    area = process.map.find(page);
  }
  if (area == nullptr || (fresh == Fresh::kZeroes && !process.memory->scans_fast())) return window;
  const auto fits = [&](uint64_t at) {
    return fresh == Fresh::kMissing
               ? process.pages.blank(at)
               : process.pages.test(fresh == Fresh::kPrefilledArmed ? PageBit::kPrefilledArmed : PageBit::kZero, at);
  };
  // Whether a write there would fault and continue this walk.
  const auto reports = [&](uint64_t at) {
    return fresh == Fresh::kZeroes ? process.pages.test(PageBit::kZero, at)
                                   : process.pages.blank(at) || process.pages.test(PageBit::kPrefilledArmed, at);
  };
  if (down) {
    uint64_t limit = page - std::min(page - area->start, room - kPage);
    while (window.start > limit && fits(window.start - kPage)) window.start -= kPage;
    window.sentinel = window.start == area->start || !reports(window.start - kPage);
  } else {
    uint64_t limit = page + room;
    bool bounded = false;
    if (auto at = process.sampled.upper_bound(page); at != process.sampled.begin()) {
      --at;
      // A large allocation whose end is known: the walk is not expected to go past it.
      if (at->second.large && page < at->second.end && limit > at->second.end) {
        limit = at->second.end;
        bounded = true;
      }
    }
    if (limit > area->end) limit = area->end;
    while (window.end < limit && fits(window.end)) window.end += kPage;
    // At the heap's end no sentinel is needed: the library asks before it uses the next page. At the end of an arena
    // the next page faults.
    window.sentinel = window.end == process.heap.end || grows_at(process, *area, window.end)
                          ? false
                          : bounded || window.end == area->end || !reports(window.end);
  }
  if (window.pages() == 1) window.sentinel = false;
  return window;
}

/// Whether the walk expects its next fault at `end` and its window is wide enough to prefill there.
static bool goes_on_at(const Walk& walk, uint64_t end) {
  return walk.next == end && !walk.reads && !walk.zeroes && walk.window_pages >= kPlainWindowPages / 4;
}

void Windows::report_walked_to_break(Process& process, Task& task, uint64_t end) {
  for (Walk& walk : task.walks) {
    if (!goes_on_at(walk, end) || !walk.has_prefilled() || !process.fault_fd.write_protects()) continue;
    const uint64_t used = last_content(process, walk.prefilled_start, walk.prefilled_end);
    walk.walked_pages += report_run(process, &task, walk.prefilled_start, used, 0, trace::kWrite);
    walk.prefilled_start = used;
    return;
  }
}

void Windows::continue_at_break(Process& process, Task& task, uint64_t start, uint64_t end) {
  for (Walk& walk : task.walks) {
    if (!goes_on_at(walk, start) || !process.fault_fd.write_protects()) continue;
    if (walk.has_prefilled() && walk.prefilled_end - walk.prefilled_start > end - start)
      return;  // more is prefilled than the heap has grown by: the walk has stopped
    if (!walk.has_prefilled()) walk.prefilled_start = start;
    walk.window_pages = std::min(walk.window_pages * 2, FaultChannel::kMostPages);
    walk.last_ns = clocks_.now_ns();
    uint64_t to = std::min(end, start + allowed_pages(task, walk) * kPage);
    const std::vector<uint64_t> out = Stash::pages_out(process, start, to);
    if (!out.empty()) to = out.front();
    uint64_t filled = 0;
    if (to == start || process.fault_fd.fill(start, (to - start) / kPage, true, false, &filled) != FaultResult::kDone)
      filled = 0;
    count_.filled_pages += filled;
    for (uint64_t at = start; at < start + filled * kPage; at += kPage)
      process.pages.set(PageBit::kPrefilled, at, true);
    walk.next = walk.prefilled_end = start + filled * kPage;
    walk.sentinel = 0;
    return;
  }
}

/// The end of the last page of [start, end) that is marked as prefilled and has content; `start` if there is none.
uint64_t Windows::last_content(Process& process, uint64_t start, uint64_t end) {
  for (uint64_t at = end - kPage; at >= start; at -= kPage)
    if (content_.of(*process.memory, process.pages, PageBit::kPrefilled, at, at + kPage)[0]) return at + kPage;
  return start;
}

/// Write-protects the prefilled pages of [start, end), one ioctl per run: memory unmapped between two runs is no error.
/// False: EAGAIN, an event of the process is unread.
bool Windows::arm_prefilled(Process& process, uint64_t start, uint64_t end) {
  process.control_blocks.refresh(process.pid, clocks_.now_ns());
  std::vector<PageRange> runs;
  process.pages.for_each(PageBit::kPrefilled, start, end, [&](uint64_t address) {
    if (!process.control_blocks.holds(address)) append(&runs, address, address + kPage);
  });
  return std::none_of(runs.begin(), runs.end(), [&process](const PageRange& run) {
    return process.fault_fd.protect(run.first, run.second, true, false) == FaultResult::kRetry;
  });
}

void Windows::close_pending(Process& process) {
  for (Walk& walk : std::exchange(process.held.unclosed, {})) close_walk(process, walk);
}

/// Write-protects the prefilled pages before it reads them, so that no write falls between. Pages with content are
/// counted, and holes narrower than kHolePages with them. Pages in wider holes count as untouched: the thread jumped
/// over them. Afterwards [prefilled_start, prefilled_end) holds only untouched pages.
void Windows::close_walk(Process& process, Walk& walk) {
  if (!walk.has_prefilled()) return;
  const uint64_t start = walk.prefilled_start, end = walk.prefilled_end;
  const bool down = walk.below != 0;
  if (!walk.zeroes && process.fault_fd.write_protects() && !arm_prefilled(process, start, end)) {
    process.held.unclosed.push_back(walk);
    walk.prefilled_start = walk.prefilled_end = walk.sentinel = walk.next = walk.below = 0;
    return;
  }
  ++count_.walks_closed;
  walk.sentinel = walk.next = walk.below = 0;
  if (walk.zeroes) {
    walk.walked_pages += settle_zeroes(process, nullptr, start, end);
    walk.prefilled_start = walk.prefilled_end = 0;
    walk.zeroes = false;
    return;
  }
  if (!process.fault_fd.write_protects()) {
    walk.prefilled_start = walk.prefilled_end = 0;
    return;
  }
  const std::vector<bool> content = content_.of(*process.memory, process.pages, PageBit::kPrefilled, start, end);
  const uint64_t pages = content.size();
  uint64_t used_from = pages, used_to = 0;  // in pages from `start`
  const auto count = [&](uint64_t from, uint64_t to) {
    walk.walked_pages += report_run(process, nullptr, start + from * kPage, start + to * kPage, 0, trace::kWrite);
    process.fault_fd.protect(start + from * kPage, start + to * kPage, false, true);
  };
  // A narrow hole between the start of the walk and its first page with content counts as touched, too.
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
  for (uint64_t at = start; at < end; at += kPage)
    if (process.pages.test(PageBit::kPrefilled, at)) process.pages.become(PageBit::kPrefilledArmed, at);
  if (down)
    walk.prefilled_end = start + used_from * kPage;
  else
    walk.prefilled_start = start + used_to * kPage;
}

std::vector<PageRange> Windows::arm_zeroes(Process& process, uint64_t start, uint64_t end, uint64_t* known_to) {
  std::vector<PageRange> unwritten;
  const uint64_t scanned_to = process.memory->scan(
      ScanKind::kZero, start, end, [&](uint64_t from, uint64_t to) { unwritten.emplace_back(from, to); });
  if (known_to != nullptr) *known_to = scanned_to;
  for (const auto& [from, to] : unwritten) {
    if (process.fault_fd.protect(from, to, true, false) != FaultResult::kDone) continue;
    process.memory->scan(ScanKind::kZero, from, to, [&](uint64_t zero, uint64_t zero_end) {
      for (uint64_t at = zero; at < zero_end; at += kPage)
        if (!process.pages.test(PageBit::kTouched, at)) process.pages.become(PageBit::kZero, at);
    });
    // Written between the two scans: the protection is lifted, as the first write is over.
    for (uint64_t at = from; at < to; at += kPage)
      if (!process.pages.test(PageBit::kZero, at)) process.fault_fd.protect(at, at + kPage, false, true);
  }
  return unwritten;
}

/// Pages behind `known_to` count as not written.
uint64_t Windows::settle_zeroes(Process& process, Task* task, uint64_t start, uint64_t end) {
  if (start >= end) return 0;
  uint64_t known_to = start;
  arm_zeroes(process, start, end, &known_to);
  return report_run(process, task, start, known_to, 0, trace::kWrite);
}

void Windows::close_stalled(Process& process, uint64_t older_than_ns) {
  if (!process.tracked_by_faults()) return;
  close_pending(process);
  const uint64_t now = clocks_.now_ns();
  for (auto& [tid, task] : process.tasks)
    for (Walk& walk : task->walks)
      if (walk.has_prefilled() && now - walk.last_ns >= older_than_ns) end_walk(process, *task, walk);
}

/// The walk with prefilled pages whose last fault is oldest, and its task; `going_on` if there is no other.
Windows::OwnedWalk Windows::oldest_walk(Process& process, Task& task, Walk& going_on) {
  OwnedWalk oldest{&task, &going_on};
  for (auto& [tid, owner] : process.tasks)
    for (Walk& walk : owner->walks)
      if (walk.has_prefilled() && walk.last_ns < oldest.walk->last_ns) oldest = {owner.get(), &walk};
  return oldest;
}

/// Closes resting walks, the oldest first, while the process has too many prefilled pages: they are not counted yet and
/// could hide a peak. A walk whose last pages are never written gets no fault behind them (Python leaves a piece of
/// each arena unused). REQUIRES: `going_on` has just had a fault.
void Windows::close_resting(Process& process, Task& task, Walk& going_on) {
  HeldFaults& held = process.held;
  const uint64_t now = going_on.last_ns;
  // Where write protection is missing, or fails until an event is read (EAGAIN), walks stay open.
  if (now < held.next_rest_ns || !process.fault_fd.write_protects()) return;
  const uint64_t bound = std::max(kPrefilledPages, process.pages.count(PageBit::kTouched) / kPrefilledPart);
  while (held.unclosed.empty() && process.pages.count(PageBit::kPrefilled) > bound + going_on.prefilled_pages()) {
    const OwnedWalk oldest = oldest_walk(process, task, going_on);
    held.next_rest_ns = oldest.walk->last_ns + kRestNs;
    if (now < held.next_rest_ns) return;
    end_walk(process, *oldest.task, *oldest.walk);
  }
}

uint64_t Windows::report_run(Process& process, Task* task, uint64_t start, uint64_t end, uint64_t always,
                             uint8_t flags) {
  uint64_t touched = 0, run = 0;
  const auto flush = [&](uint64_t run_end) {
    if (run == 0) return;
    trace::Event event = feed_.stamp(process, task, trace::EventKind::kTouch);
    event.address = run;
    event.bytes = run_end - run;
    event.flags = flags;
    if (process.shared) process.shared->touched.set(run, run_end, true);
    meter_.update(process);
    feed_.report_touch(process, event);
    run = 0;
  };
  for (uint64_t at = start; at < end; at += kPage) {
    if (at == always || process.pages.test(PageBit::kPrefilled, at)) {
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

}  // namespace oomcast::record
