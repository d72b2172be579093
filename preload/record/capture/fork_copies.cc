// Finds which pages that a fork left shared have been copied since. See fork_copies.h.
#include "preload/record/capture/fork_copies.h"

#include <algorithm>
#include <utility>

#include "preload/record/kernel/page_scan.h"
#include "preload/record/kernel/proc_file.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kPagesPerPoll = 16384;  // less than a millisecond, for which a faulting thread may have to wait

}  // namespace

void ForkCopies::share(Process& parent, Process& child) {
  if (parent.forks.group == 0) parent.forks.group = ++last_group_;
  child.forks.group = parent.forks.group;
  for (const auto& [start, area] : parent.map.areas())
    if (!area.shared) parent.pages.copy_bit(PageBit::kTouched, PageBit::kForked, area.start, area.end);
}

/// The other processes that may share pages with this one since a fork.
std::vector<Process*> ForkCopies::group_of(const Process& process) {
  std::vector<Process*> group;
  for (const auto& [pid, other] : processes_)
    if (other.get() != &process && other->forks.group == process.forks.group) group.push_back(other.get());
  return group;
}

uint64_t ForkCopies::inherited_pages(Process& parent, uint32_t child) {
  const uint64_t known =
      parent.resident.counted_pages - std::min(parent.resident.counted_pages, parent.resident.shared_known_pages);
  const uint64_t has = parent.memory->resident().own_pages;
  return std::max(known, std::min(has, resident_of(read_line_of(proc_of(child) + "statm")).own_pages));
}

std::vector<Process*> ForkCopies::partners_of(const Process& process) {
  std::vector<Process*> partners;
  for (const auto& [pid, other] : processes_)
    if (other.get() != &process && other->forks.group == process.forks.group &&
        other->pages.count(PageBit::kForked) > 0)
      partners.push_back(other.get());
  return partners;
}

/// Reports a copy for each of `owners` but one: the oldest kept the original, unless another process still shares it
/// (`still_shared`). A borrower's copy is always reported, as the sink knows no page of it yet.
void ForkCopies::report_copies(std::vector<Process*>& owners, bool still_shared, uint64_t page) {
  std::sort(owners.begin(), owners.end(),
            [](const Process* a, const Process* b) { return a->life.started_ns < b->life.started_ns; });
  bool kept = still_shared;
  for (Process* owner : owners) {
    owner->pages.set(PageBit::kForked, page, false);
    const bool borrowed = owner->pages.test(PageBit::kBorrowed, page);
    owner->pages.set(PageBit::kBorrowed, page, false);
    if (!borrowed && !std::exchange(kept, true)) continue;
    ++notes_.copied_pages;
    feed_.report(*owner, trace::EventKind::kTouch, page, kPage, 0, trace::kWrite);
  }
}

std::vector<PageRange> ForkCopies::borrow(Process& process, uint64_t from, uint64_t to) {
  std::vector<PageRange> own;
  const std::vector<Process*> partners = group_of(process);
  const std::vector<uint64_t> entries =
      partners.empty() ? std::vector<uint64_t>() : process.memory->entries(from, (to - from) / kPage);
  for (uint64_t at = from; at < to; at += kPage) {
    const size_t i = (at - from) / kPage;
    const bool shared = i < entries.size() && resident(entries[i]) && !mapped_once(entries[i]);
    Process* const lender = shared ? lender_of(at, partners) : nullptr;
    if (lender == nullptr) {
      if (!own.empty() && own.back().second == at)
        own.back().second += kPage;
      else
        own.emplace_back(at, at + kPage);
      continue;
    }
    process.pages.touch(at);
    process.pages.set(PageBit::kBorrowed, at, true);
    process.pages.set(PageBit::kForked, at, true);
    lender->pages.set(PageBit::kForked, at, true);
  }
  return own;
}

/// The process of which the sink knows the page, and whose page table shows it as shared; null: none.
Process* ForkCopies::lender_of(uint64_t page, const std::vector<Process*>& partners) {
  for (Process* partner : partners) {
    if (!partner->pages.test(PageBit::kTouched, page) || partner->pages.test(PageBit::kBorrowed, page)) continue;
    const std::vector<uint64_t> theirs = partner->memory->entries(page, 1);
    if (theirs.size() == 1 && resident(theirs[0]) && !mapped_once(theirs[0])) return partner;
  }
  return nullptr;
}

