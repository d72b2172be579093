// Tells whether two processes share one address space, as parent and child do between vfork() and exec.
#pragma once

#include <cstdint>

namespace oomcast::record {

/// By kcmp(2), KCMP_VM. Also false if the kernel does not tell: no CONFIG_KCMP, no permission, a process has ended.
bool share_address_space(uint32_t pid, uint32_t other);

}  // namespace oomcast::record
