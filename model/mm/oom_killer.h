// Chooses who dies when nothing can be reclaimed. Badness, the choice, and the kernel's own words about it.
//
// Mirrors out_of_memory(), oom_badness(), select_bad_process() and dump_header() in mm/oom_kill.c of Linux 6.1.
// Differs: no constraint of a cpuset; the reaper is not needed because a victim's exit is never blocked here.
#pragma once

#include <string>
#include <vector>

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

/// What made the caller ask for a kill.
struct OomCall {
  int futile_rounds = 0;   // of direct reclaim in a row before it; fewer than 17 where nothing that is left would help
  bool thrashing = false;  // no reclaim: the working set of lru_gen/min_ttl_ms cannot be kept
};

enum class OomConstraint : uint8_t { kNone, kMemoryPolicy, kMemcg };

struct OomReport {
  OomCall call;
  OomConstraint constraint = OomConstraint::kNone;
  host::NodeMask nodes = host::kAllNodes;                      // with kMemoryPolicy: where the request had to be served
  host::ProcessIndex victim = host::kNoProcess;                // kNoProcess: nobody may be killed, or panic_on_oom
  host::ProcessIndex invoker = host::kNoProcess;               // whose allocation it was; kNoProcess: not one of ours
  std::vector<std::pair<host::ProcessIndex, int64_t>> points;  // killable candidates in task-list order
  ZoneRef zone;                                                // first zone of the request
  host::CgroupIndex cgroup = host::kRootCgroup;                // whose limit it was; the root: the host's memory
  int64_t totalpages = 0;                                      // what oom_score_adj is a share of
  bool kernel_memory = false;                                  // the request may not be served from zone Movable
  bool panic = false;
  bool allocating_task = false;                   // vm.oom_kill_allocating_task chose
  std::vector<host::ProcessIndex> rest_of_group;  // killed with the victim (memory.oom.group)
  std::vector<std::string> dmesg;
};

/// check_panic_on_oom(): does vm.panic_on_oom ask for a panic here?
bool panics_on_oom(const host::Host& host, OomConstraint constraint);
/// rss + swap + page tables + oom_score_adj * (totalpages / 1000). {before 5.9} at least 1.
int64_t oom_badness(const host::Process& process, int64_t totalpages, const host::KernelVersion& kernel);
bool oom_killable(const host::Process& process);
/// Chooses and kills. True if the caller should go on trying (a victim is on its way out). In a panic (nobody may
/// be killed, or vm.panic_on_oom says so) the host halts, and nothing more is done (Sched::halt).
bool out_of_memory(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node, OomCall call = {});
/// The same for a group at its limit: victims come from the group (mem_cgroup_out_of_memory). False if nobody in it may
/// be killed, which is told once per group; the kernel panics with vm.panic_on_oom=2 only.
bool cgroup_out_of_memory(Kernel& k, host::CgroupIndex cgroup);

/// "Killed process ..." (__oom_kill_process).
std::string oom_killed_line(const Kernel& k, const OomReport& report, host::ProcessIndex victim);
/// The kernel log of a kill, without time stamps (kernel-spec section 8.6).
std::vector<std::string> oom_dmesg(const Kernel& k, const OomReport& report, const Gfp& gfp);

}  // namespace oomcast::mm
