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

namespace {

std::string amount(int64_t pages) {
  const int64_t kib = pages * 4;
  if (kib >= 10 * 1024) return std::to_string(pages) + " pages (" + std::to_string(kib / 1024) + " MiB)";
  return std::to_string(pages) + " pages (" + std::to_string(kib) + " KiB)";
}

/// Memory or swap that was free and that the request could not have.
std::string unusable(const OomKill& kill) {
  const OomShortage& shortage = kill.shortage;
  if (swap_is_forbidden(kill))
    return ": " + amount(shortage.swap_free.count()) +
           " of swap are free, but vm.swappiness is 0, and then a cgroup at its limit swaps nothing";
  if (movable_is_forbidden(kill))
    return "; " + amount(shortage.movable_free.count()) +
           " are free in zone Movable, but the request is for kernel memory (page tables), which that zone may not "
           "serve";
  return "";
}

std::string zone_text(const Node& node, const Zone& zone) {
  return "node " + std::to_string(node.id.value) + " zone " + host::zone_name(zone.kind);
}

std::string below(const Node& node, const Zone& zone, const char* mark_name, int64_t mark) {
  std::string text = zone_text(node, zone) + " has " + amount(zone.free) + " free, " +
                     (zone.free <= mark ? "at or below" : "near") + " its " + mark_name + " watermark of " +
                     amount(mark);
  if (zone.boost > 0) text += " (" + std::to_string(zone.boost) + " of them boost)";
  return text;
}

}  // namespace

OomShortage IncidentLog::shortage(const mm::OomReport& report) const {
  OomShortage out;
  out.kernel_memory = report.kernel_memory;
  out.swappiness = host_.spec.vm.swappiness;
  for (const Node& node : host_.nodes) {
    const Zone& movable = node.zones[static_cast<size_t>(host::ZoneKind::kMovable)];
    if (movable.managed > 0) out.movable_free += Pages(std::max<int64_t>(0, movable.free - movable.min_mark()));
  }
  int64_t swap = host_.free_swap() + host_.cached_slots;
  for (host::CgroupIndex at = report.cgroup; at != host::kRootCgroup; at = host_.cgroups[at].parent)
    swap = std::min(swap, std::max<int64_t>(0, host_.cgroups[at].swap_max - host_.cgroups[at].swap_usage));
  out.swap_free = Pages(swap);
  // Adding up a group's pages is a walk over all of them: once.
  if (!outcome_.oom_kills.empty()) return out;
  if (report.cgroup != host::kRootCgroup)
    out.shmem = memory_stat_of(host_, report.cgroup).shmem;
  else
    for (const Node& node : host_.nodes) out.shmem += Pages(node.nr_shmem);
  return out;
}

Incident IncidentLog::incident(mm::ZoneRef ref) const {
  const mm::Actor& actor = sched_.current();
  const Node& node = host_.nodes[static_cast<size_t>(ref.node)];
  const Zone& zone = node.zones[static_cast<size_t>(ref.zone)];
  Incident out;
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
  out.stack_id = actor.stack_id != 0 ? actor.stack_id : event_stack_id;
  out.nearest_stack_id = sampled_stack_id;
  out.after_divergence = outcome_.diverged_at.has_value();
  return out;
}

void IncidentLog::take_moment(std::string name) {
  outcome_.moments.push_back(moment_of(std::move(name), sched_.now(), host_));
  if (on_moment) on_moment(outcome_.moments.back());
}

// The zone of the node with most memory: the one that people look at.
mm::ZoneRef IncidentLog::tightest_zone(int node_index) const {
  const Node& node = host_.nodes[static_cast<size_t>(node_index)];
  int best = 0;
  for (int z = 0; z < host::kZoneKinds; ++z) {
    if (node.zones[static_cast<size_t>(z)].managed > node.zones[static_cast<size_t>(best)].managed) best = z;
  }
  return {node_index, best};
}

void IncidentLog::on_kswapd_run(int node_index) {
  if (outcome_.kswapd_wake) return;
  const mm::ZoneRef ref = tightest_zone(node_index);
  const Node& node = host_.nodes[static_cast<size_t>(node_index)];
  const Zone& zone = node.zones[static_cast<size_t>(ref.zone)];
  outcome_.kswapd_wake = incident(ref);
  take_moment("kswapd_wake");
  std::string why =
      "kswapd" + std::to_string(node.id.value) + " runs because " + below(node, zone, "low", zone.low_mark());
  if (zone.boost > 0 && zone.free > zone.low_mark()) {
    why = "kswapd" + std::to_string(node.id.value) + " runs because the free lists of movable pages in " +
          zone_text(node, zone) + " ran dry and its watermarks were boosted by " + amount(zone.boost) + "; " +
          amount(zone.free) + " are free";
  }
  outcome_.kswapd_wake->why = why;
}

