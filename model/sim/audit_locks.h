// Recounts the locked pages, page by page and mapping by mapping.
#pragma once

#include <string>
#include <vector>

#include "model/host/host.h"

namespace oomcast::sim {

/// Pages that a locked mapping maps, by node and zone.
using LockedPages = IndexVector<host::NodeIndex, host::ByZone<int64_t>>;

/// Returns the recount. Adds one sentence to `faults` for each count that does not match. `moving`: a task may be
/// inside mremap(), with pages whose mapping is gone already.
LockedPages count_locked(const host::Host& host, bool moving, std::vector<std::string>& faults);

}  // namespace oomcast::sim
