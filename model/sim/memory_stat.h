// Adds up memory.stat of the program's cgroup at the end of the run. Kernel-spec section 12.4.
//
// Events are counted when they happen, in the cgroup and all above it (Host::count_in). Amounts are added up here, from
// the pages that are charged to the cgroup and to those below it.
#pragma once

#include "model/host/host.h"
#include "model/sim/outcome.h"

namespace oomcast::sim {

MemoryStat memory_stat_of(const host::Host& host, host::CgroupIndex group);

}  // namespace oomcast::sim
