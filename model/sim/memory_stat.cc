// Adds up memory.stat of the program's cgroup. See memory_stat.h.
#include "model/sim/memory_stat.h"

#include "model/mm/cache_slab.h"

namespace oomcast::sim {

using host::LruKindIndex;
using host::Page;

namespace {

void add_page(const Page& page, MemoryStat& out) {
  const auto one = [&page](uint16_t flag) { return Pages(page.has(flag) ? 1 : 0); };
  if (page.anon()) {
    if (page.mapcount > 0) out.anon += Pages(1);
    out.file += one(host::kPageSwapCache);  // NR_FILE_PAGES includes the swap cache
    out.swapcached += one(host::kPageSwapCache);
  } else {
    out.file += Pages(1);
    if (page.mapcount > 0) out.file_mapped += Pages(1);
    if (page.cache()) out.file_dirty += one(host::kPageDirty);
    if (page.has(host::kPageSwapCache))
      out.swapcached += Pages(1);
    else if (page.shmem())
      out.shmem += Pages(1);
  }
  out.file_writeback += one(host::kPageWriteback);
}

/// Pages from before the run, which only the reservoirs of the lists count.
void add_reservoir(const host::Lruvec& lruvec, MemoryStat& out) {
  for (int i = 0; i < host::kEvictableLists; ++i) {
    const auto kind = static_cast<LruKindIndex>(i);
    (host::is_file_list(kind) ? out.file : out.anon) += Pages(lruvec.reserved(kind));
  }
}

}  // namespace

MemoryStat memory_stat_of(const host::Host& host, host::CgroupIndex group) {
  MemoryStat out;
  out.events = host.cgroups[group].stat;
  out.zswap = Bytes(host.cgroups[group].zswap_bytes);
  out.zswapped = host.cgroups[group].zswapped;
  const auto ours = [&](host::CgroupIndex other) { return host::within(host.cgroups, other, group); };
  for (host::PageId id = 0; id < host.pages.size(); ++id) {
    if (host.pages.alive(id) && ours(host.pages[id].cgroup())) add_page(host.pages[id], out);
  }
  for (const host::Process& process : host.processes) {
    if (ours(process.cgroup)) out.kernel += Pages(static_cast<int64_t>(process.task_pages_at.size()));
    if (ours(process.cgroup)) out.pagetables += Pages(static_cast<int64_t>(process.table_pages_at.size()));
  }
  for (const host::CgroupIndex g : host.cgroups.indices_after(host::kRootCgroup)) {
    if (!ours(g)) continue;
    out.kernel += Pages(host.cgroups[g].kernel + host.cgroups[g].slab + host.cgroups[g].zswap_charged);
    out.slab_reclaimable += Bytes(mm::cache_slab_bytes(host.cgroups[g]));
    for (const host::Node& node : host.nodes) add_reservoir(node.lruvecs[g], out);
  }
  for (const host::Node& node : host.nodes) {
    const auto size = [&](LruKindIndex list) { return Pages(node.size(list, group)); };
    out.lru.inactive_anon += size(LruKindIndex::kInactiveAnon);
    out.lru.active_anon += size(LruKindIndex::kActiveAnon);
    out.lru.inactive_file += size(LruKindIndex::kInactiveFile);
    out.lru.active_file += size(LruKindIndex::kActiveFile);
    out.lru.unevictable += size(LruKindIndex::kUnevictable);
  }
  out.kernel += out.pagetables;
  return out;
}

}  // namespace oomcast::sim
