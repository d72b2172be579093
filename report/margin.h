// Judges whether the verdict hangs on a few pages: how far the run stayed from the verdicts beside its own.
#pragma once

#include <optional>
#include <string>

#include "model/sim/outcome.h"
#include "model/trace/capture_summary.h"

namespace oomcast::report {

struct VerdictMargin {
  std::optional<sim::Margin> next_worse, next_better;
  Bytes resolution;  // what the capture may be wrong by, and what chance moves on a real kernel
  Bytes spread;      // what two runs of the same program are taken to differ by
  std::string why;   // it is close: a sentence; else empty
  bool close() const { return !why.empty(); }
};

/// What a size for the program is handed over with on top: 2 % of its peak, as runs of the same program differ (0.4 %
/// in a hundred runs of sort, 1.9 of redis; node's collector moves its peak by 5 % each way), and what it may have used
/// at the peak without being seen.
Bytes uncertain_size(const sim::Outcome& outcome, const trace::CaptureSummary& capture);

/// 2 % of the peak.
Bytes spread_of(const sim::Outcome& outcome);

/// `resolution` is what the capture may be wrong by (the widest window that was filled at once, memory that was not
/// seen) and what chance moves on a real kernel: pages in the per-CPU lists and in the per-CPU charge batches of a
/// group.
VerdictMargin judge_margin(const sim::Outcome& outcome, const trace::CaptureSummary& capture);

}  // namespace oomcast::report
