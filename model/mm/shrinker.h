// Reclaims slab. The shrinker of dentries and inodes, asked after each pass over a node's lists.
//
// Mirrors shrink_slab() and do_shrink_slab() (mm/vmscan.c of 6.1, mm/shrinker.c of 6.12) and super_cache_scan()
// (fs/super.c); kernel-spec section 4.13. Differs: one super block for the whole host; slab pages come free as objects
// do, not when the last object of a given page goes, and at once, not after a grace period of RCU; no object was used
// since it was last looked at; all of them are charged to the root.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Pages freed on `node` at this priority of reclaim.
int64_t shrink_slab(Kernel& k, host::NodeIndex node, int priority);

}  // namespace oomcast::mm
