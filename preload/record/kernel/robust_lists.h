// Finds where the kernel writes when a thread ends: beside the head of the thread's robust list, in its control block.
//
// When a thread ends, the kernel clears its id (CLONE_CHILD_CLEARTID) and walks its robust list. A thread that is
// ending does not wait for a userfaultfd: such a write fails without notice, and pthread_join() then waits for ever.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace oomcast::record {

/// Heads of the robust lists of all threads of the process. No value: a thread has registered no list yet, or may not
/// be asked. Empty: the process has ended.
std::optional<std::vector<uint64_t>> robust_lists_of(uint32_t pid);

/// The last pid that the kernel has given in the recorder's PID namespace (last field of /proc/loadavg): it changes
/// with each new process or thread. No value: it cannot be read.
std::optional<uint64_t> last_thread_number();

}  // namespace oomcast::record
