// One number over the final state and all counters, to tell whether two runs are the same.
#pragma once

#include <cstdint>

#include "model/host/host.h"
#include "model/sim/outcome.h"

namespace oomcast::sim {

uint64_t digest_of(const host::Host& host, const Outcome& outcome);

}  // namespace oomcast::sim
