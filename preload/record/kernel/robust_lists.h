// Where the kernel writes when a thread ends: beside the head of its list of robust futexes, in the thread's control
// block.
//
// At its end the kernel clears the thread's number (CLONE_CHILD_CLEARTID) and walks that list. A thread that is ending
// does not wait for a userfaultfd: the write fails, nobody hears of it, and pthread_join() waits for ever.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace oomcast::record {

/// Of all threads of the process. Nothing: a thread that lives has named no list (yet), so what it has is not known.
/// Empty: the process has gone, or may not be asked.
std::optional<std::vector<uint64_t>> robust_lists_of(uint32_t pid);

/// Changes whenever any process or thread of this machine is made: the number that the kernel gave last.
uint64_t last_thread_number();

}  // namespace oomcast::record
