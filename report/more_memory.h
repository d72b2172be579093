// Computes how much more memory the host needs to hold what the program went on to need.
#pragma once

#include <string>

#include "model/spec/host_spec.h"

namespace oomcast::report {

/// Free pages of the zone that requests for user memory may not take: __zone_watermark_ok() with the min mark and the
/// lowmem reserve for zone Movable's requests.
Pages held_back(const host::ZoneSpec& zone);

/// Memory to add to the host, all nodes growing alike, so that tasks can use `growth` more before they fall below the
/// min marks: with the memory grow min_free_kbytes, which is the root of it, and the lowmem reserves. In whole pages.
Bytes memory_to_add(const host::HostSpec& host, Bytes growth);

/// "263.4 MiB", rounded up: who applies it has enough.
std::string at_least_text(Bytes bytes);

}  // namespace oomcast::report
