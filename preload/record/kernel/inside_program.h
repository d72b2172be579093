// Opens a userfaultfd inside a program that does not know of the recorder.
#pragma once

#include <cstdint>

#include "preload/record/kernel/stopped_thread.h"

namespace oomcast::record {

/// The program whose thread makes the calls. Looked up beforehand, as the process that makes it call may not allocate.
struct Lender {
  uint32_t living = 0;  // a thread that has the program's address space
  int pidfd = -1;
  int device = -1;  // /dev/userfaultfd of the recorder; -1: none
  uint64_t instruction = 0;
};

/// Address of a `syscall` instruction in the program: in its vdso, else in its own code. 0: none was found.
uint64_t find_syscall_instruction(uint32_t pid);

/// Opens a userfaultfd for the thread's address space that also reports faults taken in the kernel. Returns its
/// descriptor in the recorder, or -1 and an errno. If the program lacks the privilege (EPERM), the recorder's device is
/// used. Afterwards the program has no further descriptor or mapping. Uses no heap.
int open_userfaultfd_inside(StoppedThread& thread, const Lender& lender, int* error);

}  // namespace oomcast::record
