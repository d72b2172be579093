// Memory that the recorder shares with guests, and the futexes that lie in it.
#pragma once

#include <time.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

/// Of the memory that we share with guests, as /proc/PID/maps shows it.
inline constexpr const char* kRingName = "/memfd:oomcast-ring";
/// Such memory, mode 0600. No guest can shrink it under our feet. Empty: not to be had.
UniqueFd sealed_memory(size_t bytes);

long shared_futex(std::atomic<uint32_t>* word, int operation, uint32_t value, const timespec* timeout);

}  // namespace oomcast::record
