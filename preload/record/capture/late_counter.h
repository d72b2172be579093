// LateCounter: counts what is there already in memory that has just become known, and arms what was only read so far:
// no fault would tell of its first write. Where a hook asks before memory is used there is nothing like that, and
// nobody is kept waiting for it.
#pragma once

#include <vector>

#include "preload/record/capture/mappings.h"
#include "preload/record/capture/page_poller.h"
#include "preload/record/capture/windows.h"

namespace oomcast::record {

class LateCounter final : public PageCounter {
 public:
  LateCounter(PagePoller& poller, Windows& windows) : poller_(poller), windows_(windows) {}

  void reconcile(Process& process, const std::vector<PageRange>& ranges) override {
    poller_.reconcile(process, ranges);
    if (process.tracked_by_faults() && !process.shared) arm(process, ranges);
  }
  /// Zero pages of the ranges; those that were written meanwhile are counted.
  void arm(Process& process, const std::vector<PageRange>& ranges) {
    for (const auto& [start, end] : ranges) poller_.reconcile(process, windows_.arm_zeroes(process, start, end));
  }

 private:
  PagePoller& poller_;
  Windows& windows_;
};

}  // namespace oomcast::record
