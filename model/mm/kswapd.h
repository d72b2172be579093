// Runs background reclaim. One kswapd per node.
//
// Mirrors wakeup_kswapd(), pgdat_balanced(), kswapd(), kswapd_try_to_sleep() and balance_pgdat() in mm/vmscan.c of
// Linux 6.1. Differs: order 0 only (no compaction), no cgroup soft limits.
#pragma once

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

void wakeup_kswapd(Kernel& k, host::NodeIndex node, host::ZoneKind highest_zone);
/// One wake-up attempt for every node that the request may use (wake_all_kswapds).
void wake_all_kswapds(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node);
/// Whether any zone up to `highest_zone` is above its high mark.
bool pgdat_balanced(const host::Node& node, host::ZoneKind highest_zone);
/// The kernel thread kswapd(). Never returns.
void kswapd_main(Kernel& k, host::NodeIndex node);

}  // namespace oomcast::mm
