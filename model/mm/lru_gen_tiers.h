// Chooses what to evict by what came back. The refault rates of types and tiers, compared as a PID controller would.
//
// Mirrors read_ctrl_pos(), reset_ctrl_pos(), positive_ctrl_err(), get_tier_idx() and get_type_to_scan() in mm/vmscan.c
// of Linux 6.12, built without CONFIG_LRU_GEN_STATS (one set of counts per generation that is being evicted).
#pragma once

#include "model/host/lru_gen.h"

namespace oomcast::mm {

struct TypeAndTier {
  size_t type = host::kGenFile;
  size_t tier = 0;  // the last one to evict; tiers above it are protected
};

/// Folds the counts of the generation that is given up into the averages (reset_ctrl_pos with carryover).
void carry_over(host::LruGen& gens, size_t type);
/// The type whose first tier refaults less, given swappiness, and its tiers that refault no more than the other type's
/// first.
TypeAndTier get_type_to_scan(const host::LruGen& gens, int64_t swappiness);
/// The tiers of one type that refault less than twice as much as its first.
size_t get_tier_idx(const host::LruGen& gens, size_t type);

}  // namespace oomcast::mm
