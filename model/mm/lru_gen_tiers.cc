// Compares refault rates of types and tiers. See lru_gen_tiers.h; kernel-spec section 5.4.
#include "model/mm/lru_gen_tiers.h"

namespace oomcast::mm {

using host::kGenAnon;
using host::kGenFile;
using host::kTiers;
using host::LruGen;

namespace {

constexpr uint64_t kMaxSwappiness = 200, kLimitedRefaults = 64;  // MAX_SWAPPINESS, MIN_LRU_BATCH

/// struct ctrl_pos.
struct Position {
  uint64_t refaulted = 0, total = 0, gain = 0;
};

Position read_position(const LruGen& gens, size_t type, size_t tier, uint64_t gain) {
  int64_t total = gens.avg_total[type][tier] + gens.evicted[type][tier];
  if (tier > 0) total += gens.protected_pages[type][tier - 1];
  return {static_cast<uint64_t>(gens.avg_refaulted[type][tier] + gens.refaulted[type][tier]),
          static_cast<uint64_t>(total), gain};
}

// positive_ctrl_err(): few refaults, or a rate no higher than that of the set point.
bool positive_error(const Position& set_point, const Position& value) {
  return value.refaulted < kLimitedRefaults ||
         value.refaulted * (set_point.total + kLimitedRefaults) * set_point.gain <=
             (set_point.refaulted + 1) * value.total * value.gain;
}

// The tier before the first one that refaults more than the set point.
size_t last_tier(const LruGen& gens, size_t type, const Position& set_point, uint64_t gain) {
  size_t tier = 1;
  while (tier < kTiers && positive_error(set_point, read_position(gens, type, tier, gain))) ++tier;
  return tier - 1;
}

}  // namespace

void carry_over(LruGen& gens, size_t type) {
  for (size_t tier = 0; tier < kTiers; ++tier) {
    gens.avg_refaulted[type][tier] = (gens.avg_refaulted[type][tier] + gens.refaulted[type][tier]) / 2;
    int64_t total = gens.avg_total[type][tier] + gens.evicted[type][tier];
    if (tier > 0) total += gens.protected_pages[type][tier - 1];
    gens.avg_total[type][tier] = total / 2;
    gens.refaulted[type][tier] = gens.evicted[type][tier] = 0;
    if (tier > 0) gens.protected_pages[type][tier - 1] = 0;
  }
}

TypeAndTier get_type_to_scan(const LruGen& gens, int64_t swappiness) {
  const uint64_t gain[] = {static_cast<uint64_t>(swappiness), kMaxSwappiness - static_cast<uint64_t>(swappiness)};
  const bool file = positive_error(read_position(gens, kGenAnon, 0, gain[kGenAnon]),
                                   read_position(gens, kGenFile, 0, gain[kGenFile]));
  const size_t type = file ? kGenFile : kGenAnon, other = file ? kGenAnon : kGenFile;
  return {type, last_tier(gens, type, read_position(gens, other, 0, gain[other]), gain[type])};
}

size_t get_tier_idx(const LruGen& gens, size_t type) {
  return last_tier(gens, type, read_position(gens, type, 0, 1), 2);
}

}  // namespace oomcast::mm
