// Lets a task for which the allocator has nothing reclaim for itself, and stall.
//
// Mirrors throttle_direct_reclaim(), try_to_free_pages(), do_try_to_free_pages() and shrink_zones() in mm/vmscan.c.
#pragma once

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

/// Pages reclaimed (1 if the task was killed while throttled). Counts allocstall_*.
int64_t try_to_free_pages(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node);
/// Reclaims inside one cgroup (try_to_free_mem_cgroup_pages): no kswapd, no allocstall, no host counters.
int64_t try_to_free_cgroup_pages(Kernel& k, host::CgroupIndex cgroup, int64_t pages);
/// Are at least half of the reserves of the node's zones up to Normal left? Wakes kswapd if not.
bool allow_direct_reclaim(Kernel& k, host::NodeIndex node);

}  // namespace oomcast::mm
