// Computes how much memory the host lacks to hold what the program went on to need.
#pragma once

#include "model/spec/host_spec.h"

namespace oomcast::report {

/// Returns the free pages of the zone that a request for user memory may not take: the min watermark and the lowmem
/// reserve against requests for zone Movable, as in __zone_watermark_ok().
Pages held_back(const host::ZoneSpec& zone);

/// Returns the memory to add to the host (whole pages, in bytes; all nodes grow in proportion) so that tasks can use
/// `growth` more above the min watermarks. The larger host has larger reserves: min_free_kbytes grows with the root of
/// the memory, and the lowmem reserves grow with it.
Bytes memory_to_add(const host::HostSpec& host, Bytes growth);

}  // namespace oomcast::report
