// kswapd: background reclaim by one thread per node.
//
// Mirrors wakeup_kswapd(), pgdat_balanced(), kswapd(), kswapd_try_to_sleep() and balance_pgdat() in mm/vmscan.c of
// Linux 6.1. Differs: order 0 only (no compaction), no cgroup soft limits.
#pragma once

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

/// wakeup_kswapd(): records the zone and wakes the node's kswapd, unless the node is balanced or kswapd has failed 16
/// times.
void wakeup_kswapd(Kernel& k, host::NodeIndex node, host::ZoneKind highest_zone);
/// wake_all_kswapds(): wakeup_kswapd() for each node that the request may use.
void wake_all_kswapds(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node);
/// pgdat_balanced(): whether any zone up to `highest_zone` is above its high mark.
bool pgdat_balanced(const host::Node& node, host::ZoneKind highest_zone);
/// kswapd(), the kernel thread. Never returns.
void kswapd_main(Kernel& k, host::NodeIndex node);

}  // namespace oomcast::mm
