// Whether two processes have one address space, as a parent and its child have between vfork() and exec.
#pragma once

#include <cstdint>

namespace oomcast::record {

/// By kcmp(2). False also where the kernel does not tell (no CONFIG_KCMP, no permission, one of them is gone).
bool share_address_space(uint32_t pid, uint32_t other);

}  // namespace oomcast::record
