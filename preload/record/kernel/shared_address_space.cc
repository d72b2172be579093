// Compares address spaces by kcmp(2); see shared_address_space.h.
#include "preload/record/kernel/shared_address_space.h"

#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace oomcast::record {

bool share_address_space(uint32_t pid, uint32_t other) { return ::syscall(SYS_kcmp, pid, other, KCMP_VM, 0, 0) == 0; }

}  // namespace oomcast::record
