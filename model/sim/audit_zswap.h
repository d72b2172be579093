// Recounts what zswap holds: its entries, and the pages of its pool.
#pragma once

#include <string>
#include <vector>

#include "model/host/host.h"

namespace oomcast::sim {

/// Adds one sentence to `faults` for each count that does not match. Returns the place of each page of memory that
/// zswap takes.
std::vector<host::ZoneRef> check_zswap(const host::Host& host, std::vector<std::string>& faults);

}  // namespace oomcast::sim
