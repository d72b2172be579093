// Passes on the calls through syscall() that are nothing to us.
#pragma once

namespace oomcast::inject {

/// To libc's own function, once it is known.
void pass_syscalls_on(void* next);

}  // namespace oomcast::inject
