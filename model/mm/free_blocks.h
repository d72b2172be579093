// Keeps account of a zone's fragmentation: how many whole pageblocks are free for huge pages, and how many free pages
// lie in pageblocks of other migratetypes.
//
// A coarse stand-in for the buddy lists (expand(), __rmqueue_fallback(), boost_watermark() in mm/page_alloc.c). A piece
// is free memory smaller than a pageblock. Differs: free pages have no addresses.
//
// Small requests first use the pieces of split huge pages, then the pieces that the zone had at the beginning, then
// break one whole block after the other. Freed pages go back in the reverse order, as they do where a program allocates
// and frees its memory as a whole. The free pages of a split huge page are pieces until the other pages of its block
// are free: each allocated page stands for an equal share of these pieces. A whole free block changes its migratetype
// without a fallback. A fallback of a movable request steals half of the free pages of that other migratetype which has
// more. Once the zone's free pages are four times the capacity of the other migratetypes, these have their free pages
// back.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Free pageblocks of 512 pages.
int64_t whole_free_blocks(const host::Zone& zone);
/// `pages` were allocated by small requests, pieces of split huge pages first.
void use_pieces(host::Zone& zone, int64_t pages);
/// `pages` were freed; `pieces` of them belong to blocks whose huge page was split. The others make their share of the
/// pieces whole. REQUIRES: zone.free includes them already.
void take_back(host::Zone& zone, int64_t pages, int64_t pieces);
/// Compaction has freed a block.
void make_whole_block(host::Zone& zone);
/// `pages` were allocated as movable (__rmqueue()). They come from CMA while it has more than half of the free pages,
/// or all of them. REQUIRES: zone.free excludes them already.
void take_cma(host::Zone& zone, int64_t pages);
/// `pages` were freed. As a page does not know its block here, CMA gets back the share that it has of all allocated
/// pages.
void give_back_cma(host::Zone& zone, int64_t pages);
/// `pages` are about to be allocated as movable. True: the zone had to steal from another migratetype, and its
/// watermarks were boosted.
bool take_movable(const Kernel& k, host::Zone& zone, int64_t pages);
/// The same for one page of the kernel's own, of type kUnmovable or kReclaimable; give_back() when it is freed.
bool take_for_kernel(const Kernel& k, host::Zone& zone, host::Migratetype type);
void give_back(host::Zone& zone, host::Migratetype type);
/// Free pages were taken in another way: bounds the free pages of other migratetypes by zone.free.
void keep_within_free(host::Zone& zone);

}  // namespace oomcast::mm
