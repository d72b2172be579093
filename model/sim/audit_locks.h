// Recounts what is locked: page by page, and mapping by mapping.
#pragma once

#include <string>
#include <vector>

#include "model/host/host.h"

namespace oomcast::sim {

/// Pages that a locked mapping maps.
using LockedPages = IndexVector<host::NodeIndex, host::ByZone<int64_t>>;

/// What does not hold goes to `faults`, one sentence each. `moving`: somebody may be in the middle of mremap(), with
/// pages whose mapping is gone already.
LockedPages count_locked(const host::Host& host, bool moving, std::vector<std::string>& faults);

}  // namespace oomcast::sim
