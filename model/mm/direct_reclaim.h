// Direct reclaim: a task that gets no memory from the allocator reclaims by itself, and stalls.
//
// Mirrors throttle_direct_reclaim(), try_to_free_pages(), do_try_to_free_pages() and shrink_zones() in mm/vmscan.c.
#pragma once

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

/// try_to_free_pages(): returns pages reclaimed (1 if the task was killed while throttled). Counts allocstall_*.
int64_t try_to_free_pages(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node);
enum class MaySwap : uint8_t { kNo, kYes };  // MEMCG_RECLAIM_MAY_SWAP
/// try_to_free_mem_cgroup_pages(): reclaims in one cgroup and those below it. Wakes no kswapd, and does not
/// count allocstall_*.
int64_t try_to_free_cgroup_pages(Kernel& k, host::CgroupIndex cgroup, int64_t pages, MaySwap may_swap = MaySwap::kYes);
/// allow_direct_reclaim(): whether the zones up to Normal have more than half of their min marks free. If not, wakes
/// kswapd.
bool allow_direct_reclaim(Kernel& k, host::NodeIndex node);

}  // namespace oomcast::mm
