// The pages that the program can still touch before the host reclaims.
#pragma once

#include <cstdint>

#include "model/host/host.h"

namespace oomcast::sim {

/// Pages that can be allocated before the free pages reach the low marks, the min marks, or before a cgroup of the
/// program reaches memory.max or memory.high (INT64_MAX: no limit). The first two are not negative; `group` may be.
struct Headroom {
  int64_t above_low = 0, above_min = 0, group = 0;
};
Headroom headroom(const host::Host& host, bool one_node);

/// The least of above_low and group, not below 0. `one_node`: some memory must come from one node (a policy), so that
/// the node with the least room counts.
int64_t headroom_pages(const host::Host& host, bool one_node);

}  // namespace oomcast::sim
