// Which pod the kubelet of a Kubernetes node evicts: hard eviction on memory.available, before the OOM killer runs.
//
// The kubelet looks every ten seconds and evicts one pod at a time. Each service is a pod; without services the program
// is the only pod. If memory grows faster than that, the kernel's OOM killer is first.
#pragma once

#include <optional>
#include <string>

#include "model/host/host.h"
#include "model/sim/outcome.h"
#include "model/sim/simulation.h"

namespace oomcast::sim {

inline constexpr Nanoseconds kKubeletInterval{10'000'000'000};  // monitoringInterval of the eviction manager

/// The lesser of memory.available and allocatableMemory.available. memory.available is capacity less the root cgroup's
/// working set, that is free memory and inactive file pages. allocatableMemory.available is what is left below
/// memory.max of the cgroups above the program's (/kubepods.slice holds all pods). Both have the same threshold.
Bytes available_memory(const host::Host& host);

/// The pods in the order of eviction, the victim first; nothing if enough memory is available or no pod runs. Pods that
/// use more than their request come first, then those of lower priority, then those that exceed the request by more
/// (rankMemoryPressure()). REQUIRES: host.spec.kubelet.eviction_hard > 0.
std::optional<Eviction> eviction_due(const host::Host& host, const Options& options, Nanoseconds now);

}  // namespace oomcast::sim