// A group at its limit: its own pages are looked at, and nobody else's.
void IncidentLog::note_cgroup_reclaim(int node_index, uint8_t target_cgroup) {
  if (outcome_.direct_reclaim) return;
  const host::Cgroup& group = host_.cgroups[target_cgroup];
  const bool at_max = group.usage >= group.max;
  outcome_.direct_reclaim = incident(tightest_zone(node_index));
  take_moment("direct_reclaim");
  outcome_.direct_reclaim->scope = Scope::kCgroup;
  outcome_.direct_reclaim->group = group_state(host_.cgroups[target_cgroup]);
  outcome_.direct_reclaim->why =
      "cgroup " + group.path + " uses " + amount(group.usage) + ", " +
      (at_max ? "its memory.max of " + amount(group.max) : "above its memory.high of " + amount(group.high)) +
      ", so the task has to reclaim inside the group";
}

void IncidentLog::on_scan(int node_index, bool by_kswapd, uint8_t target_cgroup) {
  if (target_cgroup != host::kRootCgroup) return note_cgroup_reclaim(node_index, target_cgroup);
  if (!by_kswapd || outcome_.kswapd_scan) return;
  const mm::ZoneRef ref = tightest_zone(node_index);
  const Node& node = host_.nodes[static_cast<size_t>(node_index)];
  const Zone& zone = node.zones[static_cast<size_t>(ref.zone)];
  outcome_.kswapd_scan = incident(ref);
  take_moment("kswapd_scan");
  outcome_.kswapd_scan->why = "kswapd" + std::to_string(node.id.value) +
                              " looks for pages to reclaim until a zone is above its high watermark of " +
                              amount(zone.high_mark()) + "; " + zone_text(node, zone) + " has " + amount(zone.free) +
                              " free";
}

void IncidentLog::on_direct_reclaim(mm::ZoneRef ref) {
  if (outcome_.direct_reclaim) return;
  const Node& node = host_.nodes[static_cast<size_t>(ref.node)];
  const Zone& zone = node.zones[static_cast<size_t>(ref.zone)];
  outcome_.direct_reclaim = incident(ref);
  take_moment("direct_reclaim");
  outcome_.direct_reclaim->why =
      "no zone that the request may use has pages above its min watermark, so the task has to reclaim for itself: " +
      below(node, zone, "min", zone.min_mark());
}

void IncidentLog::on_swap_out(int node_index) {
  if (outcome_.swap_out) return;
  const mm::ZoneRef ref = tightest_zone(node_index);
  const Node& node = host_.nodes[static_cast<size_t>(node_index)];
  outcome_.swap_out = incident(ref);
  take_moment("swap_out");
  outcome_.swap_out->why = std::string(sched_.current().is_kswapd() ? "kswapd" : "a task in direct reclaim") +
                           " writes the first anonymous page of node " + std::to_string(node.id.value) + " to swap; " +
                           amount(host_.free_swap()) + " of swap are free";
}

void IncidentLog::diverge(const std::string& why) {
  if (outcome_.diverged_at) return;
  outcome_.diverged_at = sched_.now();
  outcome_.diverged_why = why;
}

