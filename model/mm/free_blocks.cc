// Keeps account of a zone's fragmentation. See free_blocks.h; kernel-spec section 1.10.
#include "model/mm/free_blocks.h"

#include <algorithm>

namespace oomcast::mm {

using host::kHugePages;
using host::Migratetype;
using host::Zone;

namespace {

constexpr int64_t kStolenAtLeast = 16;  // pages: a fallback of order 4 and more takes the other free pages of the block
constexpr int64_t kPlentiful = 4;

// `all` times `pages` / `handed_out`. `carry` keeps the remainder for the next call.
int64_t share_of(int64_t all, int64_t pages, int64_t handed_out, int64_t& carry) {
  carry += pages * all;
  const int64_t share = std::min(carry / handed_out, all);
  carry -= share * handed_out;
  return share;
}

// Pages that small requests have allocated since the beginning and not freed.
int64_t taken_in_pages(const Zone& zone) { return zone.start_free - zone.free - zone.huge_blocks * kHugePages; }

// boost_watermark(), called when an allocation must steal from a block of another migratetype.
bool boost_watermark(const Kernel& k, Zone& zone) {
  const int factor = k.host.spec.vm.watermark_boost_factor;
  if (factor == 0 || zone.managed < 4 * kHugePages) return false;
  int64_t max_boost = zone.high * factor / 10000;
  if (max_boost == 0) return false;
  max_boost = std::max(max_boost, kHugePages);
  zone.boost = std::min(zone.boost + kHugePages, max_boost);
  return true;
}

}  // namespace

int64_t whole_free_blocks(const Zone& zone) {
  const int64_t not_whole = taken_in_pages(zone) + zone.split_pieces;
  const int64_t broken = (std::max<int64_t>(0, not_whole - zone.start_pieces) + kHugePages - 1) / kHugePages;
  const int64_t most = std::max<int64_t>(0, zone.free - zone.split_pieces) / kHugePages;
  return std::clamp<int64_t>(zone.start_whole - zone.huge_blocks - broken, 0, most);
}

void use_pieces(Zone& zone, int64_t pages) { zone.split_pieces -= std::min(zone.split_pieces, pages); }

void take_back(Zone& zone, int64_t pages, int64_t pieces) {
  const int64_t others = pages - pieces;
  if (zone.split_pieces > 0 && others > 0) {
    const int64_t handed_out = std::max(taken_in_pages(zone) + others, others);
    zone.split_pieces -= share_of(zone.split_pieces, others, handed_out, zone.pieces_carry);
  }
  zone.split_pieces += pieces;
}

void make_whole_block(Zone& zone) {
  if (zone.split_pieces >= kHugePages)
    zone.split_pieces -= kHugePages;
  else
    ++zone.start_whole;
}

void take_cma(Zone& zone, int64_t pages) {
  for (int64_t free = zone.free + pages; pages > 0 && zone.free_cma > 0; --pages, --free) {
    if (zone.free_cma <= free / 2 && zone.free_cma < free) continue;
    --zone.free_cma;
    ++zone.cma_used;
  }
}

void give_back_cma(Zone& zone, int64_t pages) {
  if (zone.cma_used == 0) return;
  const int64_t handed_out = std::max(zone.managed - zone.free + pages, zone.cma_used);
  const int64_t back = share_of(zone.cma_used, pages, handed_out, zone.cma_carry);
  zone.cma_used -= back;
  zone.free_cma += back;
}

bool take_movable(const Kernel& k, Zone& zone, int64_t pages) {
  bool boosted = false;
  host::KernelPieces& others = zone.other_free;
  // A block that is mostly in use keeps its migratetype when its free pages are stolen, and gets them back when they
  // are freed.
  if (zone.free > kPlentiful * zone.other_capacity.sum()) {
    others.unmovable = std::max(others.unmovable, zone.other_capacity.unmovable);
    others.reclaimable = std::max(others.reclaimable, zone.other_capacity.reclaimable);
  }
  while (others.sum() > 0 && zone.free - others.sum() < pages) {
    int64_t& richer = others.larger();
    richer -= std::min(richer, std::max(richer - richer / 2, kStolenAtLeast));
    boosted |= boost_watermark(k, zone);
  }
  return boosted;
}

bool take_for_kernel(const Kernel& k, Zone& zone, Migratetype type) {
  int64_t& own = zone.other_free.of(type);
  if (own > 0) {
    --own;
    return false;
  }
  const int64_t others = zone.other_free.sum();
  if (whole_free_blocks(zone) > 0) {
    own = std::clamp<int64_t>(zone.free - others, 0, kHugePages - 1);
    return false;
  }
  // No whole block is free: a fallback steals half of the movable free pages, at most half a block.
  own = std::clamp<int64_t>((zone.free - others) / 2, 0, kHugePages / 2 - 1);
  return boost_watermark(k, zone);
}

void give_back(Zone& zone, Migratetype type) {
  if (zone.other_free.sum() < zone.free) ++zone.other_free.of(type);
}

void keep_within_free(Zone& zone) {
  for (int64_t over = zone.other_free.sum() - zone.free; over > 0; over = zone.other_free.sum() - zone.free) {
    int64_t& richer = zone.other_free.larger();
    richer -= std::min(richer, over);
  }
}

}  // namespace oomcast::mm
