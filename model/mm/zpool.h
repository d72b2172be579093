// Gives zswap's entries memory. The pools zbud, z3fold and zsmalloc.
//
// Mirrors zbud_alloc(), zbud_free() and zbud_reclaim_page() (mm/zbud.c of 6.1). z3fold works like zbud here, with three
// to a page; zsmalloc packs without loss. Differs: all entries are equally large.
#pragma once

#include <optional>

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Entries that fit into one page of the pool; 0: packed (zsmalloc).
int entries_per_page(const host::ZswapSpec& spec);
/// zpool_malloc(): never waits; who stores a page may use the reserves. False: no memory.
bool zpool_malloc(Kernel& k, host::SlotId slot, host::ZswapEntry& entry);
void zpool_free(Kernel& k, host::SlotId slot, const host::ZswapEntry& entry);
/// zpool_get_total_size(), what stood there before the run included.
int64_t zpool_pages(const Kernel& k);

/// {before 6.5} The page that was filled longest ago; it takes nothing in until end_reclaim(). Nothing if there is
/// none.
std::optional<uint32_t> begin_reclaim(Kernel& k);
/// Gives whether it is free now. If not, it counts as just filled.
bool end_reclaim(Kernel& k, uint32_t page);

}  // namespace oomcast::mm
