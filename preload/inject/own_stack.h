// Runs work of the library on a stack of its own.
//
// A hook may be called on any stack: 4 KiB of a coroutine, a signal handler's, 16 KiB of a thread. The guest has left
// room for malloc() itself. Work that needs more (libunwind 6 KiB and more, dlopen 20 KiB) runs on such a stack.
#pragma once

namespace oomcast::inject {

/// Calls `work(data)` on one of 4 stacks of 64 KiB. False: all are in use, and nothing was called. REQUIRES: signals
/// are blocked, as a handler that leaves by longjmp() would keep the stack for ever. Debuggers and libunwind can unwind
/// through the switch.
bool run_on_own_stack(void (*work)(void*), void* data);

/// In a forked child: frees the stacks of threads that do not exist there. True if there was one: that thread may have
/// held a lock of libunwind, and nobody will release it.
bool free_stacks_of_other_threads();

}  // namespace oomcast::inject
