// Findings about several services: which dies first, who waits, and whose reclaim took whose memory.
#include <algorithm>

#include "report/findings.h"
#include "report/json_report.h"
#include "report/services/service_words.h"
#include "report/words/format.h"

namespace oomcast::report {

void find_services(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  const sim::ServiceOutcome* const first = first_killed(outcome);
  const sim::ServiceOutcome* const longest = longest_stalled(outcome);
  if (!first && !longest) return;
  Finding finding{"services", first ? Severity::kError : Severity::kWarning};
  finding.title = first ? "Service " + first->name + " is the first to die: " + killed_text(*first)
                        : "Service " + longest->name + " waits longest: " + duration_text(longest->stall.total);
  std::vector<std::string> stalls, takings;
  for (const sim::ServiceOutcome& service : outcome.services) {
    if (service.stall.total.count() > 0)
      stalls.push_back(service.name + " " + duration_text(service.stall.total) + " in " +
                       count_text(service.direct_reclaims) + " rounds of direct reclaim");
    for (const sim::TakenBy& taken : service.taken_by)
      if (taken.service != service.name)
        takings.push_back(bytes_text(to_bytes(Pages(taken.pages))) + " of " + service.name + " by " +
                          (taken.service.empty() ? "kswapd" : taken.service));
  }
  constexpr size_t kNamed = 6;
  finding.why = stalls.empty() ? "no service waits for memory" : "stalled: " + list_text(stalls, kNamed);
  if (!takings.empty())
    finding.why += "; anonymous memory reclaimed by another service or kswapd: " + list_text(takings, kNamed);
  if (first)
    finding.evidence = {{"first_killed", first->name},
                        {"t_s", json_seconds(*first->killed_at)},
                        {"footprint_peak_bytes", first->footprint_peak.count()}};
  if (longest) {
    finding.evidence["longest_stalled"] = longest->name;
    finding.evidence["stall_ns"] = longest->stall.total.count();
  }
  findings.push_back(std::move(finding));
}

}  // namespace oomcast::report
