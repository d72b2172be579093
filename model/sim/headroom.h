// Counts what the program can still touch before anything happens to it.
#pragma once

#include <cstdint>

#include "model/host/host.h"

namespace oomcast::sim {

/// Pages that can be allocated before a zone falls to its low or its min watermark, or a cgroup of the program reaches
/// a limit (INT64_MAX: there is none). Not below 0 for the host; a group may be above memory.high.
struct Headroom {
  int64_t above_low = 0, above_min = 0, group = 0;
};
Headroom headroom(const host::Host& host, bool one_node);

/// Pages that can be allocated before a zone falls to its low watermark or a cgroup of the program to a limit; never
/// more than there are. `one_node`: memory of some node may be asked for alone (a policy), so the fullest node counts.
int64_t headroom_pages(const host::Host& host, bool one_node);

}  // namespace oomcast::sim