void ForkCopies::return_loans(Process& leaving) {
  if (leaving.forks.group == 0) return;
  std::vector<Process*> partners = group_of(leaving);
  for (Process* borrower : partners) {
    if (borrower->pages.count(PageBit::kBorrowed) == 0) continue;
    std::vector<uint64_t> due;
    borrower->pages.for_each(PageBit::kBorrowed, 0, kLowHalfEnd, [&](uint64_t page) {
      const auto has_it = [page](const Process* other) {
        return other->pages.test(PageBit::kTouched, page) && !other->pages.test(PageBit::kBorrowed, page);
      };
      if (has_it(&leaving) && std::none_of(partners.begin(), partners.end(), has_it)) due.push_back(page);
    });
    for (const uint64_t page : due) report_own_copy(*borrower, page);
  }
}

void ForkCopies::report_own_copy(Process& borrower, uint64_t page) {
  borrower.pages.set(PageBit::kBorrowed, page, false);
  feed_.report(borrower, trace::EventKind::kTouch, page, kPage, 0,
               trace::kWrite | trace::kPresent | trace::kTouchedBefore);
}

void ForkCopies::scan(Process& process, bool whole) {
  if (process.forks.group == 0 || process.pages.count(PageBit::kForked) == 0) return;
  std::vector<Process*> partners = partners_of(process);
  if (partners.empty()) {
    // The last process of the group shares nothing any more: a write copies nothing.
    std::vector<uint64_t> borrowed;
    process.pages.for_each(PageBit::kBorrowed, 0, kLowHalfEnd, [&](uint64_t page) { borrowed.push_back(page); });
    for (const uint64_t page : borrowed) report_own_copy(process, page);
    process.pages.clear_bit(PageBit::kForked);
    process.forks.group = 0;
    return;
  }
  std::vector<std::pair<uint64_t, uint64_t>> runs;
  uint64_t budget = whole ? ~uint64_t{0} : kPagesPerPoll;
  const auto collect = [&](uint64_t from, uint64_t to) {
    for (const auto& [start, area] : process.map.areas()) {
      if (area.end <= from || area.start >= to || area.shared) continue;
      process.pages.for_each(PageBit::kForked, std::max(from, area.start), std::min(to, area.end),
                             [&](uint64_t address) {
                               if (budget == 0) return;
                               --budget;
                               append(&runs, address, address + kPage);
                             });
    }
  };
  const uint64_t cursor = process.forks.cursor;
  collect(cursor, ~uint64_t{0});
  collect(0, cursor);
  process.forks.cursor = budget == 0 ? runs.back().second : 0;
  for (const auto& [start, end] : runs) scan_run(process, partners, start, end);
}

void ForkCopies::scan_run(Process& process, const std::vector<Process*>& partners, uint64_t start, uint64_t end) {
  const uint64_t pages = (end - start) / kPage;
  std::vector<uint64_t> own = process.memory->entries(start, pages);
  if (std::none_of(own.begin(), own.end(), [](uint64_t entry) { return mapped_once(entry) || !resident(entry); }))
    return;
  std::vector<std::vector<uint64_t>> theirs;
  for (const Process* partner : partners) theirs.push_back(partner->memory->entries(start, pages));
  for (uint64_t i = 0; i < own.size(); ++i) {
    const uint64_t page = start + i * kPage;
    if (!resident(own[i])) process.pages.set(PageBit::kForked, page, false);
    if (!mapped_once(own[i]) || !process.pages.test(PageBit::kForked, page)) continue;
    std::vector<Process*> owners{&process};
    bool still_shared = false;
    for (size_t k = 0; k < partners.size(); ++k) {
      if (i >= theirs[k].size() || !resident(theirs[k][i]) || !partners[k]->pages.test(PageBit::kForked, page))
        continue;
      if (mapped_once(theirs[k][i]))
        owners.push_back(partners[k]);
      else
        still_shared |= !partners[k]->pages.test(PageBit::kBorrowed, page);
    }
    report_copies(owners, still_shared, page);
  }
}

}  // namespace oomcast::record
