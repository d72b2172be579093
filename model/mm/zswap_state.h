// Holds what zswap's shrink worker, its shrinker and those who ask them know of each other.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "model/host/indices.h"
#include "model/mm/sched.h"

namespace oomcast::mm {

struct ZswapState {
  WaitQueue wait;
  int64_t seen = 0;                                   // pages that were to be stored
  uint8_t queued = 0;                                 // runs that the worker is asked for
  bool in_hand = false;                               // the worker holds a page that is nowhere yet
  host::CgroupIndex next_shrink = host::kRootCgroup;  // {6.8} zswap_next_shrink: the group after this is next
  using Lruvec = std::pair<host::NodeIndex, host::CgroupIndex>;
  std::map<Lruvec, int64_t> disk_swapins;  // {6.8} nr_disk_swapins
  std::map<Lruvec, int64_t> deferred;      // {6.8} of the shrinker: nr_deferred
};

}  // namespace oomcast::mm
