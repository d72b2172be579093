// Finds out how a process that is not the recorder's child has ended.
#pragma once

#include <cstdint>

namespace oomcast::record {

/// Wait status in the form of waitpid(): from the pidfd once the parent has waited for the process, before that from
/// exit_code in /proc/PID/stat of the zombie. -1: neither has it.
int foreign_wait_status(uint32_t pid, int pidfd);

/// Whether the process of this pidfd has ended.
bool has_ended(int pidfd);

}  // namespace oomcast::record
