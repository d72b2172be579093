// Reclaims from groups above their soft limit. See soft_limit.h.
#include "model/mm/soft_limit.h"

#include <algorithm>

#include "model/mm/lru_gen.h"

namespace oomcast::mm {

using host::CgroupIndex;

namespace {

constexpr int kMaxRounds = 100;        // MEM_CGROUP_MAX_RECLAIM_LOOPS
constexpr int kMaxFruitlessTries = 2;  // MEM_CGROUP_MAX_SOFT_LIMIT_RECLAIM_LOOPS

// soft_limit_excess()
int64_t excess_of(const Kernel& k, CgroupIndex group) {
  return std::max<int64_t>(0, k.host.cgroups[group].usage - k.host.cgroups[group].soft_limit);
}

// mem_cgroup_largest_soft_limit_node(). The root: no group but `besides` exceeds its soft limit.
CgroupIndex largest_excess(const Kernel& k, CgroupIndex besides) {
  CgroupIndex largest = host::kRootCgroup;
  int64_t most = 0;
  for (const CgroupIndex group : k.host.cgroups.indices_after(host::kRootCgroup)) {
    const int64_t excess = excess_of(k, group);
    if (group == besides || excess == 0 || excess < most) continue;
    most = excess;
    largest = group;
  }
  return largest;
}

// mem_cgroup_shrink_node(): at priority 0, so that the whole lists are in reach.
int64_t shrink_group(Kernel& k, host::NodeIndex node, CgroupIndex group, ScanControl& outer) {
  ScanControl sc;
  sc.target_cgroup = group;
  sc.by_kswapd = outer.by_kswapd;
  sc.priority = 0;
  shrink_lruvec(k, node, group, sc);
  if (!outer.by_kswapd) outer.nr_scanned += sc.nr_scanned;
  return sc.nr_reclaimed;
}

// mem_cgroup_soft_reclaim(): round after round over the group and those below it, until a quarter of the excess is
// reclaimed or nothing more is found.
int64_t reclaim_excess(Kernel& k, host::NodeIndex node, CgroupIndex root, ScanControl& outer) {
  const int64_t enough = excess_of(k, root) / 4;
  int64_t reclaimed = 0;
  for (int round = 1; round <= kMaxRounds + 1; ++round) {
    for (const CgroupIndex group : k.host.cgroups.indices_after(host::kRootCgroup)) {
      if (!host::within(k.host.cgroups, group, root)) continue;
      reclaimed += shrink_group(k, node, group, outer);
      if (excess_of(k, root) == 0) return reclaimed;
    }
    if (round >= 2 && (reclaimed == 0 || reclaimed >= enough)) break;
  }
  return reclaimed;
}

}  // namespace

void soft_limit_reclaim(Kernel& k, host::NodeIndex node, ScanControl& sc) {
  if (lru_gen_enabled(k)) return;
  CgroupIndex group = largest_excess(k, host::kRootCgroup);
  for (int tries = 0; group != host::kRootCgroup && tries <= kMaxFruitlessTries; ++tries) {
    const int64_t reclaimed = reclaim_excess(k, node, group, sc);
    sc.nr_reclaimed += reclaimed;
    if (reclaimed > 0) return;
    group = largest_excess(k, group);
  }
}

}  // namespace oomcast::mm
