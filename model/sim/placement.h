// Applies NUMA placement: memory policies of threads and ranges, and the CPUs of a thread.
#pragma once

#include <cstdint>

#include "model/mm/kernel.h"
#include "model/trace/event.h"

namespace oomcast::sim {

/// Applies kSetPolicy, kBindRange and kHomeNode. A policy that is impossible on the target changes nothing.
void set_placement(mm::Kernel& k, const trace::Event& event, host::ProcessIndex index);
/// Applies kAffinity: moves the running task to the first CPU of the mask that the target has. `only_node`: the number
/// of the only node allowed (--cpu-node); -1: any.
void run_on(mm::Kernel& k, int only_node, uint64_t cpu_mask);

}  // namespace oomcast::sim
