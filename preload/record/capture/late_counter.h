// LateCounter: counts the present pages of memory that has just become known, and write-protects its zero pages, whose
// first write would cause no fault. A process with the library asks before it uses memory, so its zero pages are not
// looked for.
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
  /// Write-protects the zero pages of the ranges, and counts those that were written meanwhile.
  void arm(Process& process, const std::vector<PageRange>& ranges) {
    for (const auto& [start, end] : ranges) poller_.reconcile(process, windows_.arm_zeroes(process, start, end));
  }

 private:
  PagePoller& poller_;
  Windows& windows_;
};

}  // namespace oomcast::record
