// Makes what a node holds fit into less memory, as a smaller machine of its kind would hold less.
#pragma once

#include <vector>

#include "model/base/result.h"
#include "model/spec/defaults.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

/// The nodes' memory before it is cut into zones, with `managed[i]` for node i. What is in use stays as long as free
/// memory of `reserve[i]` is left. Below that the node gives up page cache, then memory of the kernel's own (slab among
/// it), each down to the share that it had of the larger node. Named files and cgroups give up their part of the cache.
/// What processes hold is never given up: an error if it does not fit. Changes the lists and counters of `spec`; its
/// zones are left to lay_out_zones().
Result<std::vector<NodeMemory>> shrink_nodes(HostSpec& spec, const std::vector<Pages>& managed,
                                             const std::vector<Pages>& reserve);

}  // namespace oomcast::host
