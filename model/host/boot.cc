// Host::Host: builds the machine as it is when the program starts, from its description.
#include <algorithm>
#include <numeric>

#include "model/base/mount_point.h"
#include "model/host/host.h"
#include "model/spec/kernel_rules.h"

namespace oomcast::host {
namespace {

// zone_highsize(): most pages that one CPU of the node may park.
int64_t parked_max(int64_t total, size_t node_cpus, int64_t batch) {
  return std::max(total / static_cast<int64_t>(std::max<size_t>(1, node_cpus)), 4 * batch);
}

Zone make_zone(const ZoneSpec& spec, size_t cpus, size_t node_cpus) {
  Zone zone;
  zone.kind = spec.kind;
  zone.managed = spec.managed.count();
  zone.mlocked = spec.mlocked.count();
  zone.present = spec.present.count();
  zone.free = spec.free.count();
  zone.boost = spec.boost.count();
  zone.min = spec.watermarks.min.count();
  zone.low = spec.watermarks.low.count();
  zone.high = spec.watermarks.high.count();
  for (const ZoneKind kind : kZonesAscending) zone.lowmem_reserve[kind] = spec.lowmem_reserve[place_of(kind)].count();
  zone.pcp.resize(cpus);
  for (size_t i = 0; i < cpus && i < spec.pcp.size(); ++i) {
    Pcp& pcp = zone.pcp[CpuIndex::from(i)];
    pcp.count = spec.pcp[i].count.count();
    pcp.high = spec.pcp[i].high.count();
    pcp.batch = std::max<int64_t>(1, spec.pcp[i].batch.count());
    pcp.high_min = parked_max(zone.low + zone.boost, node_cpus, pcp.batch);
    pcp.high_max = parked_max(zone.managed / 8, node_cpus, pcp.batch);
  }
  zone.used = zone.managed - zone.free - zone.parked();
  if (zone.used < 0) zone.used = 0;
  zone.start_free = zone.free;
  zone.free_cma = std::min(spec.free_cma.count(), zone.free);
  for (size_t order = kHugeOrder; order < spec.free_blocks.size(); ++order)
    zone.start_whole += spec.free_blocks[order] << (order - kHugeOrder);
  // Without buddyinfo the memory is assumed to be unfragmented.
  const bool known =
      std::any_of(spec.free_blocks.begin(), spec.free_blocks.end(), [](int64_t blocks) { return blocks > 0; });
  zone.start_whole = known ? std::min(zone.start_whole, zone.free / kHugePages) : zone.free / kHugePages;
  zone.start_pieces = zone.free - zone.start_whole * kHugePages;
  return zone;
}

// Free pages in unmovable and reclaimable blocks, for hosts without pagetypeinfo. A freshly booted kernel leaves about
// 600 of them in blocks smaller than a pageblock, a third of these in reclaimable blocks. Further small blocks lie
// beside page cache and what ended programs left. If the root is in memory and more than 1,800 pages are in small
// blocks, most lie beside the files that the root was unpacked to: then three quarters of the pages. In no case more
// than the kernel itself holds on the node, because the pages that it frees lie beside those that it keeps.
KernelPieces estimated_pieces(int64_t pieces, bool in_memory, int64_t kernel_pages) {
  constexpr int64_t kPiecesOfABoot = 1800, kOtherOfABoot = 600;
  const int64_t most_of_them = pieces * 3 / 4;
  const int64_t others = std::min(
      in_memory && pieces > kPiecesOfABoot ? most_of_them : std::min(most_of_them, kOtherOfABoot), kernel_pages);
  return {others - others / 3, others / 3};
}

// Limited to the free pages: the files of a snapshot are not read at one moment.
KernelPieces known_pieces(const ZoneSpec& spec, int64_t free) {
  const int64_t unmovable = std::clamp<int64_t>(spec.free_unmovable.count(), 0, free);
  return {unmovable, std::clamp<int64_t>(spec.free_reclaimable.count(), 0, free - unmovable)};
}

void estimate_other_free(Node& node, const NodeSpec& spec, bool in_memory, bool exact_highatomic) {
  const int64_t kernel_pages =
      (spec.slab_reclaimable + spec.slab_unreclaimable + spec.page_tables).count() + spec.kernel_stack_kb / 4;
  for (const ZoneSpec& zone_spec : spec.zones) {
    Zone& zone = node.zones[zone_spec.kind];
    if (zone_spec.kind == ZoneKind::kMovable) continue;
    const bool known = zone_spec.free_unmovable.count() >= 0 || zone_spec.free_reclaimable.count() >= 0;
    zone.other_free =
        known ? known_pieces(zone_spec, zone.free) : estimated_pieces(zone.start_pieces, in_memory, kernel_pages);
    zone.other_capacity = zone.other_free;
    zone.highatomic = (exact_highatomic ? zone_spec.highatomic_free : zone_spec.highatomic_reserved).count();
  }
}

// find_next_best_node(): the nearest node first; of equal ones the one with a number above the local node's. The first
// node of each distance gets load, so that it is less attractive in the next node's list.
IndexVector<NodeIndex, std::vector<NodeIndex>> build_zonelists(const HostSpec& spec) {
  const size_t count = spec.nodes.size();
  const auto distance_of = [&](NodeIndex from, NodeIndex to) { return spec.nodes[from.place()].distance[to.place()]; };
  IndexVector<NodeIndex, int64_t> load(count, 0);
  IndexVector<NodeIndex, std::vector<NodeIndex>> lists(count);
  for (const NodeIndex local : lists.indices()) {
    std::vector<NodeIndex>& order = lists[local];
    order.push_back(local);
    int previous_distance = -1;
    while (order.size() < count) {
      NodeIndex best = kNoNode;
      int64_t best_cost = 0;
      for (const NodeIndex other : lists.indices()) {
        if (std::find(order.begin(), order.end(), other) != order.end()) continue;
        int64_t cost = distance_of(local, other);
        cost += other < local ? 1 : 0;
        if (!spec.nodes[other.place()].cpus.empty()) cost += 1;
        cost = cost * 1024 + load[other];
        if (best == kNoNode || cost < best_cost) {
          best = other;
          best_cost = cost;
        }
      }
      const int distance = distance_of(local, best);
      if (distance != previous_distance) ++load[best];
      previous_distance = distance;
      order.push_back(best);
    }
  }
  return lists;
}

struct Pool {
  ZoneRef place;
  LruKindIndex list;
  int64_t left;
};

// A snapshot does not say which list holds the anonymous pages of which process. Init and other protected processes
// take theirs from the unevictable list first, since samplers lock their memory. All others take theirs from the
// anonymous lists first.
int64_t take_from(std::vector<Pool>& pools, bool unevictable, int64_t want, std::vector<Pool>& taken) {
  for (Pool& pool : pools) {
    if (want == 0) break;
    if ((pool.list == LruKindIndex::kUnevictable) != unevictable) continue;
    const int64_t n = std::min(pool.left, want);
    if (n == 0) continue;
    pool.left -= n;
    want -= n;
    taken.push_back({pool.place, pool.list, n});
  }
  return want;
}

// A snapshot does not say either which block-device pages a file system never frees (superblock, group descriptors,
// inode tables in use). On hosts with one small ext4 they were all such pages, 15. A larger file system also has
// directories and inodes that were read once. The pages that it never frees have been used often: they are taken from
// the active list first.
std::vector<Pool> take_held(std::vector<Pool>& files, int64_t buffers) {
  constexpr int64_t kHeldAtMost = 16;
  int64_t want = std::min(buffers, kHeldAtMost);
  std::vector<Pool> held;
  for (const LruKindIndex list : {LruKindIndex::kActiveFile, LruKindIndex::kInactiveFile}) {
    for (Pool& pool : files) {
      const int64_t n = pool.list == list ? std::min(pool.left, want) : 0;
      if (n == 0) continue;
      pool.left -= n;
      want -= n;
      held.push_back({pool.place, pool.list, n});
    }
  }
  return held;
}

CgroupIndex nearest_group(const IndexVector<CgroupIndex, Cgroup>& groups, const std::string& path);

// The group's own pages: memory.stat of the group less that of its direct children, which it includes.
template <class BytesOf>
int64_t own_pages(const std::vector<CgroupSpec>& groups, const CgroupSpec& group, BytesOf bytes_of) {
  int64_t bytes = bytes_of(group);
  for (const CgroupSpec& other : groups) {
    if (other.path == group.path || !is_within(other.path, group.path)) continue;
    const bool direct = std::none_of(groups.begin(), groups.end(), [&](const CgroupSpec& between) {
      return between.path != group.path && between.path != other.path && is_within(between.path, group.path) &&
             is_within(other.path, between.path);
    });
    if (direct) bytes -= bytes_of(other);
  }
  return std::max<int64_t>(0, bytes) >> kPageShift;
}

void stock_lists(Host& host) {
  std::vector<Pool> pools;
  const auto add = [&](ZoneRef place, LruKindIndex list, Pages count) {
    if (count.count() > 0) pools.push_back({place, list, count.count()});
  };
  for (const NodeIndex n : host.nodes.indices()) {
    for (const ZoneSpec& zone_spec : host.spec.nodes[n.place()].zones) {
      const ZoneRef place{n, zone_spec.kind};
      const LruSizes& lru = zone_spec.lru;
      add(place, LruKindIndex::kInactiveAnon, lru.inactive_anon);
      add(place, LruKindIndex::kActiveAnon, lru.active_anon);
      add(place, LruKindIndex::kInactiveFile, lru.inactive_file);
      add(place, LruKindIndex::kActiveFile, lru.active_file);
      add(place, LruKindIndex::kUnevictable, lru.unevictable);
    }
  }
  std::vector<Pool> anon;
  std::vector<Pool> rest;
  for (const Pool& pool : pools) (is_file_list(pool.list) ? rest : anon).push_back(pool);
  const auto put = [&](const Pool& pool, ProcessIndex owner, CgroupIndex group, bool held = false) {
    host.nodes[pool.place.node].lruvec(group).list(pool.list).add_reservoir({owner, pool.place.zone, pool.left, held});
  };
  for (const Pool& pool : take_held(rest, host.spec.buffers.count())) put(pool, kNoProcess, kRootCgroup, true);
  for (size_t p = 0; p < host.processes.size(); ++p) {
    const Process& process = host.processes[p];
    const bool locked_first = process.pid == 1 || process.oom_score_adj == -1000;
    std::vector<Pool> taken;
    const int64_t left = take_from(anon, locked_first, process.rss_anon, taken);
    take_from(anon, !locked_first, left, taken);
    for (const Pool& pool : taken) put(pool, static_cast<ProcessIndex>(p), process.cgroup);
  }
  // Page cache that a group is charged for is on that group's lists; the rest is on the root's. Shared memory and tmpfs
  // count as file in memory.stat, but are on the anonymous lists.
  for (const CgroupSpec& spec : host.spec.cgroups) {
    std::vector<Pool> taken;
    take_from(rest, false,
              own_pages(host.spec.cgroups, spec, [](const CgroupSpec& each) { return each.file - each.shmem; }), taken);
    const int64_t shmem = own_pages(host.spec.cgroups, spec, [](const CgroupSpec& each) { return each.shmem; });
    take_from(anon, true, take_from(anon, false, shmem, taken), taken);
    for (const Pool& pool : taken) put(pool, kNoProcess, nearest_group(host.cgroups, spec.path));
  }
  for (const Pool& pool : anon) put(pool, kNoProcess, kRootCgroup);
  for (const Pool& pool : rest) put(pool, kNoProcess, kRootCgroup);
}

// lru_gen_init_lruvec() and lru_gen_online_memcg(). Differs: the kernel draws the bin of a group at random.
void start_generations(Host& host) {
  for (Node& node : host.nodes) {
    for (const CgroupIndex group : node.lruvecs.indices()) {
      Lruvec& lruvec = node.lruvecs[group];
      lruvec.start_generations();
      lruvec.gens->memcg_bin = group.value() % kMemcgBins;
      node.memcg_lru.fifo[0][static_cast<size_t>(lruvec.gens->memcg_bin)].push_back(group);
      ++node.memcg_lru.nr_memcgs[0];
    }
  }
}

int64_t pages_of_limit(int64_t bytes) { return bytes < 0 ? kUnlimited : bytes >> kPageShift; }

// A group of v1 keeps its limits of v2, if the description has some: a swap limit is one of memory and swap together.
void add_version_1(const CgroupSpec& spec, int vm_swappiness, Cgroup& cgroup) {
  cgroup.v1 = true;
  cgroup.memsw_max = pages_of_limit(spec.memory_memsw_max);
  if (cgroup.memsw_max == kUnlimited && cgroup.swap_max < kUnlimited && cgroup.max < kUnlimited)
    cgroup.memsw_max = cgroup.max + cgroup.swap_max;
  cgroup.swap_max = kUnlimited;
  cgroup.soft_limit = pages_of_limit(spec.memory_soft_limit);
  cgroup.swappiness = spec.memory_swappiness < 0 ? vm_swappiness : spec.memory_swappiness;
  cgroup.oom_kill_disable = spec.memory_oom_kill_disable;
}

// A group with a limit that only v2 knows is one of v2, whatever the host mounts.
bool is_version_1(const CgroupSpec& spec, int version_of_host) {
  const bool only_v2 = spec.memory_high >= 0 || spec.memory_low != 0 || spec.memory_min != 0 ||
                       spec.memory_swap_max >= 0 || spec.memory_swap_high >= 0 || spec.memory_zswap_max >= 0 ||
                       spec.memory_oom_group;
  return spec.v1 || (version_of_host == 1 && !only_v2);
}

Cgroup make_cgroup(const CgroupSpec& spec, const HostSpec& host, size_t cpus) {
  Cgroup cgroup;
  cgroup.path = spec.path;
  cgroup.max = pages_of_limit(spec.memory_max);
  cgroup.high = pages_of_limit(spec.memory_high);
  cgroup.low = pages_of_limit(spec.memory_low);
  cgroup.min = pages_of_limit(spec.memory_min);
  cgroup.swap_max = pages_of_limit(spec.memory_swap_max);
  cgroup.swap_high = pages_of_limit(spec.memory_swap_high);
  cgroup.zswap_max = pages_of_limit(spec.memory_zswap_max);
  cgroup.zswap_writeback = spec.memory_zswap_writeback;
  cgroup.oom_group = spec.memory_oom_group;
  if (is_version_1(spec, host.cgroup_version)) add_version_1(spec, host.vm.swappiness, cgroup);
  cgroup.stock.assign(cpus, 0);
  return cgroup;
}

CgroupIndex nearest_group(const IndexVector<CgroupIndex, Cgroup>& groups, const std::string& path) {
  CgroupIndex nearest = kRootCgroup;
  for (const CgroupIndex g : groups.indices_after(kRootCgroup)) {
    if (is_within(path, groups[g].path)) nearest = g;  // parents stand before children: the last match is the nearest
  }
  return nearest;
}

// Adds the host's groups and the program's. If both have one of the same path, the program's limits count.
void add_cgroups(Host& host) {
  const size_t cpus = host.spec.cpus.size();
  host.cgroups.emplace_back();
  const auto add = [&](const CgroupSpec& spec) {
    const CgroupIndex parent = nearest_group(host.cgroups, spec.path);
    host.cgroups.push_back(make_cgroup(spec, host.spec, cpus));
    host.cgroups.back().parent = parent;
    return host.cgroups.last();
  };
  for (const CgroupSpec& spec : host.spec.cgroups) {
    const CgroupIndex index = add(spec);
    if (host.spec.cgroup.present && spec.path == host.spec.cgroup.path) host.app_cgroup = index;
    for (Process& process : host.processes) {
      if (std::find(spec.procs.begin(), spec.procs.end(), process.pid) != spec.procs.end()) process.cgroup = index;
    }
  }
  if (host.spec.cgroup.present) {
    const CgroupIndex own = host.app_cgroup;
    if (own == kRootCgroup) {
      host.app_cgroup = add(host.spec.cgroup);
    } else {
      const CgroupIndex parent = host.cgroups[own].parent;
      host.cgroups[own] = make_cgroup(host.spec.cgroup, host.spec, cpus);
      host.cgroups[own].parent = parent;
    }
  }
  for (Node& node : host.nodes) {
    node.lruvecs.resize(host.cgroups.size());
    for (const CgroupIndex g : host.cgroups.indices()) node.lruvecs[g].parent = host.cgroups[g].parent;
  }
}

// Charges each group at the start: its reservoirs, and what memory.current counts beyond them.
void charge_at_start(Host& host) {
  for (size_t place = host.cgroups.size(); place-- > 1;) {
    const CgroupIndex g = CgroupIndex::from(place);
    Cgroup& group = host.cgroups[g];
    int64_t listed = 0;
    for (const Node& node : host.nodes) {
      for (const LruList& list : node.lruvecs[g].lists) listed += list.size();
    }
    const auto spec = std::find_if(host.spec.cgroups.begin(), host.spec.cgroups.end(),
                                   [&](const CgroupSpec& each) { return each.path == group.path; });
    // memory.current includes the children's pages. The children were charged already: they stand behind their parent.
    const int64_t current = spec == host.spec.cgroups.end() ? 0 : spec->memory_current >> kPageShift;
    group.kernel = std::max<int64_t>(0, current - group.usage - listed);
    const int64_t own = listed + group.kernel;
    for (CgroupIndex above = g; above != kRootCgroup; above = host.cgroups[above].parent) {
      host.cgroups[above].usage += own;
      host.cgroups[above].peak = host.cgroups[above].usage;
    }
  }
}

}  // namespace

Host::Host(const HostSpec& host_spec) : spec(host_spec), sharers(1) {
  const size_t cpus = spec.cpus.size();
  for (const NodeSpec& node_spec : spec.nodes) {
    Node node;
    node.id = node_spec.id;
    for (const int cpu : node_spec.cpus) {
      const auto it = std::find(spec.cpus.begin(), spec.cpus.end(), cpu);
      if (it != spec.cpus.end()) node.cpu_indices.push_back(CpuIndex::from(it - spec.cpus.begin()));
    }
    for (const ZoneSpec& zone_spec : node_spec.zones)
      node.zones[zone_spec.kind] = make_zone(zone_spec, cpus, node_spec.cpus.empty() ? cpus : node_spec.cpus.size());
    estimate_other_free(node, node_spec, root_in_memory(spec), holds(KernelRule::kFreeHighatomic, spec.kernel));
    node.slab_reclaimable = node_spec.slab_reclaimable.count();
    node.vfs_cache = stock_vfs_cache(spec, node_spec, node);
    node.file_mapped = node_spec.mapped.count();
    node.nr_shmem = node_spec.shmem.count();
    node.kswapd_failures = node_spec.unreclaimable ? 16 : 0;
    nodes.push_back(std::move(node));
  }
  zonelists = build_zonelists(spec);
  for (const ProcessSpec& process_spec : spec.processes) {
    Process process;
    process.pid = process_spec.pid;
    process.parent_pid = process_spec.parent_pid;
    process.uid = process_spec.uid;
    process.comm = process_spec.comm;
    process.oom_score_adj = process_spec.oom_score_adj;
    process.unkillable = process_spec.pid == 1;
    process.rss_anon = process_spec.rss_anon.count();
    process.rss_file = process_spec.rss_file.count();
    process.rss_shmem = process_spec.rss_shmem.count();
    process.swap_entries = process_spec.swap_entries.count();
    process.total_vm = process_spec.total_vm.count();
    process.page_tables_bytes = process_spec.page_tables.count();
    processes.push_back(std::move(process));
  }
  std::vector<SwapSpec> ordered = spec.swaps;
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const SwapSpec& a, const SwapSpec& b) { return a.priority > b.priority; });
  std::vector<uint32_t> order;
  for (size_t i = 0; i < ordered.size(); ++i) order.push_back(static_cast<uint32_t>(i));
  swap_avail_heads.assign(nodes.size(), order);
  for (size_t i = 0; i < ordered.size(); ++i)
    swaps.emplace_back(ordered[i], static_cast<uint32_t>(i), spec.cpus.size());
  add_cgroups(*this);
  stock_lists(*this);
  charge_at_start(*this);
  if (spec.lru == LruKind::kMultiGen) start_generations(*this);
  lru_add_batch.resize(cpus);
  rotate_batch.resize(cpus);
  swap_slot_cache.resize(cpus);
  swap_slots_returned.resize(cpus);
  total_ram = spec.total_ram.count();
  for (const SwapDevice& device : swaps) total_swap += device.total();
  committed = spec.committed_as.count();
}

}  // namespace oomcast::host
