// Notes that the guest's memory is locked, or locked no more.
#pragma once

#include <stddef.h>

#include <cstdint>

namespace oomcast::inject {

/// `flags` as those of kLock.
void note_lock(const void* start, size_t bytes, uint8_t flags);
/// What MAP_LOCKED does with a new mapping, noted before it is faulted in. False: not locked, and not noted.
bool lock_new_mapping(const void* start, size_t bytes);

}  // namespace oomcast::inject
