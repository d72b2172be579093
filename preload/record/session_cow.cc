// Which pages that a fork left shared have been copied since? Nothing tells: the page tables say which are one's own.
//
// After a fork both processes map the same pages; a write makes the kernel copy one (do_wp_page). pagemap's bit 56 says
// whether a page is mapped once only. Of two sharers both look like owners after a copy: the younger one is taken to
// have written, so that the one copy is counted once. The time of a copy is that of the poll.
#include <algorithm>

#include "preload/record/session.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kPagesPerPoll = 16384;  // a faulting thread waits for us meanwhile: less than a millisecond

}  // namespace

/// Called when the child says hello, before it gets a copy of the parent's page states.
void Session::share_by_fork(Process& parent, Process& child) {
  if (parent.fork_group == 0) parent.fork_group = ++last_fork_group_;
  child.fork_group = parent.fork_group;
  for (const auto& [start, area] : parent.map.areas())
    if (!area.shared) parent.pages.copy_bit(PageBit::kTouched, PageBit::kForked, area.start, area.end);
}

std::vector<Process*> Session::fork_partners(const Process& process) {
  std::vector<Process*> partners;
  for (const auto& [pid, other] : processes_)
    if (other.get() != &process && other->fork_group == process.fork_group && other->pages.count(PageBit::kForked) > 0) partners.push_back(other.get());
  return partners;
}

/// A copy for each of `owners` but the oldest, who kept the original unless somebody else (`still_shared`) has it.
void Session::feed_copies(std::vector<Process*>& owners, bool still_shared, uint64_t page) {
  std::sort(owners.begin(), owners.end(), [](const Process* a, const Process* b) { return a->started_ns < b->started_ns; });
  for (size_t i = 0; i < owners.size(); ++i) {
    owners[i]->pages.set(PageBit::kForked, page, false);
    if (i == 0 && !still_shared) continue;
    ++copies_seen_;
    feed_simple(*owners[i], trace::EventKind::kTouch, page, kPage, 0, trace::kWrite);
  }
}

void Session::poll_copies(Process& process, bool whole) {
  if (process.fork_group == 0 || process.pages.count(PageBit::kForked) == 0) return;
  std::vector<Process*> partners = fork_partners(process);
  if (partners.empty()) {
    // The last one has everything for itself: a write copies nothing.
    process.pages.clear_bit(PageBit::kForked);
    process.fork_group = 0;
    return;
  }
  std::vector<std::pair<uint64_t, uint64_t>> runs;
  uint64_t budget = whole ? ~uint64_t{0} : kPagesPerPoll;
  const auto collect = [&](uint64_t from, uint64_t to) {
    for (const auto& [start, area] : process.map.areas()) {
      if (area.end <= from || area.start >= to || area.shared) continue;
      process.pages.for_each(PageBit::kForked, std::max(from, area.start), std::min(to, area.end), [&](uint64_t address) {
        if (budget == 0) return;
        --budget;
        if (!runs.empty() && runs.back().second == address) runs.back().second += kPage;
        else runs.emplace_back(address, address + kPage);
      });
    }
  };
  const uint64_t cursor = process.copy_cursor;
  collect(cursor, ~uint64_t{0});
  collect(0, cursor);
  process.copy_cursor = budget == 0 ? runs.back().second : 0;
  for (const auto& [start, end] : runs) poll_copied_run(process, partners, start, end);
}

void Session::poll_copied_run(Process& process, const std::vector<Process*>& partners, uint64_t start, uint64_t end) {
  const uint64_t pages = (end - start) / kPage;
  std::vector<uint64_t> own = read_pagemap(process.pagemap.get(), start, pages);
  if (std::none_of(own.begin(), own.end(), [](uint64_t entry) { return mapped_once(entry) || !resident(entry); })) return;
  std::vector<std::vector<uint64_t>> theirs;
  for (const Process* partner : partners) theirs.push_back(read_pagemap(partner->pagemap.get(), start, pages));
  for (uint64_t i = 0; i < own.size(); ++i) {
    const uint64_t page = start + i * kPage;
    if (!resident(own[i])) process.pages.set(PageBit::kForked, page, false);
    if (!mapped_once(own[i]) || !process.pages.test(PageBit::kForked, page)) continue;
    std::vector<Process*> owners{&process};
    bool still_shared = false;
    for (size_t k = 0; k < partners.size(); ++k) {
      if (i >= theirs[k].size() || !resident(theirs[k][i]) || !partners[k]->pages.test(PageBit::kForked, page)) continue;
      if (mapped_once(theirs[k][i])) owners.push_back(partners[k]);
      else still_shared = true;
    }
    feed_copies(owners, still_shared, page);
  }
}

}  // namespace oomcast::record
