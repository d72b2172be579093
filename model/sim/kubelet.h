// Decides whom the kubelet of a Kubernetes node evicts: hard eviction on memory.available, before the kernel kills.
//
// The kubelet looks every ten seconds and ends one pod at a time. Each service is a pod; without services the program
// is the only pod. Memory that grows faster than that is left to the kernel's OOM killer.
#pragma once

#include <optional>
#include <string>

#include "model/host/host.h"
#include "model/sim/outcome.h"
#include "model/sim/simulation.h"

namespace oomcast::sim {

inline constexpr Nanoseconds kKubeletInterval{10'000'000'000};  // monitoringInterval of its eviction manager

/// The lesser of memory.available and allocatableMemory.available. The first is capacity less the root group's working
/// set: what is free and the inactive file pages. The second is what is left below the limit of the group of all pods
/// (/kubepods.slice, above the program's group), where there is one; both have the same threshold.
Bytes available_memory(const host::Host& host);

/// Whom it evicts at this look; absent: enough is available, or nobody runs. Pods that use more than they requested
/// come first, then lower priority, then more use beyond the request. REQUIRES: host.spec.kubelet.eviction_hard > 0.
std::optional<Eviction> eviction_due(const host::Host& host, const Options& options, Nanoseconds now);

}  // namespace oomcast::sim
