// Recounts the state to see whether it adds up. See auditor.h.
#include "model/sim/auditor.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "model/sim/audit_locks.h"
#include "model/sim/audit_partly_mapped.h"
#include "model/sim/audit_zswap.h"

namespace oomcast::sim {

using host::Host;
using host::LruKindIndex;
using host::LruList;
using host::Page;
using host::PageId;

namespace {

struct Counts {
  IndexVector<host::NodeIndex, host::ByZone<int64_t>> accounted;  // pages alive, reserved, in page tables
  IndexVector<host::NodeIndex, host::ByZone<int64_t>> huge;       // huge pages
  IndexVector<host::NodeIndex, int64_t> unmapped_at_start,
      shmem_at_start;                        // NR_FILE_MAPPED, NR_SHMEM that no page here accounts for
  int64_t anon = 0;                          // pages of guests in memory
  std::vector<int64_t> anon_of, swapped_of;  // by service, as Host::services counts them
  LockedPages locked;
  std::map<host::SlotId, int64_t> entries;  // entries of guests' page tables and of files that name a swap slot
  std::vector<std::string> faults;

  void fail(std::string text) {
    if (faults.size() < 20) faults.push_back(std::move(text));
  }
};

std::string node_name(host::NodeIndex node) { return "node " + std::to_string(node.value()); }
std::string where(host::NodeIndex node, size_t item) { return node_name(node) + ", " + std::to_string(item); }
std::string where(host::NodeIndex node, host::ZoneKind zone) { return node_name(node) + ", " + host::zone_name(zone); }

void count_lists(const Host& host, Counts& counts, std::vector<int>& seen) {
  for (const host::NodeIndex n : host.nodes.indices()) {
    for (size_t i = 0; i < host.nodes[n].lruvecs.size() * host::kLists; ++i) {
      const size_t l = i % host::kLists;
      const auto group = host::CgroupIndex::from(i / host::kLists);
      const LruList& list = host.nodes[n].lruvecs[group].lists[static_cast<LruKindIndex>(l)];
      int64_t linked = 0;
      for (PageId id = list.head(); id != host::kNoPage; id = host.pages[id].next) {
        const Page& page = host.pages[id];
        ++linked;
        ++seen[id];
        if (static_cast<size_t>(page.list) != l || page.node() != n || page.cgroup() != group)
          counts.fail("page " + std::to_string(id) + " is on a list that it does not name");
        if (seen[id] > 1) return counts.fail("page " + std::to_string(id) + " is on two lists");
      }
      if (linked + list.reserved() != list.size()) counts.fail("list size differs from its pages: " + where(n, l));
      int64_t by_zone = 0;
      for (const host::ZoneKind z : host::kZonesAscending) by_zone += list.size_of_zone(z);
      if (by_zone != list.size()) counts.fail("list sizes by zone do not add up: " + where(n, l));
    }
  }
}

struct ZonePlace {
  host::NodeIndex n;
  host::CgroupIndex group;
  host::ZoneKind zone;
};

// One list of a generation: its pages count by their own number, which may be newer than the list.
void count_generation(const Host& host, ZonePlace at, size_t gen, size_t type, std::vector<int>& seen,
                      std::array<int64_t, host::kGenerations>& by_number, Counts& counts) {
  const auto [n, group, zone] = at;
  const host::LruGen& gens = *host.nodes[n].lruvecs[group].gens;
  const host::GenList& list = gens.lists[gen][type][zone];
  PageId before = host::kNoPage;
  for (PageId id = list.head; id != host::kNoPage; id = host.pages[id].next) {
    const Page& page = host.pages[id];
    const auto number = static_cast<size_t>(page.list);
    if (++seen[id] > 1) return counts.fail("page " + std::to_string(id) + " is on two lists of generations");
    if (page.prev != before) counts.fail("page " + std::to_string(id) + " is linked one way only");
    if (page.node() != n || page.cgroup() != group || page.zone != zone || host::gen_type(page) != type)
      counts.fail("page " + std::to_string(id) + " is on the list of another node, group, zone or type");
    if (page.has(host::kPageActive)) counts.fail("page " + std::to_string(id) + " is active and in a generation");
    if (number >= host::kGenerations)
      return counts.fail("page " + std::to_string(id) + " is on a list but in no generation");
    ++by_number[number];
    before = id;
  }
  if (list.tail != before) counts.fail("the tail of a generation is not its last page: " + where(n, gen));
  by_number[gen] += list.reservoir.size();
  counts.accounted[n][zone] += list.reservoir.size();
}

// seq_is_valid(), and that nothing stands in a generation that is not there.
void check_generations(const host::LruGen& gens, host::NodeIndex n, Counts& counts) {
  const uint64_t file = gens.nr_gens(host::kGenFile), anon = gens.nr_gens(host::kGenAnon);
  if (file < host::kGenerationsMin || file > anon || anon > host::kGenerations)
    counts.fail("generations of files " + std::to_string(file) + ", anonymous " + std::to_string(anon) + ": " +
                node_name(n));
  for (size_t type = 0; type < host::kGenTypes; ++type) {
    for (uint64_t past = gens.nr_gens(type); past < host::kGenerations; ++past) {
      if (gens.size_of_generation(host::gen_of_seq(gens.max_seq - past), type) != 0)
        counts.fail("pages in a generation older than the oldest: " + where(n, type));
    }
  }
}

void count_generations(const Host& host, Counts& counts, std::vector<int>& seen) {
  for (const host::NodeIndex n : host.nodes.indices()) {
    IndexVector<host::CgroupIndex, int> listed(host.nodes[n].lruvecs.size(), 0);
    for (const host::CgroupIndex group : host.nodes[n].lruvecs.indices()) {
      if (!host.nodes[n].lruvecs[group].gens) continue;
      const host::LruGen& gens = *host.nodes[n].lruvecs[group].gens;
      check_generations(gens, n, counts);
      for (size_t type = 0; type < host::kGenTypes; ++type) {
        for (const host::ZoneKind zone : host::kZonesAscending) {
          std::array<int64_t, host::kGenerations> by_number{};
          for (size_t gen = 0; gen < host::kGenerations; ++gen)
            count_generation(host, {n, group, zone}, gen, type, seen, by_number, counts);
          for (size_t gen = 0; gen < host::kGenerations; ++gen) {
            if (by_number[gen] != gens.nr_pages[gen][type][zone])
              counts.fail("generation counts " + std::to_string(gens.nr_pages[gen][type][zone]) + " pages, " +
                          std::to_string(by_number[gen]) + " were found: " + where(n, gen));
          }
        }
      }
      for (const host::CgroupIndex other :
           host.nodes[n].memcg_lru.fifo[static_cast<size_t>(gens.memcg_gen)][static_cast<size_t>(gens.memcg_bin)])
        listed[group] += other == group ? 1 : 0;
      if (listed[group] != 1)
        counts.fail("cgroup " + host.cgroups[group].path + " is " + std::to_string(listed[group]) +
                    " times in its place of the memcg LRU");
    }
  }
}

void count_pages(const Host& host, Counts& counts, std::vector<int>& seen) {
  for (const auto& batch : host.lru_add_batch) {
    for (PageId id : batch) ++seen[id];
  }
  for (PageId id = 0; id < host.pages.size(); ++id) {
    if (!host.pages.alive(id)) continue;
    const Page& page = host.pages[id];
    ++counts.accounted[page.node()][page.zone];
    const bool of_memory_file = page.in_file() && host.files[page.slot].in_memory();
    const bool guest_anon = page.anon() && !page.background && page.mapcount > 0;
    counts.anon += of_memory_file || guest_anon ? 1 : 0;
    if (!counts.anon_of.empty() && (of_memory_file || guest_anon))
      ++counts.anon_of[of_memory_file ? host.files[page.slot].service : host.processes[page.owner].service];
    if (seen[id] != 1) counts.fail("page " + std::to_string(id) + " is in " + std::to_string(seen[id]) + " places");
    int mappers = 0;
    if (page.mapcount > 0 && page.owner != host::kNoProcess) ++mappers;
    for (uint32_t i = page.sharers; i != 0; i = host.sharers[i].next) ++mappers;
    if (page.in_file() && host.files[page.slot].page(page.vpn) != id)
      counts.fail("page " + std::to_string(id) + " is not where its file says");
    if (!page.anon() && mappers != page.mapcount)
      counts.fail("page " + std::to_string(id) + " of a file has " + std::to_string(mappers) +
                  " mappers but mapcount " + std::to_string(page.mapcount));
    if (page.anon() && mappers != page.mapcount && !(page.background && page.owner == host::kNoProcess))
      counts.fail("page " + std::to_string(id) + " has " + std::to_string(mappers) + " mappers but mapcount " +
                  std::to_string(page.mapcount));
    if (page.has(host::kPageSwapCache) && host.slot(page.slot).page != id)
      counts.fail("page " + std::to_string(id) + " and its swap slot disagree");
  }
  for (const host::NodeIndex n : host.nodes.indices()) {
    for (size_t i = 0; i < host.nodes[n].lruvecs.size() * host::kLists; ++i) {
      const LruList& list = host.nodes[n]
                                .lruvecs[host::CgroupIndex::from(i / host::kLists)]
                                .lists[static_cast<LruKindIndex>(i % host::kLists)];
      for (const host::ZoneKind z : host::kZonesAscending) {
        int64_t linked = 0;
        for (PageId id = list.head(); id != host::kNoPage; id = host.pages[id].next)
          linked += host.pages[id].zone == z ? 1 : 0;
        counts.accounted[n][z] += list.size_of_zone(z) - linked;
      }
    }
  }
}

// 512 pages of one zone, all of them mapped.
void count_huge_page(const Host& host, const host::Process& process, uint64_t first,
                     const host::AddressSpace::Leaf& leaf, Counts& counts) {
  const std::string name = "huge page " + std::to_string(first) + " of process " + std::to_string(process.pid);
  if (leaf.used != host::kHugePages) return counts.fail(name + " maps " + std::to_string(leaf.used) + " pages");
  for (uint64_t i = 0; i < host::AddressSpace::kLeafPages; ++i) {
    const host::Pte pte = leaf.ptes.get(i);
    if (!pte.is_present()) return counts.fail(name + " has a page that is not there");
    const Page& page = host.pages[pte.page()];
    if (page.node() != host.pages[leaf.ptes.get(0).page()].node() ||
        page.zone != host.pages[leaf.ptes.get(0).page()].zone)
      return counts.fail(name + " is in two zones");
  }
  const Page& page = host.pages[leaf.ptes.get(0).page()];
  ++counts.huge[page.node()][page.zone];
}

void count_processes(Host& host, Counts& counts) {
  for (size_t p = 0; p < host.processes.size(); ++p) {
    host::Process& process = host.processes[p];
    if (!process.guest) continue;
    int64_t rss = 0, file = 0, shmem = 0, swapped = 0;
    for (const uint64_t vpn : process.space.used(0, ~uint64_t{0} >> kPageShift)) {
      const host::Pte pte = process.space.get(vpn);
      const bool of_file = pte.is_present() && !host.pages[pte.page()].anon();
      rss += pte.is_present() && !of_file ? 1 : 0;
      shmem += of_file && host.pages[pte.page()].shmem() ? 1 : 0;
      file += of_file && !host.pages[pte.page()].shmem() ? 1 : 0;
      swapped += pte.is_swapped() ? 1 : 0;
      if (pte.is_swapped()) ++counts.entries[pte.slot()];
      if (pte.is_present() && !host.pages.alive(pte.page()))
        counts.fail("process " + std::to_string(process.pid) + " maps a page that is gone");
      if (pte.is_swapped() && !host.device(pte.slot()).in_use(pte.slot()))
        counts.fail("process " + std::to_string(process.pid) + " holds a swap entry that is free");
    }
    if (rss != process.rss_anon)
      counts.fail("process " + std::to_string(process.pid) + " maps " + std::to_string(rss) + " pages but counts " +
                  std::to_string(process.rss_anon));
    if (file != process.rss_file)
      counts.fail("process " + std::to_string(process.pid) + " maps " + std::to_string(file) +
                  " pages of files but counts " + std::to_string(process.rss_file));
    if (shmem != process.rss_shmem)
      counts.fail("process " + std::to_string(process.pid) + " maps " + std::to_string(shmem) +
                  " pages of shared memory but counts " + std::to_string(process.rss_shmem));
    if (swapped != process.swap_entries)
      counts.fail("process " + std::to_string(process.pid) + " holds " + std::to_string(swapped) +
                  " swap entries but counts " + std::to_string(process.swap_entries));
    process.space.for_each_huge(0, ~uint64_t{0} >> kPageShift,
                                [&](uint64_t first, const host::AddressSpace::Leaf& leaf) {
                                  count_huge_page(host, process, first, leaf, counts);
                                });
    for (const host::ZoneRef at : process.table_pages_at) ++counts.accounted[at.node][at.zone];
    for (const host::ZoneRef at : process.task_pages_at) ++counts.accounted[at.node][at.zone];
  }
}

// The footprint counts a slot whose page somebody maps as memory, not as swap.
// Files hold entries, too.
void count_file_entries(const Host& host, Counts& counts) {
  for (const host::File& file : host.files)
    file.for_each_swapped([&](uint64_t, host::SlotId slot) { ++counts.entries[slot]; });
}

void count_slots(const Host& host, Counts& counts) {
  int64_t idle = 0, alone = 0;
  for (const host::SwapDevice& device : host.swaps) {
    int64_t used = 0;
    for (int64_t i = 0; i < device.total(); ++i) {
      const host::SlotId id = (device.index() << host::SwapDevice::kSlotBits) | static_cast<host::SlotId>(i);
      if (!device.in_use(id)) continue;
      ++used;
      const host::SwapSlot& slot = device.slot(id);
      if (slot.map_count == 0 && !slot.cached && !slot.foreign) ++idle;
      if (slot.foreign) continue;
      const auto found = counts.entries.find(id);
      const int64_t entries = found == counts.entries.end() ? 0 : found->second;
      if (slot.map_count != entries)
        counts.fail("swap slot " + std::to_string(id) + " counts " + std::to_string(slot.map_count) + " entries, " +
                    std::to_string(entries) + " were found");
      const bool mapped = slot.cached && slot.page != host::kNoPage && host.pages[slot.page].mapcount > 0;
      alone += slot.map_count > 0 && !mapped ? 1 : 0;
      if (!counts.swapped_of.empty() && slot.map_count > 0 && !mapped) ++counts.swapped_of[slot.service];
    }
    if (used + device.free() != device.total())
      counts.fail("swap device " + device.spec().name + ": used and free slots do not add up");
  }
  if (counts.anon != host.guest_anon)
    counts.fail("the program counts " + std::to_string(host.guest_anon) + " pages in memory, " +
                std::to_string(counts.anon) + " were found");
  if (alone != host.guest_swapped)
    counts.fail("the program counts " + std::to_string(host.guest_swapped) + " pages in swap alone, " +
                std::to_string(alone) + " were found");
  for (size_t s = 0; s < host.services.size(); ++s)
    if (counts.anon_of[s] != host.services[s].anon || counts.swapped_of[s] != host.services[s].swapped)
      counts.fail("service " + std::to_string(s) + " counts " + std::to_string(host.services[s].anon) +
                  " pages in memory and " + std::to_string(host.services[s].swapped) + " in swap, " +
                  std::to_string(counts.anon_of[s]) + " and " + std::to_string(counts.swapped_of[s]) + " were found");
  if (idle != host.cached_slots)
    counts.fail(std::to_string(idle) + " swap slots are taken by nobody, but the caches hold " +
                std::to_string(host.cached_slots));
}

// What a group is charged for: its pages, page tables, slab of cached files and what its CPUs have parked.
void count_cgroups(const Host& host, Counts& counts) {
  IndexVector<host::CgroupIndex, int64_t> charged(host.cgroups.size(), 0), swapped(host.cgroups.size(), 0);
  for (PageId id = 0; id < host.pages.size(); ++id) {
    if (host.pages.alive(id)) ++charged[host.pages[id].cgroup()];
  }
  for (const host::Process& process : host.processes)
    charged[process.cgroup] += static_cast<int64_t>(process.table_pages_at.size() + process.task_pages_at.size());
  for (const host::SwapDevice& device : host.swaps) {
    for (int64_t i = 0; i < device.total(); ++i) {
      const host::SlotId id = (device.index() << host::SwapDevice::kSlotBits) | static_cast<host::SlotId>(i);
      if (!device.in_use(id) || (device.slot(id).map_count == 0 && !device.slot(id).cached)) continue;
      const host::SwapSlot& slot = device.slot(id);
      // cgroup v1 counts the slots whose page has left memory.
      if (!host.cgroups[slot.cgroup].v1 || !slot.cached) ++swapped[slot.cgroup];
    }
  }
  for (size_t place = host.cgroups.size(); place-- > 1;) {
    const auto group = host::CgroupIndex::from(place);
    const host::Cgroup& cgroup = host.cgroups[group];
    for (const host::Node& node : host.nodes) {
      for (int l = 0; l < host::kEvictableLists + 1; ++l)
        charged[group] += node.lruvecs[group].reserved(static_cast<LruKindIndex>(l));
    }
    charged[group] += cgroup.parked() + cgroup.kernel + cgroup.slab + cgroup.zswap_charged;
    if (cgroup.parent >= group) counts.fail("cgroup " + cgroup.path + " stands before its parent");
    charged[cgroup.parent] += charged[group];
    swapped[cgroup.parent] += swapped[group];
    if (charged[group] != cgroup.usage)
      counts.fail("cgroup " + cgroup.path + " is charged " + std::to_string(cgroup.usage) + " pages, " +
                  std::to_string(charged[group]) + " were found");
    if (swapped[group] != cgroup.swap_usage)
      counts.fail("cgroup " + cgroup.path + " counts " + std::to_string(cgroup.swap_usage) + " swapped pages, " +
                  std::to_string(swapped[group]) + " were found");
  }
}

// Pages of files: each file's own counters, those of nodes and zones, and the kernel memory that hangs on them.
void count_files(const Host& host, Counts& counts) {
  struct Io {
    int64_t dirty = 0, writeback = 0;
  };
  std::vector<Io> files(host.files.size());
  IndexVector<host::NodeIndex, Io> nodes(host.nodes.size());
  IndexVector<host::NodeIndex, host::ByZone<int64_t>> pending(host.nodes.size());
  IndexVector<host::NodeIndex, int64_t> mapped(host.nodes.size(), 0), shmem(host.nodes.size(), 0);
  struct Slab {
    int64_t with_buffers = 0, tree_nodes = 0;
  };
  IndexVector<host::CgroupIndex, Slab> groups(host.cgroups.size());
  int64_t with_buffers = 0;
  for (PageId id = 0; id < host.pages.size(); ++id) {
    if (!host.pages.alive(id)) continue;
    const Page& page = host.pages[id];
    const bool of_file = page.in_file() && !host.files[page.slot].in_memory();
    const Io io{of_file && page.has(host::kPageDirty) ? 1 : 0, page.has(host::kPageWriteback) ? 1 : 0};
    if (of_file) files[page.slot].dirty += io.dirty;
    if (of_file) files[page.slot].writeback += io.writeback;
    nodes[page.node()].dirty += io.dirty;
    shmem[page.node()] += page.shmem() && page.in_file() ? 1 : 0;
    nodes[page.node()].writeback += io.writeback;
    pending[page.node()][page.zone] += io.dirty + io.writeback;
    mapped[page.node()] += !page.anon() && page.mapcount > 0 ? 1 : 0;
    if (!of_file || !page.has(host::kPageBuffers)) continue;  // the bit means another thing on other pages
    ++with_buffers;
    ++groups[page.cgroup()].with_buffers;
  }
  int64_t tree_nodes = 0, in_swap = 0;
  std::vector<int64_t> on_mount(host.mounts.size(), 0);
  using ByGroup = IndexVector<host::CgroupIndex, int64_t>;
  IndexVector<host::NodeIndex, ByGroup> shadow_nodes(host.nodes.size(), ByGroup(host.cgroups.size(), 0));
  for (size_t f = 0; f < files.size(); ++f) {
    const host::File& file = host.files[f];
    int64_t cached = 0;
    file.for_each_page(0, [&](uint64_t, PageId) { return ++cached > 0; });
    in_swap += file.swapped;
    if (file.mount != host::kNoMount) on_mount[file.mount] += file.cached + file.swapped;
    file.for_each_swapped([&](uint64_t index, host::SlotId slot) {
      if (!host.device(slot).in_use(slot) || !host.slot(slot).shmem || host.slot(slot).map_count != 1)
        counts.fail("file " + std::to_string(file.id) + " holds a swap entry that is not its own, at page " +
                    std::to_string(index));
      --in_swap;
    });
    tree_nodes += static_cast<int64_t>(file.nodes());
    file.for_each_node([&](uint64_t index, const host::TreeNode& node) {
      ++groups[node.cgroup].tree_nodes;
      if (file.only_shadows(index)) ++shadow_nodes[node.node][node.cgroup];
      if (file.only_shadows(index) != (node.listed != 0))
        counts.fail("file " + std::to_string(file.id) + " has a node on the wrong list, at page " +
                    std::to_string(index));
    });
    if (cached != file.cached || files[f].dirty != file.dirty || files[f].writeback != file.writeback) {
      counts.fail("file " + std::to_string(file.id) + " counts " + std::to_string(file.cached) + " cached, " +
                  std::to_string(file.dirty) + " dirty and " + std::to_string(file.writeback) + " written pages; " +
                  std::to_string(cached) + ", " + std::to_string(files[f].dirty) + " and " +
                  std::to_string(files[f].writeback) + " were found");
    }
  }
  for (size_t m = 0; m < on_mount.size(); ++m)
    if (on_mount[m] != host.mounts[m].used_pages) counts.fail("pages on " + host.mounts[m].path + " do not add up");
  if (in_swap != 0) counts.fail("files count " + std::to_string(in_swap) + " swapped pages more than they hold");
  const int64_t blocks = host.spec.file_block_bytes > 0 ? kPageBytes / host.spec.file_block_bytes : 0;
  if (with_buffers * blocks != host.buffer_heads) counts.fail("buffer heads do not add up");
  if (tree_nodes != host.tree_nodes) counts.fail("nodes of page-cache trees do not add up");
  for (const host::CgroupIndex g : groups.indices()) {
    if (groups[g].with_buffers * blocks != host.cgroups[g].buffer_heads ||
        groups[g].tree_nodes != host.cgroups[g].tree_nodes)
      counts.fail("slab of cached files does not add up: cgroup " + host.cgroups[g].path);
    for (const host::NodeIndex n : host.nodes.indices())
      if (shadow_nodes[n][g] != host.nodes[n].lruvecs[g].shadow_nodes)
        counts.fail("shadow nodes do not add up: cgroup " + host.cgroups[g].path);
  }
  for (const host::NodeIndex n : nodes.indices()) {
    if (nodes[n].dirty != host.nodes[n].nr_dirty || nodes[n].writeback != host.nodes[n].nr_writeback)
      counts.fail("dirty pages and writeback do not add up: " + node_name(n));
    for (const host::ZoneKind z : host::kZonesAscending) {
      if (pending[n][z] != host.nodes[n].zones[z].write_pending)
        counts.fail("pending writes do not add up: " + where(n, z));
    }
    counts.unmapped_at_start.push_back(host.nodes[n].file_mapped - mapped[n]);
    counts.shmem_at_start.push_back(host.nodes[n].nr_shmem - shmem[n]);
  }
}

Counts recount(const Host& host, bool moving) {
  Counts counts;
  counts.accounted.assign(host.nodes.size(), {});
  counts.huge = counts.accounted;
  counts.anon_of.assign(host.services.size(), 0);
  counts.swapped_of = counts.anon_of;
  std::vector<int> seen(host.pages.size(), 0);
  count_lists(host, counts, seen);
  count_generations(host, counts, seen);
  count_pages(host, counts, seen);
  counts.locked = count_locked(host, moving, counts.faults);
  count_processes(const_cast<Host&>(host), counts);
  for (const host::SwapDevice& device : host.swaps) {
    for (const host::ZoneRef at : device.zram_pool) ++counts.accounted[at.node][at.zone];
  }
  for (const host::ZoneRef at : check_zswap(host, counts.faults)) ++counts.accounted[at.node][at.zone];
  for (const host::ZoneRef at : host.cache_slab) ++counts.accounted[at.node][at.zone];
  for (const host::NodeIndex n : host.nodes.indices()) {
    const host::VfsCache& cache = host.nodes[n].vfs_cache;
    for (const host::ZoneKind z : host::kZonesAscending) counts.accounted[n][z] += cache.pages[z];
    if (cache.pages_in_zones() != cache.slab_pages())
      counts.fail("slab of dentries and inodes does not add up: " + node_name(n));
  }
  count_file_entries(host, counts);
  count_slots(host, counts);
  count_cgroups(host, counts);
  count_files(host, counts);
  check_partly_mapped(host, counts.faults);
  return counts;
}

}  // namespace

Auditor::Auditor(const Host& host) {
  const Counts counts = recount(host, false);
  foreign_mapped_ = counts.unmapped_at_start;
  foreign_shmem_ = counts.shmem_at_start;
  for (const host::NodeIndex n : host.nodes.indices()) {
    auto& kernel_used = kernel_used_.emplace_back();
    auto& total = total_.emplace_back();
    auto& locked = foreign_locked_.emplace_back();
    for (const host::ZoneKind z : host::kZonesAscending) {
      const host::Zone& zone = host.nodes[n].zones[z];
      kernel_used[z] = zone.used - counts.accounted[n][z];
      total[z] = zone.free + zone.parked() + zone.used;
      locked[z] = zone.mlocked - counts.locked[n][z];
    }
  }
}

std::vector<std::string> Auditor::audit(const Host& host, int64_t in_flight) const {
  Counts counts = recount(host, in_flight > 0);
  for (const host::NodeIndex n : host.nodes.indices()) {
    // What stood on the host before goes to swap page by page, and is not told apart from anonymous memory until then.
    if (counts.shmem_at_start[n] > foreign_shmem_[n]) counts.fail("shared memory does not add up: " + node_name(n));
    if (counts.unmapped_at_start[n] != foreign_mapped_[n])
      counts.fail("mapped pages of files do not add up: " + node_name(n));
    for (const host::ZoneKind z : host::kZonesAscending) {
      const host::Zone& zone = host.nodes[n].zones[z];
      if (zone.free < 0) counts.fail("free is negative: " + where(n, z));
      if (zone.free_cma < 0 || zone.free_cma > zone.free)
        counts.fail("zone counts " + std::to_string(zone.free_cma) + " free pages for CMA of " +
                    std::to_string(zone.free) + " free ones: " + where(n, z));
      if (zone.free + zone.parked() + zone.used != total_[n][z])
        counts.fail("free + parked + used changed: " + where(n, z));
      if (zone.mlocked != counts.locked[n][z] + foreign_locked_[n][z])
        counts.fail("zone counts " + std::to_string(zone.mlocked) + " locked pages, " +
                    std::to_string(counts.locked[n][z] + foreign_locked_[n][z]) + " were found: " + where(n, z));
      int64_t huge = counts.huge[n][z];
      for (const host::Pcp& pcp : zone.pcp) huge += pcp.huge_blocks;
      if (zone.huge_blocks < huge || zone.huge_blocks > huge + in_flight)
        counts.fail("zone counts " + std::to_string(zone.huge_blocks) + " huge pages, " + std::to_string(huge) +
                    " were found: " + where(n, z));
      if (zone.other_free.unmovable < 0 || zone.other_free.reclaimable < 0 || zone.other_free.sum() > zone.free)
        counts.fail("more pages are free in blocks of the kernel's than there are: " + where(n, z));
      const int64_t unaccounted = zone.used - counts.accounted[n][z] - kernel_used_[n][z];
      if (unaccounted < 0 || unaccounted > (2 + host::kHugePages) * in_flight) {
        counts.fail("zone counts " + std::to_string(zone.used) + " used pages, " +
                    std::to_string(counts.accounted[n][z] + kernel_used_[n][z]) + " were found: " + where(n, z));
      }
    }
  }
  return counts.faults;
}

}  // namespace oomcast::sim
