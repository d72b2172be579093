// Finds why the kernel refuses an allocation although memory is free.
#include "report/findings.h"
#include "report/words/format.h"
#include "report/words/why.h"

namespace oomcast::report {
namespace {

using mm::RefusedBy;

void suggest(const sim::Outcome& outcome, const mm::Refusal& refusal, Finding& finding) {
  const host::VmTunables& vm = outcome.host.vm;
  if (refusal.by == RefusedBy::kAddressSpaceLimit || refusal.by == RefusedBy::kDataLimit) {
    finding.tries.push_back({"a higher limit (ulimit -v and -d, LimitAS= and LimitDATA= of a systemd unit)"});
    return;
  }
  if (refusal.by == RefusedBy::kMapCount) {
    finding.evidence["max_map_count"] = vm.max_map_count;
    constexpr int64_t kMostMaps = int64_t{1} << 24;
    finding.tries.push_back({"a higher vm.max_map_count, or fewer and larger mappings",
                             larger_sysctl("vm.max_map_count", vm.max_map_count, kMostMaps)});
    return;
  }
  if (vm.overcommit_memory == 2) {
    finding.evidence["overcommit_ratio"] = vm.overcommit_ratio;
    finding.evidence["overcommit_kbytes"] = vm.overcommit_kbytes;
    finding.tries.push_back({"vm.overcommit_memory=0: the heuristic refuses only what could never be had",
                             set_to({"vm.overcommit_memory=0"})});
    constexpr int kMostRatio = 1000;  // per cent of RAM
    if (vm.overcommit_kbytes == 0 && vm.overcommit_ratio < kMostRatio)
      finding.tries.push_back(
          {"a higher vm.overcommit_ratio", larger_sysctl("vm.overcommit_ratio", vm.overcommit_ratio, kMostRatio)});
    if (refusal.fork)
      finding.tries.push_back(
          {"vm.overcommit_memory=1: a fork() is never refused", set_to({"vm.overcommit_memory=1"})});
  } else {
    finding.tries.push_back(
        {"vm.overcommit_memory=1, if the program maps much more than it touches", set_to({"vm.overcommit_memory=1"})});
  }
  finding.tries.push_back(
      {"more swap: it counts towards what may be committed", more_swap_of(outcome.host, outcome.app.committed_peak)});
}

}  // namespace

void find_alloc_refused(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  if (!outcome.alloc_refused) return;
  const sim::Incident& refused = *outcome.alloc_refused;
  Finding finding{"alloc_refused", Severity::kError};
  const mm::Refusal refusal = refused.refusal.value_or(mm::Refusal{});
  if (refusal.by == RefusedBy::kTmpfsFull) return;  // find_tmpfs_full()
  finding.title = std::string("The kernel refuses ") + (refusal.fork ? "a fork() of " : "an allocation of ") +
                  refused.comm + " (ENOMEM) at " + seconds_text(refused.t);
  finding.why = why_text(refused);
  finding.evidence = {{"overcommit_memory", outcome.host.vm.overcommit_memory},
                      {"committed_before_bytes", to_bytes(outcome.host.committed_as).count()},
                      {"mapped_peak_bytes", outcome.app.mapped_peak.count()},
                      {"committed_peak_bytes", outcome.app.committed_peak.count()}};
  suggest(outcome, refusal, finding);
  findings.push_back(std::move(finding));
}

}  // namespace oomcast::report
