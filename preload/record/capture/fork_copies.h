// Finds which pages that a fork left shared have been copied since. No event reports a copy: /proc/PID/pagemap shows
// it.
//
// After a fork both processes map the same pages; a write makes the kernel copy one (do_wp_page). pagemap's bit 56 says
// whether a page is mapped exclusively. After the copy both pages are exclusive: the younger process is taken to have
// written, so that one copy is counted once. The time of a copy is that of the poll.
//
// A scan may find a page in parent and child that the parent touched after its last scan and before the fork. The
// process in which the page is found first has touched it; the other one borrows it. A borrowed page is reported to the
// sink once it has been copied, or once the lender is gone.
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

  /// Marks the pages that parent and child share. Called when the child says hello, before it gets a copy of the
  /// parent's page states.
  void share(Process& parent, Process& child);
  /// Pages that the child has from its parent: the parent's known pages, or more if the kernel counts more in both.
  static uint64_t inherited_pages(Process& parent, uint32_t child);
  /// Of new pages found at [from, to): those that are the process's own. The others are shared with a relative, which
  /// the sink knows to have them, and are marked as borrowed.
  std::vector<PageRange> borrow(Process& process, uint64_t from, uint64_t to);
  /// The process ends: pages that it has lent are reported as the borrower's.
  void return_loans(Process& leaving);
  /// Reports the pages that have been copied. `whole`: looks at all shared pages, not only at the next part of them.
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
