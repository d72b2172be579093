// Finds a thread that still has the process's address space. The files of /proc/PID are those of the first thread.
// After its pthread_exit() its statm, maps and pagemap are empty, while the other threads run on with the whole memory.
#pragma once

#include <cstdint>

namespace oomcast::record {

/// Thread id; 0: no thread has memory, as in a process that has ended and was not waited for.
uint32_t living_thread(uint32_t pid);

}  // namespace oomcast::record
