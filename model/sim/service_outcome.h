// Sums up what became of one of several programs on the host.
#pragma once

#include <vector>

#include "model/host/host.h"
#include "model/sim/simulation.h"

namespace oomcast::sim {

/// Of service `number` of `services`, counted from 0. `fate`: what the incident log has of it; `last`: when its last
/// event happened.
ServiceOutcome service_outcome(const host::Host& host, const std::vector<ServiceOptions>& services, size_t number,
                               ServiceFate fate, Nanoseconds last);

/// The file systems in memory that the program or a service has written to, in the order of their first use.
std::vector<MemoryMount> memory_mounts(const host::Host& host, const std::vector<ServiceOptions>& services);

}  // namespace oomcast::sim
