// Notes that the guest's memory is locked, or locked no more.
#pragma once

#include <stddef.h>

#include <cstdint>

namespace oomcast::inject {

/// `flags` as those of kLock.
void note_lock(const void* start, size_t bytes, uint8_t flags);

}  // namespace oomcast::inject
