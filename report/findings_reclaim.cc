// Findings about direct reclaim: how long the program's threads wait for memory, and what would let kswapd do the work.
#include <algorithm>

#include "model/host/vmstat.h"
#include "report/findings.h"
#include "report/margin.h"
#include "report/words/format.h"
#include "report/words/why.h"

namespace oomcast::report {
namespace {

/// Suggests to raise the limit that the group reached first: memory.high if it is set, else memory.max.
void suggest_higher_limit(const sim::Outcome& outcome, const trace::CaptureSummary& capture, Finding& finding) {
  if (group_lives_on_page_cache(outcome)) return;  // see find_group_page_cache()
  const host::CgroupSpec& group = outcome.host.cgroup;
  const Bytes more = outcome.next_better ? outcome.next_better->distance : Bytes(0),
              spread = uncertain_size(outcome, capture);
  if (group.memory_high >= 0)
    finding.tries.push_back({"a higher memory.high", higher_limit(outcome.host, "memory.high", more, spread)});
  else if (group.memory_max >= 0)
    finding.tries.push_back({"a higher memory.max", higher_limit(outcome.host, "memory.max", more, spread)});
  else
    finding.tries.push_back({"a higher limit of the group above"});
}

/// Reclaim inside a group is counted in the group's memory.stat, and not in /proc/vmstat (shrink_inactive_list()).
const host::VmstatArray& where_it_is_counted(const sim::Outcome& outcome) {
  const bool in_group = outcome.direct_reclaim->scope == sim::Scope::kCgroup;
  return in_group ? outcome.cgroup.stat.events : outcome.counters;
}

}  // namespace

void find_direct_reclaim(const sim::Outcome& outcome, const trace::CaptureSummary& capture, Findings& findings) {
  using host::Vmstat;
  int64_t stalls = 0;
  for (const host::ZoneKind zone : host::kZonesAscending)
    stalls += outcome.counters[host::by_zone(Vmstat::allocstall_dma, zone)];
  if (!outcome.direct_reclaim) return;
  const sim::Stall& stall = outcome.stall;
  bool heavy = stall.direct_reclaim_total.count() * 20 > outcome.forecast.count();  // over 5 % of the run
  Finding finding{"direct_reclaim", heavy ? Severity::kError : Severity::kWarning};
  finding.title = "Threads stall in direct reclaim: " + duration_text(stall.direct_reclaim_total) + " in all, " +
                  duration_text(stall.longest) + " at worst";
  finding.why = why_text(*outcome.direct_reclaim);
  const host::VmstatArray& counted = where_it_is_counted(outcome);
  finding.evidence = {{"allocstalls", stalls},
                      {"direct_reclaim_ns_total", stall.direct_reclaim_total.count()},
                      {"longest_ns", stall.longest.count()},
                      {"pgscan_direct", counted[Vmstat::pgscan_direct]},
                      {"pgsteal_direct", counted[Vmstat::pgsteal_direct]}};
  if (outcome.direct_reclaim->scope == sim::Scope::kCgroup) {
    // After a kill the need is larger: find_oom_kill() suggests the limit.
    if (!outcome.oom_kill) suggest_higher_limit(outcome, capture, finding);
  } else if (outcome.oom_kill) {
    // More distance between the watermarks lets kswapd start earlier. It does not add memory.
    finding.why += "; nothing was left to be reclaimed, so these are the futile rounds before the OOM kill";
  } else {
    const host::VmTunables& vm = outcome.host.vm;
    if (vm.zone_reclaim_mode != 0)
      finding.tries.push_back(
          {"vm.zone_reclaim_mode=0: a task takes memory of another node instead of reclaiming on its own",
           set_to({"vm.zone_reclaim_mode=0"})});
    // kswapd runs from low to high. watermark_scale_factor widens the distance of the marks, min_free_kbytes raises all
    // three.
    constexpr int kMostScale = 3000;
    int wider = std::min(kMostScale, std::max(100, vm.watermark_scale_factor * 10));
    if (wider > vm.watermark_scale_factor) {
      finding.tries.push_back({"vm.watermark_scale_factor=" + std::to_string(wider) + " (kswapd starts earlier)",
                               larger_sysctl("vm.watermark_scale_factor", vm.watermark_scale_factor, kMostScale)});
      finding.tries.push_back({"a larger vm.min_free_kbytes: all watermarks rise", more_min_free(outcome.host)});
    }
    finding.tries.push_back(
        {"more memory",
         more_memory_of(outcome.host, outcome.next_better ? outcome.next_better->distance : Bytes(0), Bytes(0))});
  }
  findings.push_back(std::move(finding));
}

}  // namespace oomcast::report
