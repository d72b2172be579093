// Connects a process to its recorder: a hello over a socket, which is closed once the shared area is mapped.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/inject/agent.h"

namespace oomcast::inject {

extern uint32_t own_pid;
/// The page that all guests of a recorder share. Valid once agent_tracking has been true.
extern ring::Doorbell* agent_doorbell;

/// `text`: @name (abstract) or a path, from OOMCAST_SOCKET. False: not a valid address.
bool set_recorder_address(const char* text);
/// Copies the sockaddr_un and its length. False: there is no room, or no address.
bool copy_recorder_address(char* to, size_t room, uint32_t* bytes);
/// Says hello. True: tracking is on, and existing memory is registered. `socket` is taken over; -1: a new connection is
/// made. A process without free descriptors lets a helper do it. REQUIRES: signals are blocked.
bool say_hello(ring::RequestKind kind, uint64_t parent, int socket = -1);
/// The last hello failed because the process has no free descriptors, and the helper had none either.
extern bool lacks_descriptors;
/// PR_SET_THP_DISABLE: with huge pages one touch would look like 512. The guest is shown its own setting instead
/// (agent_guest_without_huge_pages).
void switch_huge_pages_off();
/// Unmaps the shared area, which in a forked child is the parent's.
void leave_area();
/// Allocated bytes between two stack samples; 0: none.
int64_t agent_sample_bytes();

/// The break as glibc's __curbrk knows it: no system call. 0: another libc.
uintptr_t current_break();

/// In a forked child: from a fork handler, or when copied_unseen() is true.
void after_fork_in_child();
/// In a forked child: frees the lock and clears the count of threads that do not exist there.
void forget_requests_of_parent();
/// Rings the doorbell so that the recorder reads the ring now. Does not wait.
void have_ring_read();
/// Waits until no other thread is inside system calls of the library (counted.h), 1 s at most. REQUIRES: tracking is
/// off, so that no new ones begin.
void await_counted_threads();

}  // namespace oomcast::inject
