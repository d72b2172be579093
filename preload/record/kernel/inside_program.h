// What a program that does not know of us is made to do: to open a userfaultfd for its memory.
#pragma once

#include <cstdint>

#include "preload/record/kernel/stopped_thread.h"

namespace oomcast::record {

/// The program that lends a thread, and what is needed of it. Looked up before: who makes the calls may not allocate.
struct Lender {
  uint32_t living = 0;  // a thread that has the program's memory
  int pidfd = -1;
  int device = -1;  // /dev/userfaultfd, or -1
  uint64_t instruction = 0;
};

/// Where a program has a `syscall` instruction to lend: in the vdso, or else in its own text. 0: nowhere.
uint64_t find_syscall_instruction(uint32_t pid);

/// The descriptor, here, of a userfaultfd of the thread's address space that hears of the kernel's own faults, too; -1
/// and an errno if there is none. Afterwards the program has no descriptor and no mapping that it did not have. Where
/// its own privilege does not reach it borrows our device. Uses no heap.
int open_userfaultfd_inside(StoppedThread& thread, const Lender& lender, int* error);

}  // namespace oomcast::record
