// Judges whether a few pages decide the verdict: the distance of the run to the next worse and the next better one.
#pragma once

#include <optional>
#include <string>

#include "model/sim/outcome.h"
#include "model/trace/capture_summary.h"

namespace oomcast::report {

struct VerdictMargin {
  std::optional<sim::Margin> next_worse, next_better;
  Bytes resolution;  // by how much capture and chance may be wrong, see judge_margin()
  Bytes spread;      // by how much two runs of the same program are assumed to differ
  std::string why;   // why the verdict is close, as a clause; empty if it is not close
  bool close() const { return !why.empty(); }
};

/// What is added to a size that is suggested for the program: spread_of(), and the memory that it may have used at the
/// peak unseen.
Bytes uncertain_size(const sim::Outcome& outcome, const trace::CaptureSummary& capture);

/// 2 % of the peak: by so much runs of one program differ (0.4 % in a hundred runs of sort, 1.9 of redis; node's
/// garbage collector moves its peak by 5 % both ways).
Bytes spread_of(const sim::Outcome& outcome);

/// `resolution` is the sum of what the capture may miss (the widest window that was filled at once, memory that was not
/// seen) and of what chance changes on a real kernel (pages in per-CPU lists and in a group's per-CPU charge batches).
VerdictMargin judge_margin(const sim::Outcome& outcome, const trace::CaptureSummary& capture);

}  // namespace oomcast::report
