// A process meets its recorder by a hello over a socket that is closed again once the shared area is mapped.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/inject/agent.h"

namespace oomcast::inject {

extern uint32_t own_pid;
/// One page, the same for all guests of a recorder. Valid once agent_tracking has been true.
extern ring::Doorbell* agent_doorbell;

/// OOMCAST_SOCKET=@name (abstract) or a path. False: no such address.
bool set_recorder_address(const char* text);
/// Copies the address in the kernel's form. False: there is no room, or no address.
bool copy_recorder_address(char* to, size_t room, uint32_t* bytes);
/// The first exchange of a process. On success tracking is on and the memory that exists is registered. `socket` is
/// taken; -1: it is connected here. Signals have to be held. A process without descriptors has a helper say it, by
/// clone().
bool say_hello(ring::RequestKind kind, uint64_t parent, int socket = -1);
/// Whether the last hello failed because the process has no descriptors left, and none could be had elsewhere.
extern bool lacks_descriptors;
/// Huge pages would make one touch look like 512. The guest is shown what it has set itself
/// (agent_guest_without_huge_pages).
void switch_huge_pages_off();
/// Forgets the parent's shared area, in a forked child.
void leave_area();
int64_t agent_sample_bytes();

/// Where the break is by glibc's own word: cheaper than to ask the kernel. 0: another libc.
uintptr_t current_break();

/// In a child that fork handlers have seen, or that `copied_unseen()` has found out to be one.
void after_fork_in_child();
void forget_requests_of_parent();
/// Has the recorder read the ring now. Nobody waits.
void have_ring_read();
/// Waits until no other thread is in the middle of system calls of the library's (counted.h). Tracking has to be off:
/// else new ones come.
void await_counted_threads();

}  // namespace oomcast::inject
