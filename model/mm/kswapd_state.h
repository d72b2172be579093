// Holds what kswapd of one node and those who wait for it know of each other.
#pragma once

#include <optional>

#include "model/mm/sched.h"
#include "model/spec/host_spec.h"

namespace oomcast::mm {

/// Per-node state of kswapd (mm/kswapd.cc).
struct KswapdState {
  WaitQueue wait;  // kswapd_wait
  WaitQueue pfmemalloc_wait;
  WaitQueue writeback_wait;  // reclaim_wait[VMSCAN_THROTTLE_WRITEBACK]
  WaitQueue noprogress_wait;
  std::optional<host::ZoneKind> highest_zone;  // kswapd_highest_zoneidx; absent: no request recorded
  bool in_balance = false;
};

}  // namespace oomcast::mm
