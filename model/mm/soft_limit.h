// memory.soft_limit_in_bytes of cgroup v1: when the host is short of memory, groups above it give theirs first.
//
// Mirrors mem_cgroup_soft_limit_reclaim() in mm/memcontrol.c of Linux 6.1 (memcontrol-v1.c of 6.12). Differs: the
// excess of a group is the present one, where the kernel sorts by that of the group's last 1024th event; the multi-gen
// LRU, which moves such a group to the front of its memcg LRU, is not modelled.
#pragma once

#include "model/mm/vmscan.h"

namespace oomcast::mm {

/// Reclaims on the node from the group with the largest excess, and from the next one if that gave nothing. Adds to
/// sc.nr_reclaimed, and in direct reclaim to sc.nr_scanned. With the multi-gen LRU it does nothing.
void soft_limit_reclaim(Kernel& k, host::NodeIndex node, ScanControl& sc);

}  // namespace oomcast::mm
