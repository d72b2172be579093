// A thread of a process that still has the process's memory. The files of /proc/PID are those of the first thread: once
// it has left by pthread_exit(), statm, maps and pagemap are empty there, and the others run on with all that was ever
// mapped.
#pragma once

#include <cstdint>

namespace oomcast::record {

/// The thread's number; 0: none has memory, as of a process that has ended and was not waited for.
uint32_t living_thread(uint32_t pid);

}  // namespace oomcast::record
