// ScanPlanner: decides when a process is scanned next, and for what. The kernel's counts tell whether anything has
// changed. Scans take at most a part of a CPU, and come closest where memory grows.
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
  /// `took`: the CPU time of the scan that began at `began`, in ns. `fed_ns`: the part of it that the sink took.
  void set_next_scan(Process& process, uint64_t began, uint64_t took, Touches touches, uint64_t tracked_before,
                     uint64_t fed_ns);
  /// Resident pages that this scan has not found do not count as news_pages() any more.
  static void note_scanned(Process& process);
  /// Pages by which the resident count has grown beyond the known pages since the last scan; negative after a free.
  static int64_t news_pages(const Process& process);
  /// When work that began at the CPU time `cpu_began_ns` may be done again, so that it takes at most 1/`share` of a CPU
  /// for all processes, and half of that for one.
  uint64_t rest_after(uint64_t cpu_began_ns, uint64_t share) const;
  /// The same with a share of 1/25 in the polling phase; 0, at once, elsewhere.
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
