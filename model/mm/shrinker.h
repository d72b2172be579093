// Reclaims slab: the shrinker of dentries and inodes, called after each pass over a node's LRU lists.
//
// Mirrors shrink_slab() and do_shrink_slab() (mm/vmscan.c of 6.1, mm/shrinker.c of 6.12) and super_cache_scan()
// (fs/super.c); kernel-spec section 4.13. Differs: one super block for the whole host. Slab pages are freed in
// proportion to the objects freed, not when the last object of a page is; and at once, not after an RCU grace period.
// No object was referenced since the last scan. All objects are charged to the root.
#pragma once

#include <functional>
#include <optional>

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// The figures of one shrinker.
struct Shrinkable {
  int64_t objects = 0;  // count_objects()
  int64_t seeks = 2;    // DEFAULT_SEEKS: the cost of making an object again; 0: none
  int64_t batch = 128;  // SHRINK_BATCH: objects per scan; fewer only if there are no more
};
/// scan_objects(): returns what was freed; empty: SHRINK_STOP.
using ScanObjects = std::function<std::optional<int64_t>(int64_t nr_to_scan)>;
/// do_shrink_slab(). `deferred`: objects that earlier calls have left unscanned. Returns what was freed.
int64_t do_shrink_slab(Kernel& k, const Shrinkable& what, int priority, int64_t& deferred, const ScanObjects& scan);

/// Pages freed on `node` at this priority of reclaim.
int64_t shrink_slab(Kernel& k, host::NodeIndex node, int priority);

}  // namespace oomcast::mm
