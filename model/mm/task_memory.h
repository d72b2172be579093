// Takes the memory that the kernel itself needs for a task, and charges it to the group in which the task runs.
//
// Stands for dup_task_struct(), alloc_thread_stack_node(), copy_mm(), copy_files() and copy_signal() in kernel/fork.c.
// Differs: one amount for every process and one for every thread, measured with 200 of each in a group of Linux 6.18;
// what a process opens and maps beyond that is not seen. Page tables are counted apart (mm/fault.h).
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// fork(): stack, task_struct, mm_struct, signal and file tables, the first mappings. 47 KiB.
inline constexpr int kForkedPages = 12;
/// The first process of the program enters its group by exec(); the group that it comes from keeps what fork() took. 16
/// to 24 KiB.
inline constexpr int kEnteredPages = 5;
/// Another thread of a process: stack, task_struct. 23 KiB.
inline constexpr int kThreadPages = 6;

/// Takes `pages` for a task of the process. May reclaim and kill. Takes fewer if the current task is to die.
void take_task_memory(Kernel& k, host::ProcessIndex process, int pages);
/// Gives back the memory of one thread, and of all of them. Less is given back if less was taken.
void free_thread_memory(Kernel& k, host::ProcessIndex process);
void free_task_memory(Kernel& k, host::ProcessIndex process);

}  // namespace oomcast::mm
