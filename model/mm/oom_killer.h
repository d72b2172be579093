// The OOM killer: badness, the choice of the victim, the kill, and the report in the kernel log.
//
// Mirrors out_of_memory(), oom_badness(), select_bad_process() and dump_header() in mm/oom_kill.c of Linux 6.1.
// Differs: no CONSTRAINT_CPUSET, and no OOM reaper, because a victim's exit is never blocked here.
#pragma once

#include <string>
#include <vector>

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

/// Why the OOM killer was called.
struct OomCall {
  int futile_rounds = 0;   // of direct reclaim in a row; fewer than 17 if no remaining memory would help
  bool thrashing = false;  // no reclaim: pages younger than lru_gen/min_ttl_ms cannot be kept
};

enum class OomConstraint : uint8_t { kNone, kMemoryPolicy, kMemcg };

struct OomReport {
  OomCall call;
  OomConstraint constraint = OomConstraint::kNone;
  host::NodeMask nodes = host::kAllNodes;         // with kMemoryPolicy: nodes that may serve the request
  host::ProcessIndex victim = host::kNoProcess;   // kNoProcess: no process may be killed, or panic_on_oom
  host::ProcessIndex invoker = host::kNoProcess;  // process that allocated; kNoProcess: none of the program's
  std::vector<std::pair<host::ProcessIndex, int64_t>> points;  // badness of killable processes, in task-list order
  ZoneRef zone;                                                // first zone of the request
  host::CgroupIndex cgroup = host::kRootCgroup;                // the cgroup at its limit; the root: the host
  int64_t totalpages = 0;                                      // the pages of which oom_score_adj is thousandths
  bool kernel_memory = false;                                  // the request may not use zone Movable
  bool panic = false;
  bool kill_disabled = false;                     // by memory.oom_control of the cgroup
  bool allocating_task = false;                   // chosen by vm.oom_kill_allocating_task
  std::vector<host::ProcessIndex> rest_of_group;  // killed with the victim by memory.oom.group
  std::vector<std::string> dmesg;
};

/// check_panic_on_oom(): whether vm.panic_on_oom asks for a panic.
bool panics_on_oom(const host::Host& host, OomConstraint constraint);
/// oom_badness() in pages: rss + swap entries + page tables + oom_score_adj * (totalpages / 1000). {before 5.9} at
/// least 1.
int64_t oom_badness(const host::Process& process, int64_t totalpages, const host::KernelVersion& kernel);
/// Whether the OOM killer may choose the process: not unkillable, and oom_score_adj is not -1000.
bool oom_killable(const host::Process& process);
/// out_of_memory(): chooses and kills a process. True: the caller may try again, as a victim is exiting. If no process
/// may be killed, or vm.panic_on_oom asks for it, the host panics: nothing runs any more (Sched::halt()).
bool out_of_memory(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node, OomCall call = {});
/// mem_cgroup_out_of_memory(): the same for a cgroup at its limit, among the processes in it. False: none may be
/// killed, or cgroup v1's oom_kill_disable is set, which is reported once per cgroup. A panic needs vm.panic_on_oom=2.
bool cgroup_out_of_memory(Kernel& k, host::CgroupIndex cgroup);

/// __oom_kill_process(): the line "Killed process ...".
std::string oom_killed_line(const Kernel& k, const OomReport& report, host::ProcessIndex victim);
/// dump_header() and the lines after it: the kernel log of a kill without time stamps (kernel-spec section 8.6).
std::vector<std::string> oom_dmesg(const Kernel& k, const OomReport& report, const Gfp& gfp);

}  // namespace oomcast::mm
