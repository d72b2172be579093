// Holds what kswapd of one node and those who wait for it know of each other.
#pragma once

#include "model/mm/sched.h"
#include "model/spec/host_spec.h"

namespace oomcast::mm {

/// Per-node state of kswapd (mm/kswapd.cc).
struct KswapdState {
  WaitQueue wait;  // kswapd_wait
  WaitQueue pfmemalloc_wait;
  WaitQueue writeback_wait;  // reclaim_wait[VMSCAN_THROTTLE_WRITEBACK]
  WaitQueue noprogress_wait;
  int highest_zoneidx = host::kZoneKinds;  // kZoneKinds: no request recorded (MAX_NR_ZONES)
  bool in_balance = false;
};

}  // namespace oomcast::mm
