// Lets calls of syscall() that no hook needs pass on to libc.
#pragma once

namespace oomcast::inject {

/// Sets the address of libc's syscall(), once it is known.
void pass_syscalls_on(void* next);

}  // namespace oomcast::inject
