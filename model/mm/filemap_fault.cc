// Handles faults in mapped files. See filemap_fault.h; kernel-spec section 10.10.
#include "model/mm/filemap_fault.h"

#include <algorithm>

#include "model/mm/cache_slab.h"
#include "model/mm/lru.h"
#include "model/mm/readahead.h"
#include "model/mm/rmap.h"
#include "model/mm/shmem.h"
#include "model/mm/writeback.h"

namespace oomcast::mm {

using host::AddressSpace;
using host::Page;
using host::PageId;
using host::Process;
using host::ProcessIndex;
using host::Pte;
using host::Vmstat;

namespace {

constexpr uint64_t kFaultAroundPages = 16;  // fault_around_bytes, 64 KiB

// do_set_pte(); x86 maps the neighbours young, too.
void set_file_pte(Kernel& k, ProcessIndex index, uint64_t vpn, PageId id) {
  Process& process = k.host.processes[index];
  Page& page = k.host.pages[id];
  if (page.mapcount == 0) ++k.host.nodes[page.node()].file_mapped;
  add_mapper(k, id, index, vpn);
  page.set(host::kPageYoung);
  process.space.set(vpn, Pte::present(id));
  ++(page.shmem() ? process.rss_shmem : process.rss_file);
  process.resident_peak = std::max(process.resident_peak, process.rss_anon + process.rss_shmem);
}

// filemap_map_pages(): maps the cached pages with data around the fault, within 64 KiB, the mapping and the page table.
void fault_around(Kernel& k, ProcessIndex index, uint64_t vpn, const AddressSpace::Mapping& mapping,
                  uint64_t mapping_start) {
  host::File& file = k.host.files[mapping.file];
  const uint64_t first = std::max(vpn / kFaultAroundPages * kFaultAroundPages, mapping_start >> kPageShift);
  const uint64_t last = std::min((vpn / kFaultAroundPages + 1) * kFaultAroundPages, mapping.end >> kPageShift);
  for (uint64_t at = first; at < last; ++at) {
    if (!k.host.processes[index].space.get(at).is_none()) continue;
    const PageId id = file.page(mapping.page_index(at));
    if (id == host::kNoPage || k.host.pages[id].has(host::kPageLocked | host::kPageReadahead)) continue;
    if (file.mmap_miss > 0) --file.mmap_miss;
    set_file_pte(k, index, at, id);
  }
}

// filemap_fault(): the page with its data; waits for the read. kNoPage: the task is dying, or 8 tries found no memory
// or an evicted page.
PageId filemap_fault(Kernel& k, ProcessIndex process, host::FileIndex file, uint64_t index) {
  const host::CgroupIndex cgroup = k.host.processes[process].cgroup;
  PageId id = k.host.files[file].page(index);
  const bool major = id == host::kNoPage;
  if (major) {
    k.host.count_with(cgroup, Vmstat::pgmajfault);
    mmap_readaround(k, file, static_cast<int64_t>(index), cgroup);
  } else {
    mmap_readahead_hit(k, file, id, cgroup);
  }
  for (int attempt = 0; attempt < 8; ++attempt) {
    id = page_with_data(k, file, index, cgroup).value_or(host::kNoPage);
    if (id != host::kNoPage || k.sched.current().dying) break;
  }
  grow_cache_slab(k, cgroup);
  return id;
}

bool may_map(const Kernel& k, ProcessIndex index) {
  const Process& process = k.host.processes[index];
  return process.alive && !process.dying;
}

// page_mkwrite and fault_dirty_shared_page().
bool dirty_shared_page(Kernel& k, PageId id) {
  attach_buffers(k, id);
  set_page_dirty(k, id);
  k.sched.cpu(k.costs.write_page);
  balance_dirty_pages_ratelimited(k);
  return !k.sched.current().dying;
}

}  // namespace

FileFault file_fault(Kernel& k, ProcessIndex index, uint64_t vpn, bool write) {
  const auto [start, mapping] = *k.host.processes[index].space.mapping_at(vpn << kPageShift);
  const uint64_t page_index = mapping.page_index(vpn);
  k.sched.cpu(k.costs.read_page);
  if (!write) {
    fault_around(k, index, vpn, mapping, start);
    if (k.host.processes[index].space.get(vpn).is_present()) return FileFault::kMapped;
  }
  const bool in_memory = k.host.files[mapping.file].in_memory();
  const PageId id = in_memory ? shmem_page(k, index, vpn, mapping.file, page_index, ShmemUse::kFault)
                              : filemap_fault(k, index, mapping.file, page_index);
  if (id == host::kNoPage || !may_map(k, index)) return FileFault::kFailed;
  if (write && !mapping.shared) return FileFault::kNeedsCopy;
  // Meanwhile another thread may have mapped the page, and reclaim may have evicted it.
  if (k.host.files[mapping.file].page(page_index) != id || !k.host.processes[index].space.has_leaf(vpn))
    return FileFault::kMapped;
  if (k.host.processes[index].space.get(vpn).is_none()) set_file_pte(k, index, vpn, id);
  if (write && !in_memory && !dirty_shared_page(k, id)) return FileFault::kFailed;
  return FileFault::kMapped;
}

FileFault write_mapped_file_page(Kernel& k, ProcessIndex index, uint64_t vpn) {
  const auto mapping = k.host.processes[index].space.mapping_at(vpn << kPageShift);
  if (!mapping || !mapping->second.shared) return FileFault::kNeedsCopy;
  const PageId id = k.host.processes[index].space.get(vpn).page();
  if (k.host.pages[id].has(host::kPageDirty) || k.host.files[mapping->second.file].in_memory())
    return FileFault::kMapped;
  k.host.count_with(k.host.processes[index].cgroup, Vmstat::pgfault);
  return dirty_shared_page(k, id) ? FileFault::kMapped : FileFault::kFailed;
}

void unmap_file_page(Kernel& k, ProcessIndex index, uint64_t vpn, PageId id) {
  Process& process = k.host.processes[index];
  --(k.host.pages[id].shmem() ? process.rss_shmem : process.rss_file);
  if (k.host.pages[id].has(host::kPageYoung)) mark_accessed(k, id);
  if (remove_mapper(k, id, index, vpn) > 0) return;
  --k.host.nodes[k.host.pages[id].node()].file_mapped;
  k.host.pages[id].clear(host::kPageYoung);
}

bool mapped_executable(const Kernel& k, const Page& page) {
  bool executable = false;
  for_each_mapper(k.host, page, [&](ProcessIndex process, uint64_t vpn) {
    const auto mapping = k.host.processes[process].space.mapping_at(vpn << kPageShift);
    executable |= mapping && mapping->second.executable;
  });
  return executable;
}

}  // namespace oomcast::mm
