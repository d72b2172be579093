// Recounts what zswap keeps: entry by entry, and page of its pool by page.
#pragma once

#include <string>
#include <vector>

#include "model/host/host.h"

namespace oomcast::sim {

/// What does not hold goes to `faults`, one sentence each. Gives each page of memory that zswap takes.
std::vector<host::ZoneRef> check_zswap(const host::Host& host, std::vector<std::string>& faults);

}  // namespace oomcast::sim
