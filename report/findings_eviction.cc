// Findings about the kubelet of a Kubernetes node: which pod it evicts and when, or why it comes too late.
#include <algorithm>

#include "model/sim/kubelet.h"
#include "report/findings.h"
#include "report/json_report.h"
#include "report/words/format.h"
#include "report/words/why.h"

namespace oomcast::report {
namespace {

/// "db uses 300.0 MiB, 44.0 MiB more than it requested, priority 0".
std::string rank_text(const sim::EvictionCandidate& candidate) {
  std::string text = pod_of(candidate) + " uses " + bytes_text(candidate.usage);
  const Bytes beyond = candidate.usage - candidate.request;
  if (candidate.request == Bytes(0))
    text += " and requested nothing";
  else if (beyond > Bytes(0))
    text += ", " + bytes_text(beyond) + " more than it requested";
  else
    text += ", no more than the " + bytes_text(candidate.request) + " that it requested";
  return text + (candidate.priority != 0 ? ", priority " + std::to_string(candidate.priority) : "");
}

Finding evicted(const sim::Outcome& outcome) {
  const sim::Eviction& first = outcome.evictions.front();
  const sim::EvictionCandidate& pod = first.ranked.front();
  Finding finding{"eviction", Severity::kError};
  finding.title = eviction_text(outcome);
  std::vector<std::string> ranked;
  for (const sim::EvictionCandidate& candidate : first.ranked) ranked.push_back(rank_text(candidate));
  constexpr size_t kNamed = 4;
  finding.why =
      "memory.available is " + bytes_text(first.available) + ", below its threshold of " + bytes_text(first.threshold) +
      "; it evicts pods that use more than they requested first, then those of lower priority, then those furthest "
      "above their request: " +
      list_text(ranked, kNamed);
  finding.evidence = {{"service", pod.service},
                      {"t_s", json_seconds(first.t)},
                      {"available_bytes", first.available.count()},
                      {"threshold_bytes", first.threshold.count()},
                      {"evictions", outcome.evictions.size()}};
  if (pod.usage > pod.request)
    finding.tries.push_back({"a memory request of " + bytes_text(pod.usage) + " for " + pod_of(pod) +
                             ": pods that use more than they requested go before it"});
  return finding;
}

bool killed_on_the_host(const sim::Outcome& outcome) {
  return std::any_of(outcome.oom_kills.begin(), outcome.oom_kills.end(),
                     [](const sim::OomKill& kill) { return kill.incident.scope == sim::Scope::kHost; });
}

}  // namespace

void find_eviction(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  if (!outcome.evictions.empty()) return findings.push_back(evicted(outcome));
  if (outcome.host.kubelet.eviction_hard <= Bytes(0) || !killed_on_the_host(outcome)) return;
  Finding finding{"eviction_too_late", Severity::kInfo};
  finding.title = "The kernel kills before the kubelet evicts anybody";
  finding.why = "the kubelet checks every " + duration_text(sim::kKubeletInterval) + " whether " +
                bytes_text(outcome.host.kubelet.eviction_hard) +
                " are available, and memory ran out between two checks";
  finding.evidence = {{"threshold_bytes", outcome.host.kubelet.eviction_hard.count()}};
  findings.push_back(std::move(finding));
}

}  // namespace oomcast::report
