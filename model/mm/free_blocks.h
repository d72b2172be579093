// Keeps the pieces in which a zone's free memory lies. Whole pageblocks for huge pages, and pages in blocks of other
// migratetypes.
//
// A coarse stand-in for the buddy lists (expand(), __rmqueue_fallback(), boost_watermark() in mm/page_alloc.c).
// Differs: free pages have no addresses. Small requests use up the pieces that were smaller than a block at the
// beginning, then break one whole block after the other; what is freed goes back in the reverse order, as it does where
// programs use and free memory in one go. What a split huge page leaves free of its block are pieces as well, until
// the rest of the block comes free: small requests take them first, and of the pages that are handed out each holds its
// share of them together. A whole free block is nobody's: it changes its type without any fuss. Each
// fallback of a movable request takes the largest piece, which comes to half of what the richer of the other types has
// at that time; once free pages are plentiful again (four times as many), those of the other types are taken to be back
// in their blocks.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Free pageblocks of 512 pages.
int64_t whole_free_blocks(const host::Zone& zone);
/// `pages` were taken by small requests: pieces of split huge pages go first.
void use_pieces(host::Zone& zone, int64_t pages);
/// `pages` have become free, `pieces` of them of blocks whose huge page was split. With the others their share of the
/// pieces becomes whole. REQUIRES: zone.free has them already.
void take_back(host::Zone& zone, int64_t pages, int64_t pieces);
/// Compaction has moved pages out of a block.
void make_whole_block(host::Zone& zone);
/// `pages` were taken for movable use (__rmqueue()): from CMA where more than half of what was free lies there, or
/// nothing else was free. REQUIRES: zone.free is less them already.
void take_cma(host::Zone& zone, int64_t pages);
/// `pages` have become free: as many of CMA as that has of all pages handed out, since a page does not know its block
/// here.
void give_back_cma(host::Zone& zone, int64_t pages);
/// `pages` are about to be taken for movable use. Gives whether the zone was boosted because it had to steal.
bool take_movable(const Kernel& k, host::Zone& zone, int64_t pages);
/// The same for one page of the kernel's own, of type kUnmovable or kReclaimable; give_back() when it is freed.
bool take_for_kernel(const Kernel& k, host::Zone& zone, host::Migratetype type);
void give_back(host::Zone& zone, host::Migratetype type);
/// After free pages have gone by another way: pieces cannot be more than what is free.
void keep_within_free(host::Zone& zone);

}  // namespace oomcast::mm
