// Measures what tracking costs a guest on this machine.
#pragma once

#include <cstdint>

#include "preload/record/guest/task_clock.h"

namespace oomcast::record {

/// `patience_ms`: the longest wait for a fault of the measurement. After it (as on a machine that was suspended) the
/// defaults of TrackingCost are returned.
TrackingCost measure_tracking_cost(int patience_ms = 2000);
/// CPU time of a first touch that the kernel serves itself. It is part of a thread's CPU time and is taken off, because
/// the model has its own cost for faults.
uint64_t measure_native_fault_ns();

}  // namespace oomcast::record
