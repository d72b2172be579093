// Reclaims slab. The shrinker of dentries and inodes, asked after each pass over a node's lists.
//
// Mirrors shrink_slab() and do_shrink_slab() (mm/vmscan.c of 6.1, mm/shrinker.c of 6.12) and super_cache_scan()
// (fs/super.c); kernel-spec section 4.13. Differs: one super block for the whole host; slab pages come free as objects
// do, not when the last object of a given page goes, and at once, not after a grace period of RCU; no object was used
// since it was last looked at; all of them are charged to the root.
#pragma once

#include <functional>
#include <optional>

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// What a shrinker can be asked for.
struct Shrinkable {
  int64_t objects = 0;  // count_objects()
  int64_t seeks = 2;    // what an object costs to make again, DEFAULT_SEEKS; 0: nothing
  int64_t batch = 128;  // SHRINK_BATCH: scanned in one go; fewer only if there are no more
};
/// Gives what was freed; nothing: SHRINK_STOP.
using ScanObjects = std::function<std::optional<int64_t>(int64_t nr_to_scan)>;
/// do_shrink_slab(); `deferred`: what earlier turns have left to do. Gives what was freed.
int64_t do_shrink_slab(Kernel& k, const Shrinkable& what, int priority, int64_t& deferred, const ScanObjects& scan);

/// Pages freed on `node` at this priority of reclaim.
int64_t shrink_slab(Kernel& k, host::NodeIndex node, int priority);

}  // namespace oomcast::mm
