// Applies what a program asks of NUMA placement: memory policies of threads and ranges, and the CPUs of a thread.
#pragma once

#include <cstdint>

#include "model/mm/kernel.h"
#include "model/trace/event.h"

namespace oomcast::sim {

/// kSetPolicy, kBindRange, kHomeNode. A policy that the target cannot have changes nothing.
void set_placement(mm::Kernel& k, const trace::Event& event, host::ProcessIndex index);
/// kAffinity: the running task goes to the first CPU of the mask that the target has. `only_node`: the number of the
/// node that it stays on (--cpu-node); -1: any.
void run_on(mm::Kernel& k, int only_node, uint64_t cpu_mask);

}  // namespace oomcast::sim
