// Estimates the dentries and inodes of a host whose source does not count them.
#pragma once

#include <cstdint>

#include "model/spec/host_spec.h"

namespace oomcast::host {

/// The node is out of memory and still has its reclaimable slab, so that nobody could free it: every zone is at or
/// below its min mark plus the reserve for lower zones. OOM logs, and host descriptions made of one, show such nodes.
bool slab_cannot_be_had(const NodeSpec& node);
/// Estimates the objects from the reclaimable slab, and lists the estimate as assumed. `held_pages`: reclaimable slab
/// that was left when the kernel's OOM killer ran; 0: not known. Slab of a slab_cannot_be_had() node is left out.
void assume_vfs_cache(HostSpec& spec, const char* why, int64_t held_pages = 0);

}  // namespace oomcast::host
