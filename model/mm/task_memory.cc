// The kernel's own memory for a task. See task_memory.h; kernel-spec section 9.
#include "model/mm/task_memory.h"

#include "model/mm/kernel_pages.h"

namespace oomcast::mm {

using host::Process;

namespace {

host::CgroupIndex payer(const Kernel& k, const Process& process) {
  // Older kernels charge it only with a limit for kernel memory, which the model does not have.
  return k.follows(host::KernelRule::kKernelMemoryCharged) ? process.cgroup : host::kRootCgroup;
}

void give_back_last(Kernel& k, Process& process) {
  const ZoneRef where = process.task_pages_at.back();
  process.task_pages_at.pop_back();
  free_kernel_page(k, where, payer(k, process));
}

}  // namespace

void take_task_memory(Kernel& k, host::ProcessIndex index, int pages) {
  for (int i = 0; i < pages; ++i) {
    const ZoneRef where = alloc_kernel_page(k, payer(k, k.host.processes[index]));
    if (!where.ok()) return;
    // The process may have been killed while the task slept.
    k.host.processes[index].task_pages_at.push_back(where);
    if (!k.host.processes[index].alive) return free_task_memory(k, index);
  }
}

void free_thread_memory(Kernel& k, host::ProcessIndex index) {
  Process& process = k.host.processes[index];
  for (int i = 0; i < kThreadPages && !process.task_pages_at.empty(); ++i) give_back_last(k, process);
}

void free_task_memory(Kernel& k, host::ProcessIndex index) {
  Process& process = k.host.processes[index];
  while (!process.task_pages_at.empty()) give_back_last(k, process);
}

}  // namespace oomcast::mm
