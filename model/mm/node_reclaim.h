// vm.zone_reclaim_mode: reclaims a full local node before memory of another node is used.
//
// Mirrors node_reclaim() and __node_reclaim() in mm/vmscan.c; kernel-spec section 2.4.
#pragma once

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

/// node_reclaim(): called when a zone fails its watermark, before the next zone is tried. True: the zone passes it now.
bool node_reclaim(Kernel& k, host::NodeIndex node, host::ZoneKind zone, int64_t mark, const Gfp& gfp,
                  host::NodeIndex preferred_node, bool fast_path);

}  // namespace oomcast::mm
