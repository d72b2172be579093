// Frees the memory of a process at its end: exit_mmap() for the program's processes, and for killed processes of the
// host.
#include <algorithm>
#include <utility>
#include <vector>

#include "model/mm/fault.h"
#include "model/mm/huge_memory.h"
#include "model/mm/kernel_pages.h"
#include "model/mm/lru.h"
#include "model/mm/memcg.h"
#include "model/mm/page_alloc.h"
#include "model/mm/shmem.h"
#include "model/mm/swap.h"
#include "model/mm/task_memory.h"

namespace oomcast::mm {

using host::LruKindIndex;
using host::PageId;
using host::Process;
using host::ProcessIndex;

namespace {

// pages freed between two points at which other tasks may run (one mmu_gather chunk)
constexpr uint64_t kFlushPages = 512;

void free_counted(Kernel& k, host::NodeIndex node, host::ZoneKind zone, int64_t count) {
  const host::CpuIndex cpu = k.sched.current().cpu;
  for (int64_t i = 0; i < count; ++i) {
    free_page(k, {node, zone}, cpu);
    if (i % static_cast<int64_t>(kFlushPages) == 0) {
      k.sched.cpu(k.costs.zap_page * static_cast<int64_t>(kFlushPages));
      k.sched.point();
    }
  }
}

// A process from before the run: most of its pages were never looked at and are in the reservoirs.
void exit_background(Kernel& k, ProcessIndex index) {
  Process& process = k.host.processes[index];
  std::vector<PageId> own;
  for (PageId id = 0; id < k.host.pages.size(); ++id) {
    const host::Page page = std::as_const(k.host.pages)[id];
    if (k.host.pages.alive(id) && page.background && page.owner == index) own.push_back(id);
  }
  for (PageId id : own) {
    if (!k.host.pages.alive(id)) continue;
    k.host.pages[id].mapcount = 0;
    k.host.pages[id].owner = host::kNoProcess;
    --process.rss_anon;
    if (k.host.pages[id].has(host::kPageSwapCache) && !k.host.pages[id].has(host::kPageWriteback))
      remove_from_swap_cache(k, id, false);
    release_page(k, id, k.sched.current().cpu);
  }
  for (const host::NodeIndex n : k.host.nodes.indices()) {
    const auto dropped = k.host.nodes[n].lruvec(process.cgroup).drop_owner(index, process.rss_anon);
    for (const host::ZoneKind z : dropped.indices()) {
      process.rss_anon -= dropped[z];
      uncharge(k.host, process.cgroup, dropped[z]);
      free_counted(k, n, z, dropped[z]);
    }
  }
  for (host::SwapDevice& device : k.host.swaps) {
    for (int64_t i = 0; i < device.total() && process.swap_entries > 0; ++i) {
      const host::SlotId slot = (device.index() << host::SwapDevice::kSlotBits) | static_cast<host::SlotId>(i);
      if (!device.in_use(slot) || device.slot(slot).owner != index || !device.slot(slot).foreign) continue;
      --process.swap_entries;
      put_swap_entry(k, slot);
    }
  }
}

// A huge page is freed as a whole.
bool inside_huge_page(Kernel& k, ProcessIndex index, uint64_t vpn) {
  return huge_start(vpn) != vpn && k.host.processes[index].space.huge_leaf(vpn) != nullptr;
}

void exit_guest(Kernel& k, ProcessIndex index) {
  const host::PageNumbers mapped = k.host.processes[index].space.used(0, ~uint64_t{0} >> kPageShift);
  uint64_t first = 0, last = 0, pages = 0;
  const auto flush = [&] {
    if (pages > 0) zap_range(k, index, first, last + 1);
    if (pages > 0) k.sched.point();
    pages = 0;
  };
  for (const uint64_t vpn : mapped) {
    if (pages >= kFlushPages && !inside_huge_page(k, index, vpn)) flush();
    if (pages++ == 0) first = vpn;
    last = vpn;
  }
  flush();
  Process& process = k.host.processes[index];
  k.host.guest_tables -= process.space.drop_empty_tables(0, ~uint64_t{0} >> kPageShift);
  for (const ZoneRef where : process.table_pages_at) free_kernel_page(k, where, process.cgroup);
  process.table_pages_at.clear();
  free_task_memory(k, index);
  release_held_files(k, index);
  k.host.committed -= process.space.committed_pages;
  process.space.mappings.clear();
  process.space.mapped_bytes = 0;
  process.space.committed_pages = 0;
  process.space.data_pages = 0;
  process.space.locked_pages = 0;
}

}  // namespace

void exit_process(Kernel& k, ProcessIndex index) {
  if (!k.host.processes[index].alive) return;
  const bool victim = k.host.processes[index].dying;
  k.host.processes[index].alive = false;  // exit_mm() comes first: no thread may map anything while memory is freed
  if (k.host.processes[index].guest) {
    exit_guest(k, index);
  } else {
    exit_background(k, index);
  }
  k.host.processes[index].dying = false;
  if (victim) --k.oom_victims_pending;
}

}  // namespace oomcast::mm
