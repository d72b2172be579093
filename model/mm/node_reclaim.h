// Reclaims a full local node before the memory of another one is used. vm.zone_reclaim_mode.
//
// Mirrors node_reclaim() and __node_reclaim() in mm/vmscan.c; kernel-spec section 2.4.
#pragma once

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

/// Called where a zone fails its mark, before the next zone is tried. True if the zone passes the mark now.
bool node_reclaim(Kernel& k, host::NodeIndex node, host::ZoneKind zone, int64_t mark, const Gfp& gfp,
                  host::NodeIndex preferred_node, bool fast_path);

}  // namespace oomcast::mm
