// Recounts the unmapped pages of partly unmapped huge pages (mm/deferred_split.h).
#pragma once

#include <string>
#include <vector>

#include "model/host/host.h"

namespace oomcast::sim {

/// Checks that the kept pages of huge pages are unmapped, that no other anonymous page in memory is unmapped, and that
/// the mapped pages are present. Adds one sentence to `faults` for each fault.
void check_partly_mapped(const host::Host& host, std::vector<std::string>& faults);

}  // namespace oomcast::sim
