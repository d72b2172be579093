// State that zswap's shrink worker and shrinker share with the tasks that store pages.
#pragma once

#include <cstdint>

#include "model/host/indices.h"
#include "model/mm/sched.h"

namespace oomcast::mm {

struct ZswapState {
  WaitQueue wait;
  int64_t seen = 0;                                   // pages offered to zswap
  uint8_t queued = 0;                                 // runs of the worker that were queued
  int64_t in_hand = 0;                                // pages that writebacks are allocating, not in the swap cache yet
  host::CgroupIndex next_shrink = host::kRootCgroup;  // {6.8} zswap_next_shrink: the cgroup after this one is next
};

}  // namespace oomcast::mm
