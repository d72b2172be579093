// Chooses the type and the tiers to evict by their refault rates, which a PID controller compares.
//
// Mirrors read_ctrl_pos(), reset_ctrl_pos(), positive_ctrl_err(), get_tier_idx() and get_type_to_scan() in mm/vmscan.c
// of Linux 6.12, without CONFIG_LRU_GEN_STATS: one set of counts for the generation that is being evicted.
#pragma once

#include "model/host/lru_gen.h"

namespace oomcast::mm {

struct TypeAndTier {
  size_t type = host::kGenFile;
  size_t tier = 0;  // the highest tier to evict; tiers above it are protected
};

/// reset_ctrl_pos() with carryover: when an oldest generation is dropped, adds its counts to the averages and halves
/// them.
void carry_over(host::LruGen& gens, size_t type);
/// get_type_to_scan(): the type whose first tier refaults less, weighted by swappiness, and its tiers that refault no
/// more than the first tier of the other type.
TypeAndTier get_type_to_scan(const host::LruGen& gens, int64_t swappiness);
/// get_tier_idx(): the highest tier of a type whose refault rate is at most twice that of the type's first tier.
size_t get_tier_idx(const host::LruGen& gens, size_t type);

}  // namespace oomcast::mm
