// Counts the kernel's memory for tasks. See task_memory.h; kernel-spec section 9.
#include "model/mm/task_memory.h"

#include "model/mm/fault.h"
#include "model/mm/memcg.h"
#include "model/mm/mempolicy.h"
#include "model/mm/page_alloc.h"

namespace oomcast::mm {

using host::Process;

namespace {

constexpr host::KernelVersion kChargesKernelMemory{4, 5};  // older ones: only groups with a kernel memory limit

bool charged(const Kernel& k) { return k.host.spec.kernel >= kChargesKernelMemory; }

void give_back_last(Kernel& k, Process& process) {
  const ZoneRef where = process.task_pages_at.back();
  process.task_pages_at.pop_back();
  free_table_page(k, where);
  if (charged(k)) uncharge(k.host, process.cgroup, 1);
}

}  // namespace

void take_task_memory(Kernel& k, host::ProcessIndex index, int pages) {
  for (int i = 0; i < pages; ++i) {
    const host::CgroupIndex group = k.host.processes[index].cgroup;
    const ZoneRef where = alloc_page_task(k, kGfpKernel);
    if (!where.ok()) return;
    if (charged(k) && !try_charge(k, group)) {
      free_table_page(k, where);
      return;
    }
    // While the task slept for the page, the process may have been killed.
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
