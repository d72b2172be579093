// Adds up what memory.stat of the program's cgroup would say when the run is over. Kernel-spec section 12.4.
//
// Events are counted as they happen, in the group and all above it (Host::count_in); amounts are added up here, from
// the pages that are charged to the group and to those below it.
#pragma once

#include "model/host/host.h"
#include "model/sim/outcome.h"

namespace oomcast::sim {

MemoryStat memory_stat_of(const host::Host& host, host::CgroupIndex group);

}  // namespace oomcast::sim
