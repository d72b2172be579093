// The finding for a verdict that hangs on a few pages.
#include "report/coverage.h"
#include "report/findings.h"
#include "report/margin.h"
#include "report/words/format.h"

namespace oomcast::report {

void find_close(const sim::Outcome& outcome, const trace::CaptureSummary& capture, Findings& findings) {
  if (!supported_verdict(outcome, capture)) return;
  const VerdictMargin margin = judge_margin(outcome, capture);
  if (!margin.close()) return;
  Finding finding{"close_to_the_edge", Severity::kWarning};
  finding.title = std::string("The verdict ") + sim::verdict_name(outcome.verdict) + " hangs on little";
  finding.why = margin.why;
  finding.evidence["resolution_bytes"] = margin.resolution.count();
  if (margin.next_worse) finding.evidence["next_worse_bytes"] = margin.next_worse->distance.count();
  if (margin.next_better) finding.evidence["next_better_bytes"] = margin.next_better->distance.count();
  finding.evidence["direct_reclaim_ns_total"] = outcome.stall.direct_reclaim_total.count();
  finding.tries.push_back({"run it several times, and take the worst verdict for the forecast"});
  findings.push_back(std::move(finding));
}

}  // namespace oomcast::report
