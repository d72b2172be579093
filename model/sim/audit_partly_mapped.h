// Recounts what is held back of huge pages that were unmapped in part.
#pragma once

#include <string>
#include <vector>

#include "model/host/host.h"

namespace oomcast::sim {

/// What is held of huge pages is unmapped, and nothing else in memory is; the rest of each is where it was. What does
/// not hold goes to `faults`, one sentence each.
void check_partly_mapped(const host::Host& host, std::vector<std::string>& faults);

}  // namespace oomcast::sim
