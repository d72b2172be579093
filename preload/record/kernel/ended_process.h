// How a process that is not the recorder's child has ended.
#pragma once

#include <cstdint>

namespace oomcast::record {

/// Wait status as waitpid() gives it: from the pidfd once the process was reaped, or from its zombie's stat file; -1:
/// neither says.
int foreign_wait_status(uint32_t pid, int pidfd);

/// Whether the process of this pidfd has ended.
bool has_ended(int pidfd);

}  // namespace oomcast::record
