// Follows the pages that a fork left shared: which of them have been copied since, and which were found in two
// processes without having been known when the one forked from the other. No event reports it: the page tables say
// which are one's own.
//
// After a fork both processes map the same pages; a write makes the kernel copy one (do_wp_page). pagemap's bit 56 says
// whether a page is mapped once only. Of two sharers both look like owners after a copy: the younger one is taken to
// have written, so that the one copy is counted once. The time of a copy is that of the poll.
//
// A page that the parent touched after its last scan and before it forked is met in both. The one in which it is met
// first has touched it; the other one borrows it: it is reported to the sink once it is a copy of its own, or its
// lender is gone.
#include "preload/record/capture/fork_copies.h"

#include <algorithm>
#include <utility>

#include "preload/record/kernel/page_scan.h"
#include "preload/record/kernel/proc_file.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kPagesPerPoll = 16384;  // a faulting thread waits for us meanwhile: less than a millisecond

}  // namespace

/// Called when the child says hello, before it gets a copy of the parent's page states.
void ForkCopies::share(Process& parent, Process& child) {
  if (parent.forks.group == 0) parent.forks.group = ++last_group_;
  child.forks.group = parent.forks.group;
  for (const auto& [start, area] : parent.map.areas())
    if (!area.shared) parent.pages.copy_bit(PageBit::kTouched, PageBit::kForked, area.start, area.end);
}

/// All that may share pages with the process since a fork.
std::vector<Process*> ForkCopies::group_of(const Process& process) {
  std::vector<Process*> group;
  for (const auto& [pid, other] : processes_)
    if (other.get() != &process && other->forks.group == process.forks.group) group.push_back(other.get());
  return group;
}

/// How much of what the child has is its parent's: what was known of that, and what it had beside that by the kernel's
/// word.
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

/// A copy for each of `owners` but the oldest, who kept the original unless somebody else (`still_shared`) has it. Who
/// has borrowed the page has none yet by the sink's word.
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

/// Of what was found at [from, to) and is not known in this process: what is its own. The rest it shares with a
/// relative that has it by the sink's word.
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

/// Who has the page by the sink's word, shared with others by the kernel's.
Process* ForkCopies::lender_of(uint64_t page, const std::vector<Process*>& partners) {
  for (Process* partner : partners) {
    if (!partner->pages.test(PageBit::kTouched, page) || partner->pages.test(PageBit::kBorrowed, page)) continue;
    const std::vector<uint64_t> theirs = partner->memory->entries(page, 1);
    if (theirs.size() == 1 && resident(theirs[0]) && !mapped_once(theirs[0])) return partner;
  }
  return nullptr;
}

/// The process goes: what it has lent is from now on of those who have it.
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
    // The last one has everything for itself: a write copies nothing.
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
