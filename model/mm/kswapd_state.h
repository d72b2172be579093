// State that a node's kswapd shares with the tasks that wait for it.
#pragma once

#include <optional>

#include "model/mm/sched.h"
#include "model/spec/host_spec.h"

namespace oomcast::mm {

/// For mm/kswapd.cc; fields of pg_data_t.
struct KswapdState {
  WaitQueue wait;  // kswapd_wait
  WaitQueue pfmemalloc_wait;
  WaitQueue writeback_wait;  // reclaim_wait[VMSCAN_THROTTLE_WRITEBACK]
  WaitQueue noprogress_wait;
  std::optional<host::ZoneKind> highest_zone;  // kswapd_highest_zoneidx; absent: no request
  bool in_balance = false;
};

}  // namespace oomcast::mm
