// Stash: takes watched pages out of the program's page table and brings them back, up to 512 pages with one command.
#include "preload/record/capture/stash.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "preload/record/kernel/stash_rescue.h"

namespace oomcast::record {
namespace {

/// Calls f(ranges) for the runs, as many as one command may take at a time. Stops when f returns false.
template <class F>
void in_commands(const std::vector<PageRange>& runs, F f) {
  std::vector<PageRange> some;
  uint64_t pages = 0;
  for (auto [start, end] : runs)
    while (start < end) {
      const uint64_t to = std::min(end, start + (StashChannel::kMostPages - pages) * kPage);
      some.emplace_back(start, to);
      pages += (to - start) / kPage;
      start = to;
      if (pages < StashChannel::kMostPages && some.size() < StashChannel::kMostRanges) continue;
      if (!f(some)) return;
      some.clear();
      pages = 0;
    }
  if (!some.empty()) f(some);
}

/// Calls f(page, bit) for each page of the ranges.
template <class F>
void for_each_page(const std::vector<PageRange>& ranges, const StashChannel::Pages& bits, F f) {
  size_t bit = 0;
  for (const auto& [start, end] : ranges)
    for (uint64_t page = start; page < end; page += kPage) f(page, bits[bit++]);
}

bool is_registered(Process& process, uint64_t start, uint64_t end) {
  return process.fault_fd.protect(start, end, false, false) == FaultResult::kDone;
}

std::vector<PageRange> stashed_in(const Process& process, uint64_t start, uint64_t end) {
  std::vector<PageRange> runs;
  process.pages.for_each(PageBit::kStashed, start, end, [&runs](uint64_t page) { append(&runs, page, page + kPage); });
  return runs;
}

}  // namespace

std::vector<uint64_t> Stash::pages_out(const Process& process, uint64_t start, uint64_t end) {
  std::vector<uint64_t> pages;
  process.pages.for_each(PageBit::kStashed, start, end, [&pages](uint64_t page) { pages.push_back(page); });
  return pages;
}

void Stash::want_helper(Process& process) {
  if (process.shared && process.stash.helper == nullptr && process.stash.possible)
    (*process.shared)->stash.helper.store(ring::HelperState::kWanted, std::memory_order_relaxed);
}

void Stash::begin(Process& process, std::unique_ptr<StashChannel> helper) { process.stash.helper = std::move(helper); }

/// Pages that an unread event keeps out are brought back by the helper itself: it reads the events.
void Stash::end(Process& process) {
  if (process.stash.helper == nullptr) return;
  process.stash.undone.push_back({StashTask::Kind::kBack, 0, kLowHalfEnd});
  for (const StashTask& task : std::exchange(process.stash.undone, {})) carry_out(process, task);
  process.stash = {};
  process.pages.clear_bit(PageBit::kStashed);
}

/// The runs of pages that may be taken out: registered ones, since the kernel would fill others when they are missing.
/// A successful unprotect shows that a page is registered, and changes nothing. Pages shared since a fork cannot be
/// moved.
std::vector<PageRange> Stash::movable(Process& process, const std::vector<uint64_t>& pages) {
  std::vector<PageRange> runs, registered;
  for (const uint64_t page : pages)
    if (!process.pages.test(PageBit::kForked, page)) append(&runs, page, page + kPage);
  for (const auto& [start, end] : runs) {
    if (is_registered(process, start, end)) {
      append(&registered, start, end);
      continue;
    }
    for (uint64_t page = start; page < end; page += kPage)
      if (is_registered(process, page, page + kPage)) append(&registered, page, page + kPage);
  }
  return registered;
}

void Stash::take_out(Process& process, std::vector<uint64_t>* pages) {
  if (process.stash.helper == nullptr || !settle(process) || !process.stash.possible) return;
  const std::vector<PageRange> runs = movable(process, *pages);
  if (process.shared && !runs.empty()) (*process.shared)->stash.holds.store(1, std::memory_order_relaxed);
  bool lost = false;
  in_commands(runs, [&](const std::vector<PageRange>& ranges) {
    const auto moved = process.stash.helper->out(ranges);
    lost = !moved.has_value();
    for_each_page(ranges, moved.value_or(StashChannel::Pages().set()), [&](uint64_t page, bool is_out) {
      if (!is_out) return;
      process.pages.set(PageBit::kStashed, page, true);
      process.pages.set(PageBit::kWatched, page, false);
    });
    return !lost;
  });
  if (lost) {
    outlive_helper(process);
    settle(process);
  } else {
    for (const PageRange& run : runs) check_place(process, run);
  }
  const size_t asked = pages->size();
  std::erase_if(*pages, [&](uint64_t page) { return process.pages.test(PageBit::kStashed, page); });
  count_.pages_stashed += asked - pages->size();
  notes_.pages_stashed += asked - pages->size();
  notes_.pages_not_stashed += pages->size();
}

/// Between the check and the move, another thread may have unmapped the place and mapped other memory there. A page
/// taken from that memory would be lost, as no fault is reported there. The place is registered and gets its page back.
void Stash::check_place(Process& process, const PageRange& run) {
  if (is_registered(process, run.first, run.second)) return;
  for (const uint64_t page : pages_out(process, run.first, run.second)) {
    if (process.fault_fd.protect(page, page + kPage, false, false) != FaultResult::kGone) continue;
    if (!process.fault_fd.register_range(page, page + kPage)) process.heap_fd.register_range(page, page + kPage);
    bring_back(process, page, page + kPage);
  }
}

/// Brings back the pages of the task. False: an unread event keeps some of them out.
bool Stash::back(Process& process, const StashTask& task) {
  const std::vector<PageRange> runs = stashed_in(process, task.start, task.end);
  bool all = true, lost = false;
  in_commands(runs, [&](const std::vector<PageRange>& ranges) {
    const auto gone = process.stash.helper->back(ranges, task.distance, task.waiters);
    lost = !gone.has_value();
    if (lost) return false;
    for_each_page(ranges, *gone, [&](uint64_t page, bool is_gone) {
      all &= is_gone;
      if (is_gone) process.pages.set(PageBit::kStashed, page, false);
    });
    return true;
  });
  if (lost) outlive_helper(process);
  return all && !lost;
}

/// The helper was killed and the program was not. The stash's pages are still in the program's memory: StashRescue
/// copies them back, after the undone tasks.
void Stash::outlive_helper(Process& process) {
  spdlog::warn("process {} ({}): the helper of its stash has ended", process.pid, process.comm);
  notes_.stash_lost = true;
  process.stash.possible = false;
  process.stash.helper = std::make_unique<StashRescue>(std::move(process.stash.helper), *process.memory,
                                                       process.fault_fd, process.heap_fd);
  process.stash.undone.push_back({StashTask::Kind::kBack, 0, kLowHalfEnd});
}

bool Stash::carry_out(Process& process, const StashTask& task) {
  if (process.stash.helper == nullptr) return true;
  if (task.kind == StashTask::Kind::kDrop) {
    if (!process.stash.helper->drop({task.start, task.end})) {
      outlive_helper(process);
      return false;
    }
    for (const uint64_t page : pages_out(process, task.start, task.end))
      process.pages.set(PageBit::kStashed, page, false);
    return true;
  }
  return back(process, task);
}

bool Stash::has_any(const Process& process, uint64_t start, uint64_t end) {
  return process.pages.count(PageBit::kStashed, start, end) != 0 ||
         std::any_of(process.stash.undone.begin(), process.stash.undone.end(), [&](const StashTask& task) {
           return task.distance != 0 && task.start + task.distance < end && start < task.end + task.distance;
         });
}

bool Stash::settle(Process& process) {
  auto& undone = process.stash.undone;
  while (!undone.empty()) {
    const StashTask task = undone.front();
    if (!carry_out(process, task)) return false;
    undone.pop_front();
  }
  return true;
}

/// Tasks are carried out in order: a range that was moved may be freed next.
bool Stash::do_or_keep(Process& process, const StashTask& task) {
  if (process.stash.helper == nullptr) return true;
  process.stash.undone.push_back(task);
  return settle(process);
}

bool Stash::bring_back(Process& process, uint64_t start, uint64_t end, StashChannel::Waiters waiters) {
  if (process.pages.count(PageBit::kStashed) == 0) return settle(process);
  const StashTask task{StashTask::Kind::kBack, start, end, 0, waiters};
  if (waiters == StashChannel::Waiters::kAsleep) return settle(process) && carry_out(process, task);
  return do_or_keep(process, task);
}

void Stash::drop(Process& process, uint64_t start, uint64_t end) {
  if (process.pages.count(PageBit::kStashed, start, end) != 0 || !process.stash.undone.empty())
    do_or_keep(process, {StashTask::Kind::kDrop, start, end});
}

void Stash::drop_now(Process& process, uint64_t start, uint64_t end) {
  if (process.stash.helper != nullptr) carry_out(process, {StashTask::Kind::kDrop, start, end});
}

void Stash::move(Process& process, uint64_t from, uint64_t to, uint64_t bytes) {
  if (process.pages.count(PageBit::kStashed, from, from + bytes) != 0 || !process.stash.undone.empty())
    do_or_keep(process, {StashTask::Kind::kBack, from, from + bytes, to - from});
}

void Stash::give_to_child(Process& parent, int userfaultfd) {
  if (parent.pages.count(PageBit::kStashed) != 0 && parent.stash.helper != nullptr)
    parent.stash.helper->give_to_child(userfaultfd);
}

}  // namespace oomcast::record
