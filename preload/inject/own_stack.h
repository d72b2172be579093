// Runs a piece of the library's own work on a stack of the library's.
//
// A hook may be called on any stack: a coroutine's of 4 KiB, a signal handler's, a thread's of 16 KiB. What the guest
// left room for is malloc itself. Work that needs more (libunwind takes 6 KiB and more, dlopen 20) goes through here.
#pragma once

namespace oomcast::inject {

/// Calls `work(data)` on one of a few stacks of 64 KiB. False: all of them are in use, and nothing was called. Signals
/// have to be held: a handler that left by longjmp would keep the stack for ever. A debugger and libunwind see through
/// the switch.
bool run_on_own_stack(void (*work)(void*), void* data);

/// In a forked child: the threads that used them are not there.
void free_stacks_of_other_threads();

}  // namespace oomcast::inject
