// Shrinks what a node holds to fit into less memory, as a smaller machine of the same kind would hold less.
#pragma once

#include <vector>

#include "model/base/result.h"
#include "model/spec/defaults.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

/// Returns the memory of each node, with `managed[i]` pages for node i, before it is divided into zones. What is in use
/// stays if `reserve[i]` pages are left free. Otherwise the node gives up page cache and then kernel memory (slab among
/// it), each at most down to its old share of the node's memory. Named files and cgroups give up the same share of
/// their cache. What processes hold is never given up: error if it does not fit. Changes lists and counters of `spec`,
/// not the sizes of its zones: lay_out_zones() follows.
Result<std::vector<NodeMemory>> shrink_nodes(HostSpec& spec, const std::vector<Pages>& managed,
                                             const std::vector<Pages>& reserve);

}  // namespace oomcast::host
