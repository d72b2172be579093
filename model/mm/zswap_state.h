// Holds what zswap's shrink worker, its shrinker and those who ask them know of each other.
#pragma once

#include <cstdint>

#include "model/host/indices.h"
#include "model/mm/sched.h"

namespace oomcast::mm {

struct ZswapState {
  WaitQueue wait;
  int64_t seen = 0;                                   // pages that were to be stored
  uint8_t queued = 0;                                 // runs that the worker is asked for
  int64_t in_hand = 0;                                // pages that those who write back hold, and that are nowhere yet
  host::CgroupIndex next_shrink = host::kRootCgroup;  // {6.8} zswap_next_shrink: the group after this is next
};

}  // namespace oomcast::mm
