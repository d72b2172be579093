// Guesses the dentries and inodes of a host whose source does not count them.
#pragma once

#include <cstdint>

#include "model/spec/host_spec.h"

namespace oomcast::host {

/// Memory of the node was short, and its reclaimable slab was still there: nobody could have it. An OOM log shows that,
/// or a host description made of one: each zone is at or below its min mark and the reserve for lower zones.
bool slab_cannot_be_had(const NodeSpec& node);
/// Guesses the objects of a host whose source does not count them, from its reclaimable slab; says so in `assumed`.
/// `held_pages` of it were left when the kernel killed for want of memory; 0: not known. None of a node that is out of
/// memory and still has slab.
void assume_vfs_cache(HostSpec& spec, const char* why, int64_t held_pages = 0);

}  // namespace oomcast::host
