// The OOM killer. See oom_killer.h; kernel-spec sections 8.1 to 8.5.
#include "model/mm/oom_killer.h"

#include <algorithm>

#include "model/mm/memcg.h"
#include "model/mm/mempolicy.h"
#include "model/spec/kernel_rules.h"

namespace oomcast::mm {

using host::Process;
using host::ProcessIndex;
using host::Vmstat;

namespace {

constexpr int kOomScoreAdjMin = -1000;

ProcessIndex find_process(const Kernel& k, int pid) {
  for (size_t i = 0; i < k.host.processes.size(); ++i) {
    const Process& process = k.host.processes[i];
    if (process.pid == pid && process.guest && process.alive) return static_cast<ProcessIndex>(i);
  }
  return host::kNoProcess;
}

// Killable, and not bound to nodes that the request cannot use.
bool may_kill(const Process& process, const OomReport& report) {
  return oom_killable(process) &&
         (report.constraint != OomConstraint::kMemoryPolicy || in_oom_domain(process, report.nodes));
}

ProcessIndex select_bad_process(const Kernel& k, OomReport& report) {
  ProcessIndex chosen = host::kNoProcess;
  int64_t most = 0;
  for (size_t i = 0; i < k.host.processes.size(); ++i) {
    const Process& process = k.host.processes[i];
    if (!process.alive || !may_kill(process, report)) continue;
    if (!host::within(k.host.cgroups, process.cgroup, report.cgroup)) continue;
    const int64_t points = oom_badness(process, report.totalpages, k.host.spec.kernel);
    report.points.push_back({static_cast<ProcessIndex>(i), points});
    const bool wins_tie = k.follows(host::KernelRule::kLaterWinsTie);
    if (chosen == host::kNoProcess || points > most || (points == most && wins_tie)) {
      chosen = static_cast<ProcessIndex>(i);
      most = points;
    }
  }
  return chosen;
}

}  // namespace

bool panics_on_oom(const host::Host& host, OomConstraint constraint) {
  const int mode = host.spec.vm.panic_on_oom;
  return mode == 2 || (mode == 1 && constraint == OomConstraint::kNone);
}

int64_t oom_badness(const Process& process, int64_t totalpages, const host::KernelVersion& kernel) {
  const int64_t rss = process.rss_anon + process.rss_file + process.rss_shmem;
  int64_t points = rss + process.swap_entries + process.table_pages();
  // Processes with CAP_SYS_ADMIN; the host description only has the uid.
  if (!holds(host::KernelRule::kNoRootBonus, kernel) && process.uid == 0) points -= points * 3 / 100;
  points += process.oom_score_adj * (totalpages / 1000);
  return holds(host::KernelRule::kSignedPoints, kernel) ? points : std::max<int64_t>(1, points);
}

bool oom_killable(const Process& process) { return !process.unkillable && process.oom_score_adj != kOomScoreAdjMin; }

namespace {

void kill_process(Kernel& k, ProcessIndex index) {
  Process& victim = k.host.processes[index];
  victim.dying = true;
  victim.killed = true;
  ++k.oom_victims_pending;
  k.host.count(Vmstat::oom_kill);
  note_event(k.host, victim.cgroup, &host::CgroupEvents::oom_kill);
}

// mem_cgroup_get_oom_group(): the highest cgroup with memory.oom.group between the victim's and the one that is out of
// memory. The root: there is none.
host::CgroupIndex oom_group_of(const host::Host& host, host::CgroupIndex victim, host::CgroupIndex domain) {
  host::CgroupIndex found = host::kRootCgroup;
  for (host::CgroupIndex g = victim; g != host::kRootCgroup; g = host.cgroups[g].parent) {
    if (host.cgroups[g].oom_group) found = g;
    if (g == domain) break;
  }
  return found;
}

// memory.oom.group: kills all processes in the group. As in the kernel, the victim is killed, logged and counted again.
void kill_rest_of_group(Kernel& k, OomReport& report) {
  const host::CgroupIndex cgroup = oom_group_of(k.host, k.host.processes[report.victim].cgroup, report.cgroup);
  if (cgroup == host::kRootCgroup) return;
  note_event(k.host, cgroup, &host::CgroupEvents::oom_group_kill);
  report.dmesg.push_back("Tasks in " + k.host.cgroups[cgroup].path +
                         " are going to be killed due to memory.oom.group set");
  for (size_t i = 0; i < k.host.processes.size(); ++i) {
    const Process& process = k.host.processes[i];
    if (!host::within(k.host.cgroups, process.cgroup, cgroup) || !process.alive || !oom_killable(process)) continue;
    const bool again = i == report.victim;
    if (process.dying && !again) continue;
    report.dmesg.push_back(oom_killed_line(k, report, static_cast<ProcessIndex>(i)));
    if (again) {
      k.host.count(Vmstat::oom_kill);
      note_event(k.host, process.cgroup, &host::CgroupEvents::oom_kill);
      continue;
    }
    kill_process(k, static_cast<ProcessIndex>(i));
    report.rest_of_group.push_back(static_cast<ProcessIndex>(i));
  }
}

void finish_kill(Kernel& k, OomReport& report, const Gfp& gfp) {
  report.dmesg = oom_dmesg(k, report, gfp);
  if (report.victim != host::kNoProcess) {
    kill_process(k, report.victim);
    kill_rest_of_group(k, report);
  }
  k.listener.on_oom_kill(report);
}

// constrained_alloc(): a request that may not use all nodes is a matter of its nodes alone.
void constrain(const Kernel& k, const Gfp& gfp, OomReport& report) {
  report.totalpages = k.host.total_ram + k.host.total_swap;
  bool everywhere = true;
  int64_t present = 0;
  for (const host::NodeIndex n : k.host.nodes.indices()) {
    if (!gfp.allows(n)) {
      everywhere = false;
      continue;
    }
    for (const host::Zone& zone : k.host.nodes[n].zones) present += zone.present;
  }
  if (everywhere) return;
  report.constraint = OomConstraint::kMemoryPolicy;
  report.nodes = gfp.nodes;
  report.totalpages = k.host.total_swap + present;
}

// Reports, and halts the host. Returns only outside of a fiber.
void panic(Kernel& k, OomReport& report, const Gfp& gfp) {
  report.victim = host::kNoProcess;
  report.panic = true;
  finish_kill(k, report, gfp);
  k.sched.halt();
}

// The kernel logs this at each futile charge, the model once per cgroup. Of oom_kill_disable the log says nothing.
void tell_nobody_to_kill(Kernel& k, OomReport& report) {
  bool& reported = k.host.cgroups[report.cgroup].nobody_to_kill_told;
  if (reported) return;
  reported = true;
  if (report.kill_disabled)
    k.listener.on_oom_kill(report);
  else
    finish_kill(k, report, kGfpHighUserMovable);
}

}  // namespace

bool out_of_memory(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node, OomCall call) {
  const Actor& actor = k.sched.current();
  if (actor.dying || k.oom_victims_pending > 0) return true;
  OomReport report;
  report.call = call;
  constrain(k, gfp, report);
  report.kernel_memory = gfp.highest_zone < host::ZoneKind::kMovable;
  report.invoker = find_process(k, actor.pid);
  const host::NodeIndex first_node = first_allowed_node(k, gfp, preferred_node);
  report.zone = {first_node, host::ZoneKind::kDma};
  for (const host::ZoneKind z : host::zones_down_from(gfp.highest_zone)) {
    if (k.host.nodes[first_node].zones[z].managed == 0) continue;
    report.zone.zone = z;
    break;
  }
  report.victim = select_bad_process(k, report);
  const host::VmTunables& vm = k.host.spec.vm;
  if (vm.oom_kill_allocating_task != 0 && report.invoker != host::kNoProcess &&
      may_kill(k.host.processes[report.invoker], report)) {
    report.victim = report.invoker;
    report.allocating_task = true;
  }
  if (panics_on_oom(k.host, report.constraint) || report.victim == host::kNoProcess) {
    panic(k, report, gfp);
    return true;
  }
  finish_kill(k, report, gfp);
  return true;
}

bool cgroup_out_of_memory(Kernel& k, host::CgroupIndex cgroup) {
  const Actor& actor = k.sched.current();
  if (actor.dying) return true;
  for (const Process& process : k.host.processes) {
    if (process.dying && host::within(k.host.cgroups, process.cgroup, cgroup)) {
      // A victim of the cgroup is still exiting: its memory comes first.
      k.sched.sleep(kTick);
      return true;
    }
  }
  OomReport report;
  report.cgroup = cgroup;
  report.constraint = OomConstraint::kMemcg;
  report.totalpages = cgroup_totalpages(k, cgroup);
  report.invoker = find_process(k, actor.pid);
  report.zone = {actor.node, host::ZoneKind::kDma};
  for (const host::ZoneKind z : host::kZonesAscending) {
    if (k.host.nodes[actor.node].zones[z].managed > 0) report.zone.zone = z;
  }
  // Whoever needs memory waits for somebody who frees some (mem_cgroup_oom_synchronize).
  report.kill_disabled = k.host.cgroups[cgroup].oom_kill_disable;
  if (report.kill_disabled) {
    tell_nobody_to_kill(k, report);
    return false;
  }
  report.victim = select_bad_process(k, report);
  if (panics_on_oom(k.host, report.constraint)) {
    panic(k, report, kGfpHighUserMovable);
    return true;
  }
  if (report.victim == host::kNoProcess) {
    tell_nobody_to_kill(k, report);
    return false;
  }
  finish_kill(k, report, kGfpHighUserMovable);
  return true;
}

}  // namespace oomcast::mm
