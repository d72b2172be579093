// Moves pages together so that a whole pageblock comes free. Direct compaction for huge pages.
//
// Mirrors __alloc_pages_direct_compact() and compaction_suitable() in Linux 6.1, to its outcome. Differs: where there
// is room it always succeeds, as user pages can be moved; no deferral, no kcompactd.
#pragma once

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

/// True if some zone of the request has a whole free block now.
bool compact_nodes(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node);

}  // namespace oomcast::mm
