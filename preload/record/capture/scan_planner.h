// ScanPlanner: when a process is scanned next, and for what. The kernel's own counts say whether there is news; scans
// cost a part of a CPU, and are closest where memory grows and where it is about to fall.
//
// Counts and a clock in, a decision out: nothing here asks the kernel.
#pragma once

#include <cstdint>

#include "preload/record/guest/process_table.h"
#include "preload/record/kernel/clocks.h"

namespace oomcast::record {

/// Which pages a scan looks for. kFresh: only where no page was known.
enum class Touches { kNone, kFresh, kAll };

/// What a scan covers.
struct ScanScope {
  Touches touches;
  bool mappings;
};

class ScanPlanner {
 public:
  /// `counts_are_exact`: the kernel's counts do not lag (kernel_counts_exactly()).
  ScanPlanner(const ProcessTable& processes, const Clocks& clocks, bool counts_are_exact)
      : processes_(processes), clocks_(clocks), counts_are_exact_(counts_are_exact) {}

  /// REQUIRES: the process's resident counts have just been read.
  ScanScope what_has_changed(const Process& process, uint64_t now_ns) const;
  /// `took` is the CPU time of the scan that began at `began`, `fed_ns` what of it the sink took for what was found.
  void set_next_scan(Process& process, uint64_t began, uint64_t took, Touches touches, uint64_t tracked_before,
                     uint64_t fed_ns);
  static void note_scanned(Process& process);
  /// Resident pages that the last scan has not found; less than none where pages have gone since.
  static int64_t news_pages(const Process& process);
  uint64_t rest_after(uint64_t cpu_began_ns, uint64_t share) const;
  uint64_t rest_in_polling_phase(const Process& process, uint64_t cpu_began_ns) const;

 private:
  int64_t count_slack_pages(const Process& process) const;
  uint64_t rest_after_scan(uint64_t now_ns, uint64_t scanned_ns);
  uint64_t polling_interval_ns(const Process& process, uint64_t now_ns, uint64_t tracked_before) const;

  const ProcessTable& processes_;
  const Clocks& clocks_;
  const bool counts_are_exact_;
  uint64_t budget_at_ns_ = 0;
  int64_t budget_ns_ = 0;
};

}  // namespace oomcast::record
