// Direct compaction for huge pages: moves pages so that a whole pageblock becomes free.
//
// Mirrors the outcome of __alloc_pages_direct_compact() and compaction_suitable() in Linux 6.1. Differs: with enough
// free memory it always succeeds, as user pages can be moved; there is no deferral and no kcompactd.
#pragma once

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

/// True: some zone that the request may use has a free pageblock now.
bool compact_nodes(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node);

}  // namespace oomcast::mm
