// Notes that memory of the guest is locked or unlocked.
#pragma once

#include <stddef.h>

#include <cstdint>

namespace oomcast::inject {

/// `flags`: those of a kLock event; 0 unlocks.
void note_lock(const void* start, size_t bytes, uint8_t flags);
/// Locks a new mapping as MAP_LOCKED does, and notes it before it is faulted in. False: neither locked nor noted.
bool lock_new_mapping(const void* start, size_t bytes);

}  // namespace oomcast::inject
