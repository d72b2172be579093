// zpool: allocates memory for zswap's entries, in the pools zbud, z3fold and zsmalloc.
//
// Mirrors zbud_alloc(), zbud_free() and zbud_reclaim_page() (mm/zbud.c of 6.1). z3fold works like zbud here, with three
// entries to a page. zsmalloc packs without loss. Differs: all entries have the same size.
#pragma once

#include <optional>

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Entries that fit into one page of the pool; 0: packed (zsmalloc).
int entries_per_page(const host::ZswapSpec& spec);
/// zpool_malloc(): does not reclaim; a task that reclaims may use the reserves. False: no memory.
bool zpool_malloc(Kernel& k, host::SlotId slot, host::ZswapEntry& entry);
void zpool_free(Kernel& k, host::SlotId slot, const host::ZswapEntry& entry);
/// zpool_get_total_size() in pages, with the pages from before the run.
int64_t zpool_pages(const Kernel& k);

/// {before 6.5} The pool page that was filled longest ago; empty: there is none. No entry is put into it until
/// end_reclaim().
std::optional<uint32_t> begin_reclaim(Kernel& k);
/// True: the pool page was empty and is freed. False: it counts as just filled.
bool end_reclaim(Kernel& k, uint32_t page);

}  // namespace oomcast::mm