void IncidentLog::on_alloc_refused(int pid, int64_t pages, mm::RefusedBy by, const std::string& why) {
  if (!outcome_.alloc_refused) {
    outcome_.alloc_refused = incident(tightest_zone(sched_.current().node));
    take_moment("alloc_refused");
    outcome_.alloc_refused->pid = pid;
    outcome_.alloc_refused->why = why;
    outcome_.refused_by = by;
  }
  // No capture can refuse the program its fork().
  const bool fork = by == mm::RefusedBy::kFork;
  refused |= !fork;
  const std::string what = fork ? "a fork()" : "an allocation of " + amount(pages);
  if (fork || !refusal_is_lived) diverge(what + " by process " + std::to_string(pid) + " would be refused with ENOMEM");
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
void IncidentLog::put_cause(const mm::OomReport& report, OomKill& kill) const {
  const Node& node = host_.nodes[static_cast<size_t>(report.zone.node)];
  const Zone& zone = node.zones[static_cast<size_t>(report.zone.zone)];
  const host::Cgroup& group = host_.cgroups[report.cgroup];
  const std::string cause = report.cgroup != host::kRootCgroup
                                ? "cgroup " + group.path + " is at its memory.max of " + amount(group.max) +
                                      " and nothing in it can be reclaimed" + unusable(kill)
                                : "reclaim found nothing in 17 rounds and " + std::to_string(host_.free_swap()) +
                                      " swap pages are free" + unusable(kill) + "; " +
                                      below(node, zone, "min", zone.min_mark());
  std::string& why = kill.incident.why;
  if (report.panic) {
    const bool asked = mm::panics_on_oom(host_, report.constraint);
    kill.end = OomEnd::kPanic;
    kill.victim.comm = "(panic)";
    why = cause + "; " +
          (asked ? "vm.panic_on_oom is " + std::to_string(host_.spec.vm.panic_on_oom) : "nobody may be killed") +
          ", so the host panics";
  } else if (report.victim == host::kNoProcess) {
    kill.end = OomEnd::kNobody;
    kill.victim.comm = "(nobody)";
    why = cause + "; nobody in it may be killed, so whoever needs memory there waits for ever";
  } else {
    kill.victim =
        candidate(report.victim, mm::oom_badness(host_.processes[report.victim], report.totalpages, host_.spec.kernel));
    why = cause + "; " + kill.victim.comm +
          (report.allocating_task ? " is the one that asks (vm.oom_kill_allocating_task), with "
                                  : " has the most points, ") +
          std::to_string(kill.victim.points) + " of " + std::to_string(report.totalpages) + " pages";
  }
}

void IncidentLog::keep(OomKill kill) {
  ++outcome_.oom_kills_total;
  if (outcome_.oom_kills.size() < kKillsInFull) outcome_.oom_kills.push_back(std::move(kill));
}

void IncidentLog::on_oom_kill(const mm::OomReport& report) {
  OomKill kill;
  kill.incident = incident(report.zone);
  kill.shortage = shortage(report);
  if (report.cgroup != host::kRootCgroup) {
    kill.incident.scope = Scope::kCgroup;
    kill.incident.group = group_state(host_.cgroups[report.cgroup]);
  }
  kill.candidates = candidates(report);
  put_cause(report, kill);
  kill.dmesg = report.dmesg;
  if (!outcome_.oom_kill) outcome_.oom_kill = kill.incident;
  const size_t nth = outcome_.oom_kills.size() + 1;
  if (nth <= kMomentsOfKills) take_moment(nth == 1 ? "oom_kill" : "oom_kill:" + std::to_string(nth));
  const Incident happened = kill.incident;
  const std::string with = kill.victim.comm;
  keep(std::move(kill));
  for (const host::ProcessIndex other : report.rest_of_group) {
    OomKill more{happened,
                 {},
                 candidate(other, mm::oom_badness(host_.processes[other], report.totalpages, host_.spec.kernel)),
                 {},
                 true,
                 {},
                 OomEnd::kKilled};
    more.incident.why = "goes with " + with + ": memory.oom.group is set";
    keep(std::move(more));
  }
  if (report.panic) return halt("the host panics: " + happened.why);
  if (report.victim == host::kNoProcess) return;  // on_stuck() follows for whoever asked
  const Process& victim = host_.processes[report.victim];
  if (victim.guest) diverge("process " + std::to_string(victim.pid) + " (" + victim.comm + ") would have been killed");
  if (!on_kill) return;
  on_kill(report.victim);
  for (host::ProcessIndex other : report.rest_of_group) on_kill(other);
}

// Nothing that comes later changes anything.
void IncidentLog::halt(const std::string& why) {
  if (outcome_.halted_at) return;
  outcome_.halted_at = sched_.now();
  outcome_.halted_why = why;
  diverge(why);
}

void IncidentLog::on_stuck(host::ProcessIndex index) {
  const Process& process = host_.processes[index];
  if (!outcome_.oom_kill) {
    OomKill nobody;
    nobody.incident = incident(tightest_zone(sched_.current().node));
    nobody.end = OomEnd::kNobody;
    nobody.victim.comm = "(nobody)";
    nobody.incident.why = "process " + std::to_string(process.pid) + " (" + process.comm +
                          ") tries the same access again and again, and the memory for it cannot be had";
    outcome_.oom_kill = nobody.incident;
    take_moment("oom_kill");
    keep(std::move(nobody));
  }
  diverge("process " + std::to_string(process.pid) + " (" + process.comm +
          ") would wait for ever for memory that cannot be had");
  const bool goes_on = std::any_of(host_.processes.begin(), host_.processes.end(), [](const Process& each) {
    return each.guest && each.alive && !each.dying && !each.stuck_at;
  });
  if (!goes_on) halt("every process of the program that lives waits for memory that cannot be had");
}

void IncidentLog::on_stall(Nanoseconds begin, mm::Stalled what) {
  const Nanoseconds length = sched_.now() - begin;
  if (sched_.current().kind != mm::ActorKind::kTask) return;
  Stall& stall = outcome_.stall;
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
      if (!app_may_swap()) stall.memory_high_dry_total += length;
      [[fallthrough]];
    case mm::Stalled::kThrottled:
      stall.throttled_total += length;
      break;
  }
}

// get_scan_count(): reclaim for a limit swaps nothing with a swappiness of 0.
bool IncidentLog::app_may_swap() const {
  return host_.spec.vm.swappiness > 0 && host_.free_swap() > 0 && mm::swap_left(host_, host_.app_cgroup);
}

void IncidentLog::on_memory_high(host::CgroupIndex group) { note_cgroup_reclaim(sched_.current().node, group); }

void IncidentLog::watch(host::ProcessIndex index, uint64_t vpn) {
  watches.push_back({static_cast<uint32_t>(host_.processes[index].pid), vpn << kPageShift});
}

}  // namespace oomcast::sim
