// In which pieces is a zone's free memory? See free_blocks.h; kernel-spec section 1.10.
#include "model/mm/free_blocks.h"

#include <algorithm>

namespace oomcast::mm {

using host::kHugePages;
using host::Zone;

namespace {

constexpr int64_t kStolenAtLeast = 16;  // pieces from order 4 on come with what else is free in their block
constexpr int64_t kPlentiful = 4;

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
  const int64_t taken_in_pages = zone.start_free - zone.free - zone.huge_blocks * kHugePages;
  const int64_t broken = (std::max<int64_t>(0, taken_in_pages - zone.start_pieces) + kHugePages - 1) / kHugePages;
  return std::clamp<int64_t>(zone.start_whole - zone.huge_blocks - broken, 0, zone.free / kHugePages);
}

bool take_movable(const Kernel& k, Zone& zone, int64_t pages) {
  bool boosted = false;
  // A block that was mostly in use keeps its type when its free pages are stolen, and has them back when they are freed.
  if (zone.free > kPlentiful * zone.other_capacity) zone.other_free = std::max(zone.other_free, zone.other_capacity);
  while (zone.other_free > 0 && zone.free - zone.other_free < pages) {
    zone.other_free -= std::min(zone.other_free, std::max(zone.other_free - zone.other_free / 2, kStolenAtLeast));
    boosted |= boost_watermark(k, zone);
  }
  return boosted;
}

bool take_unmovable(const Kernel& k, Zone& zone) {
  if (zone.other_free > 0) {
    --zone.other_free;
    return false;
  }
  // A whole movable block changes hands without any fuss; part of one is a fallback.
  if (whole_free_blocks(zone) > 0) {
    zone.other_free = std::min(zone.free, kHugePages - 1);
    return false;
  }
  zone.other_free = std::min(zone.free / 2, kHugePages / 2 - 1);
  return boost_watermark(k, zone);
}

void give_unmovable(Zone& zone) { zone.other_free = std::min(zone.other_free + 1, zone.free); }

}  // namespace oomcast::mm
