// The verdict and the sums of an Outcome. See outcome_text.h.
#include "model/sim/outcome_text.h"

#include <algorithm>

#include "model/sim/memory_stat.h"

namespace oomcast::sim {

using host::Vmstat;

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFits:
      return "fits";
    case Verdict::kBackgroundReclaim:
      return "background_reclaim";
    case Verdict::kDirectReclaim:
      return "direct_reclaim";
    case Verdict::kAllocRefused:
      return "alloc_refused";
    case Verdict::kOomKill:
      return "oom_kill";
  }
  return "";
}

std::optional<Verdict> verdict_named(std::string_view name) {
  for (int rank = 0; rank <= static_cast<int>(Verdict::kOomKill); ++rank)
    if (name == verdict_name(static_cast<Verdict>(rank))) return static_cast<Verdict>(rank);
  return std::nullopt;
}

Verdict verdict_of(const Incidents& incidents) {
  if (incidents.oom_kill || incidents.halted) return Verdict::kOomKill;
  if (incidents.alloc_refused) return Verdict::kAllocRefused;
  if (incidents.direct_reclaim) return Verdict::kDirectReclaim;
  return incidents.kswapd_scan ? Verdict::kBackgroundReclaim : Verdict::kFits;
}

void summarize_cgroup(const host::Host& host, Outcome& outcome) {
  if (host.app_cgroup == host::kRootCgroup) return;
  const host::Cgroup& group = host.cgroups[host.app_cgroup];
  CgroupCounts& out = outcome.cgroup;
  out.peak = to_bytes(Pages(group.peak));
  out.events = {group.events.low, group.events.high,     group.events.max,
                group.events.oom, group.events.oom_kill, group.events.oom_group_kill};
  out.stat = memory_stat_of(host, host.app_cgroup);
}

void summarize_app(const host::Host& host, Outcome& outcome) {
  outcome.app.touched = to_bytes(Pages(host.guest_touched));
  for (const host::Process& process : host.processes) {
    if (!process.guest || ++outcome.app.processes_total > static_cast<int64_t>(kProcessesInFull)) continue;
    AppProcess out;
    out.pid = process.pid;
    out.parent_pid = process.parent_pid;
    out.comm = process.comm;
    out.touched = to_bytes(Pages(process.touched_pages));
    out.resident_peak = to_bytes(Pages(process.resident_peak));
    out.mapped_peak = Bytes(process.mapped_peak_bytes);
    out.committed_peak = to_bytes(Pages(process.committed_peak_pages));
    out.oom_score_adj = process.oom_score_adj;
    out.killed_by_model = process.killed;
    out.stuck_at = process.stuck_at;
    outcome.app.processes.push_back(std::move(out));
  }
  for (const auto& [stack, site] : host.sites)
    outcome.sites.push_back({stack, to_bytes(Pages(site.touched)), to_bytes(Pages(site.resident_peak))});
  std::stable_sort(outcome.sites.begin(), outcome.sites.end(),
                   [](const Site& a, const Site& b) { return a.touched > b.touched; });
}

}  // namespace oomcast::sim
