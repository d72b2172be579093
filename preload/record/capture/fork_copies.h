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
#pragma once

#include <cstdint>
#include <vector>

#include "preload/record/capture/capture_notes.h"
#include "preload/record/capture/event_feed.h"
#include "preload/record/guest/process_table.h"
#include "preload/record/kernel/pages.h"

namespace oomcast::record {

class ForkCopies {
 public:
  ForkCopies(ProcessTable& processes, EventFeed& feed, CaptureNotes& notes)
      : processes_(processes), feed_(feed), notes_(notes) {}

  void share(Process& parent, Process& child);
  static uint64_t inherited_pages(Process& parent, uint32_t child);
  std::vector<PageRange> borrow(Process& process, uint64_t from, uint64_t to);
  void return_loans(Process& leaving);
  void scan(Process& process, bool whole);

 private:
  std::vector<Process*> group_of(const Process& process);
  static Process* lender_of(uint64_t page, const std::vector<Process*>& partners);
  void report_own_copy(Process& borrower, uint64_t page);
  std::vector<Process*> partners_of(const Process& process);
  void report_copies(std::vector<Process*>& owners, bool still_shared, uint64_t page);
  void scan_run(Process& process, const std::vector<Process*>& partners, uint64_t start, uint64_t end);

  ProcessTable& processes_;
  EventFeed& feed_;
  CaptureNotes& notes_;
  uint64_t last_group_ = 0;
};

}  // namespace oomcast::record
