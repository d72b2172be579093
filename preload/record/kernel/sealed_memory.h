// Memory shared between the recorder and guests, and futexes in it.
#pragma once

#include <time.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

/// Name of that memory in /proc/PID/maps.
inline constexpr const char* kRingName = "/memfd:oomcast-ring";
/// Such memory, mode 0600. Sealed: a guest that shrank it would kill the recorder by SIGBUS. Invalid: none can be had.
UniqueFd sealed_memory(size_t bytes);

/// The system call futex(2) on a word in shared memory.
long shared_futex(std::atomic<uint32_t>* word, int operation, uint32_t value, const timespec* timeout);

}  // namespace oomcast::record
