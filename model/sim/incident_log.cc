// Logs what the modelled kernel did first, and why. See incident_log.h.
#include "model/sim/incident_log.h"

#include <algorithm>

#include "model/mm/memcg.h"
#include "model/mm/mempolicy.h"
#include "model/sim/memory_stat.h"
#include "model/sim/moment.h"

namespace oomcast::sim {

using host::Node;
using host::Process;
using host::Zone;

OomShortage IncidentLog::shortage(const mm::OomReport& report) const {
  OomShortage out;
  out.kernel_memory = report.kernel_memory;
  out.swappiness = static_cast<int>(mm::swappiness_of(host_, report.cgroup));
  for (const Node& node : host_.nodes) {
    const Zone& movable = node.zones[host::ZoneKind::kMovable];
    if (movable.managed > 0) out.movable_free += Pages(std::max<int64_t>(0, movable.free - movable.min_mark()));
  }
  int64_t swap = host_.free_swap() + host_.cached_slots;
  for (host::CgroupIndex at = report.cgroup; at != host::kRootCgroup; at = host_.cgroups[at].parent)
    swap = std::min(swap, std::max<int64_t>(0, host_.cgroups[at].swap_max - host_.cgroups[at].swap_usage));
  out.swap_free = Pages(swap);
  int64_t unevictable = 0;
  for (const Node& node : host_.nodes) unevictable += node.size(host::LruKindIndex::kUnevictable, report.cgroup);
  out.locked = Pages(std::min(host_.guest_locked, unevictable));
  // Adding up a group's pages is a walk over all of them: once.
  if (!own_.oom_kills.empty()) return out;
  if (report.cgroup != host::kRootCgroup)
    out.shmem = memory_stat_of(host_, report.cgroup).shmem;
  else
    for (const Node& node : host_.nodes) out.shmem += Pages(node.nr_shmem);
  return out;
}

Incident IncidentLog::incident(mm::ZoneRef ref, Cause cause) const {
  const mm::Actor& actor = sched_.current();
  const Node& node = host_.nodes[ref.node];
  const Zone& zone = node.zones[ref.zone];
  Incident out;
  out.cause = cause;
  out.t = sched_.now();
  out.pid = actor.pid;
  out.tid = actor.tid;
  out.comm = actor.is_kswapd() ? "kswapd" + std::to_string(node.id.value) : "";
  if (actor.background >= 0) out.comm = host_.spec.background[static_cast<size_t>(actor.background)].comm;
  for (const Process& process : host_.processes) {
    if (process.guest && process.pid == actor.pid && actor.pid != 0) out.comm = process.comm;
  }
  out.node = node.id;
  out.zone = zone.kind;
  out.app_touched = to_bytes(Pages(host_.guest_touched));
  out.app_footprint = to_bytes(Pages(host_.guest_anon + host_.guest_swapped));
  out.app_file = Bytes(host_.app_file_bytes);
  out.free_pages = Pages(zone.free);
  out.watermarks = {Pages(zone.min_mark()), Pages(zone.low_mark()), Pages(zone.high_mark())};
  out.boost = Pages(zone.boost);
  out.swap_free = Pages(host_.free_swap());
  out.by_kswapd = actor.is_kswapd();
  out.stack_id = actor.stack_id != 0 ? actor.stack_id : event_stack_id;
  out.nearest_stack_id = sampled_stack_id;
  out.after_divergence = own_.diverged.has_value();
  return out;
}

void IncidentLog::take_moment(std::string name) {
  own_.moments.push_back(moment_of(std::move(name), sched_.now(), host_));
  if (on_moment) on_moment(own_.moments.back());
}

// The zone of the node with most memory: the one that people look at.
mm::ZoneRef IncidentLog::tightest_zone(host::NodeIndex node_index) const {
  const Node& node = host_.nodes[node_index];
  host::ZoneKind best = host::ZoneKind::kDma;
  for (const host::ZoneKind z : host::kZonesAscending) {
    if (node.zones[z].managed > node.zones[best].managed) best = z;
  }
  return {node_index, best};
}

void IncidentLog::note_first(std::optional<Incident>& first, const char* moment, Incident happened) {
  first = std::move(happened);
  take_moment(moment);
}

void IncidentLog::on_kswapd_run(host::NodeIndex node_index) {
  if (own_.kswapd_wake) return;
  const mm::ZoneRef ref = tightest_zone(node_index);
  const Zone& zone = host_.nodes[node_index].zones[ref.zone];
  const bool boosted = zone.boost > 0 && zone.free > zone.low_mark();
  note_first(own_.kswapd_wake, "kswapd_wake", incident(ref, boosted ? Cause::kBoost : Cause::kLowMark));
}

// No task waits for what khugepaged and the kernel's workers do.
bool IncidentLog::by_kernel_thread() const {
  const mm::ActorKind kind = sched_.current().kind;
  return kind == mm::ActorKind::kKhugepaged || kind == mm::ActorKind::kWorker;
}

// A group at its limit: its own pages are looked at, and nobody else's.
void IncidentLog::note_cgroup_reclaim(host::NodeIndex node_index, host::CgroupIndex target_cgroup) {
  if (own_.direct_reclaim || by_kernel_thread()) return;
  const host::Cgroup& group = host_.cgroups[target_cgroup];
  Incident first =
      incident(tightest_zone(node_index), group.usage >= group.max ? Cause::kMemoryMax : Cause::kMemoryHigh);
  first.scope = Scope::kCgroup;
  first.group = group_state(group);
  note_first(own_.direct_reclaim, "direct_reclaim", std::move(first));
}

void IncidentLog::on_scan(host::NodeIndex node_index, bool by_kswapd, host::CgroupIndex target_cgroup) {
  if (target_cgroup != host::kRootCgroup) return note_cgroup_reclaim(node_index, target_cgroup);
  if (!by_kswapd || own_.kswapd_scan) return;
  note_first(own_.kswapd_scan, "kswapd_scan", incident(tightest_zone(node_index), Cause::kBelowHighMark));
}

void IncidentLog::on_direct_reclaim(mm::ZoneRef ref) {
  if (own_.direct_reclaim || by_kernel_thread()) return;
  note_first(own_.direct_reclaim, "direct_reclaim", incident(ref, Cause::kMinMark));
}

void IncidentLog::on_swap_out(host::NodeIndex node_index) {
  if (own_.swap_out) return;
  note_first(own_.swap_out, "swap_out", incident(tightest_zone(node_index), Cause::kSwapOut));
}

void IncidentLog::diverge(Divergence divergence) {
  if (own_.diverged) return;
  divergence.t = sched_.now();
  own_.diverged = std::move(divergence);
}

void IncidentLog::on_alloc_refused(int pid, const mm::Refusal& refusal) {
  if (!own_.alloc_refused) {
    Incident first = incident(tightest_zone(sched_.current().node), Cause::kRefused);
    first.pid = pid;
    first.refusal = refusal;
    note_first(own_.alloc_refused, "alloc_refused", std::move(first));
  }
  // No capture can refuse the program its fork(), or a page of a file.
  const bool can_be_lived = !refusal.fork && refusal.by != mm::RefusedBy::kTmpfsFull;
  refused |= can_be_lived;
  if (can_be_lived && refusal_is_lived) return;
  diverge({.by = DivergedBy::kRefusal,
           .pid = pid,
           .fork = refusal.fork,
           .requested = refusal.requested,
           .mount = refusal.mount,
           .mapped = refusal.mapped});
}

OomCandidate IncidentLog::candidate(host::ProcessIndex index, int64_t points) const {
  const Process& process = host_.processes[index];
  OomCandidate out;
  out.pid = process.pid;
  out.uid = process.uid;
  out.comm = process.comm;
  out.oom_score_adj = process.oom_score_adj;
  out.rss_anon = Pages(process.rss_anon);
  out.rss_file = Pages(process.rss_file);
  out.rss_shmem = Pages(process.rss_shmem);
  out.swap_entries = Pages(process.swap_entries);
  out.total_vm = Pages(process.total_vm_pages());
  out.page_tables = to_bytes(Pages(process.table_pages()));
  out.points = points;
  out.killable = mm::oom_killable(process);
  out.guest = process.guest;
  return out;
}

std::vector<OomCandidate> IncidentLog::candidates(const mm::OomReport& report) const {
  std::vector<OomCandidate> out;
  for (size_t i = 0; i < host_.processes.size(); ++i) {
    if (!host_.processes[i].alive || !host::within(host_.cgroups, host_.processes[i].cgroup, report.cgroup)) continue;
    if (report.constraint == mm::OomConstraint::kMemoryPolicy && !mm::in_oom_domain(host_.processes[i], report.nodes))
      continue;
    out.push_back(candidate(static_cast<host::ProcessIndex>(i),
                            mm::oom_badness(host_.processes[i], report.totalpages, host_.spec.kernel)));
  }
  return out;
}

// Who dies and why; nobody in a panic and in a group whose processes are protected.
void IncidentLog::put_victim(const mm::OomReport& report, OomKill& kill) const {
  kill.futile_rounds = report.call.futile_rounds;
  kill.total = Pages(report.totalpages);
  kill.allocating_task = report.allocating_task;
  if (report.panic) {
    kill.end = OomEnd::kPanic;
    kill.panic_on_oom = mm::panics_on_oom(host_, report.constraint) ? host_.spec.vm.panic_on_oom : 0;
    kill.victim.comm = "(panic)";
  } else if (report.victim == host::kNoProcess) {
    kill.end = OomEnd::kNobody;
    kill.kill_disabled = report.kill_disabled;
    kill.victim.comm = "(nobody)";
  } else {
    kill.victim =
        candidate(report.victim, mm::oom_badness(host_.processes[report.victim], report.totalpages, host_.spec.kernel));
  }
}

void IncidentLog::keep(OomKill kill) {
  ++own_.oom_kills_total;
  if (own_.oom_kills.size() < kKillsInFull || kill.end == OomEnd::kPanic) own_.oom_kills.push_back(std::move(kill));
}

void IncidentLog::on_oom_kill(const mm::OomReport& report) {
  const bool in_group = report.cgroup != host::kRootCgroup;
  const Cause cause = in_group                ? Cause::kGroupOutOfMemory
                      : report.call.thrashing ? Cause::kThrashing
                                              : Cause::kOutOfMemory;
  OomKill kill;
  kill.incident = incident(report.zone, cause);
  kill.shortage = shortage(report);
  kill.host_ram = Pages(host_.total_ram);
  if (in_group) {
    kill.incident.scope = Scope::kCgroup;
    kill.incident.group = group_state(host_.cgroups[report.cgroup]);
  }
  kill.candidates = candidates(report);
  put_victim(report, kill);
  kill.dmesg = report.dmesg;
  if (!own_.oom_kill) own_.oom_kill = kill.incident;
  const size_t nth = own_.oom_kills.size() + 1;
  if (nth <= kMomentsOfKills) take_moment(nth == 1 ? "oom_kill" : "oom_kill:" + std::to_string(nth));
  Incident along = kill.incident;
  along.cause = Cause::kGroupKill;
  keep(std::move(kill));
  for (const host::ProcessIndex other : report.rest_of_group) {
    OomKill more;
    more.incident = along;
    more.victim = candidate(other, mm::oom_badness(host_.processes[other], report.totalpages, host_.spec.kernel));
    more.went_along = true;
    keep(std::move(more));
  }
  if (report.panic) return halt(HaltedBy::kPanic);
  if (report.victim == host::kNoProcess) return;  // on_stuck() follows for whoever asked
  const Process& victim = host_.processes[report.victim];
  if (victim.guest) diverge({.by = DivergedBy::kKill, .pid = victim.pid, .comm = victim.comm});
  note_victim(victim);
  for (host::ProcessIndex other : report.rest_of_group) note_victim(host_.processes[other]);
  if (!on_kill) return;
  on_kill(report.victim);
  for (host::ProcessIndex other : report.rest_of_group) on_kill(other);
}

void IncidentLog::on_evicted(uint8_t service, const Process& process) {
  diverge({.by = DivergedBy::kEviction, .pid = process.pid, .comm = process.comm});
  if (!services.empty() && !services[service].evicted_at) services[service].evicted_at = sched_.now();
}

void IncidentLog::note_victim(const Process& victim) {
  if (services.empty()) return;
  ServiceFate& fate = services[victim.service];
  ++fate.killed;
  if (fate.killed_at) return;
  fate.killed_at = sched_.now();
  fate.killed_pid = victim.pid;
  fate.killed_comm = victim.comm;
}

// Nothing that comes later changes anything.
void IncidentLog::halt(HaltedBy by) {
  if (own_.halted) return;
  own_.halted = Halt{sched_.now(), by};
  diverge({.by = DivergedBy::kHalt});
}

void IncidentLog::on_stuck(host::ProcessIndex index) {
  const Process& process = host_.processes[index];
  if (!own_.oom_kill) {
    OomKill nobody;
    nobody.incident = incident(tightest_zone(sched_.current().node), Cause::kNeverServed);
    nobody.end = OomEnd::kNobody;
    nobody.victim.comm = "(nobody)";
    note_first(own_.oom_kill, "oom_kill", nobody.incident);
    keep(std::move(nobody));
  }
  diverge({.by = DivergedBy::kStuck, .pid = process.pid, .comm = process.comm});
  const bool goes_on =
      more_to_come || std::any_of(host_.processes.begin(), host_.processes.end(), [](const Process& each) {
        return each.guest && each.alive && !each.dying && !each.stuck_at;
      });
  if (!goes_on) halt(HaltedBy::kAllStuck);
}

void IncidentLog::on_stall(Nanoseconds begin, mm::Stalled what) {
  const Nanoseconds length = sched_.now() - begin;
  if (sched_.current().kind != mm::ActorKind::kTask) return;
  add_stall(length, what, own_.stall);
  if (services.empty()) return;
  ServiceFate& of_service = services[sched_.current().service];
  if (what == mm::Stalled::kDirectReclaim) ++of_service.direct_reclaims;
  add_stall(length, what, of_service.stall);
}

void IncidentLog::add_stall(Nanoseconds length, mm::Stalled what, Stall& stall) const {
  if (sched_.current().stall_depth == 0) {  // else it is a part of another one, which is counted when it ends
    stall.total += length;
    stall.longest = std::max(stall.longest, length);
  }
  switch (what) {
    case mm::Stalled::kDirectReclaim:
      stall.direct_reclaim_total += length;
      break;
    case mm::Stalled::kSwapIn:
      stall.swap_in_total += length;
      break;
    case mm::Stalled::kMemoryHigh:
      stall.memory_high_total += length;
      if (!current_may_swap()) stall.memory_high_dry_total += length;
      [[fallthrough]];
    case mm::Stalled::kThrottled:
      stall.throttled_total += length;
      break;
  }
}

// get_scan_count(): reclaim for a limit swaps nothing with a swappiness of 0.
bool IncidentLog::current_may_swap() const {
  const host::CgroupIndex group = host_.group_of(sched_.current().service);
  return mm::swappiness_of(host_, group) > 0 && host_.free_swap() > 0 && mm::swap_left(host_, group);
}

void IncidentLog::on_memory_high(host::CgroupIndex group) { note_cgroup_reclaim(sched_.current().node, group); }

void IncidentLog::watch(host::ProcessIndex index, uint64_t vpn) {
  watches.push_back({static_cast<uint32_t>(host_.processes[index].pid), vpn << kPageShift});
}

}  // namespace oomcast::sim
