// Measures what tracking costs a guest on this machine.
#pragma once

#include <cstdint>

#include "preload/record/guest/task_clock.h"

namespace oomcast::record {

/// `patience_ms`: how long a fault may take to come. Where it does not, as on a machine that was suspended, the cost is
/// assumed.
TrackingCost measure_tracking_cost(int patience_ms = 2000);
/// What a first touch costs a thread here when it is not held: it lies in its CPU time, and the model charges its own.
uint64_t measure_native_fault_ns();

}  // namespace oomcast::record
