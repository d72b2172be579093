// The kernel's own memory for a task, charged to the cgroup in which the task runs.
//
// Stands for dup_task_struct(), alloc_thread_stack_node(), copy_mm(), copy_files() and copy_signal() in kernel/fork.c.
// Differs: one amount for each process and one for each thread, measured with 200 of each in a cgroup of Linux 6.18.
// Memory for what a process opens and maps later is not modelled. Page tables are counted apart (mm/fault.h).
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Pages for a fork(): stack, task_struct, mm_struct, signal and file tables, first mappings. 47 KiB.
inline constexpr int kForkedPages = 12;
/// Pages of the program's first process, which enters its cgroup before an exec. The cgroup from which it comes keeps
/// what the fork() took. 16 to 24 KiB.
inline constexpr int kEnteredPages = 5;
/// Pages for a further thread: stack, task_struct. 23 KiB.
inline constexpr int kThreadPages = 6;

/// Allocates `pages` for a task of the process. May reclaim and kill. Allocates fewer if the current task is dying.
void take_task_memory(Kernel& k, host::ProcessIndex process, int pages);
/// Free the memory of one thread, or all of the process's; less if less was allocated.
void free_thread_memory(Kernel& k, host::ProcessIndex process);
void free_task_memory(Kernel& k, host::ProcessIndex process);

}  // namespace oomcast::mm
