// The state of one NUMA node: zones with free and per-CPU pages, LRU lists, flags of kswapd.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/base/units.h"
#include "model/host/lruvec.h"
#include "model/host/vfs_cache.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

/// struct per_cpu_pages for order 0 and pageblock order. Its pages are parked: neither free nor used.
struct Pcp {
  int64_t count = 0;
  int64_t huge_blocks = 0;  // whole pageblocks, 512 pages each
  int64_t pieces = 0;       // of `count`: pages of blocks whose huge page was split
  int64_t high = 0;
  int64_t batch = 1;
  int free_factor = 0;                 // 6.1: doubles the number of pages freed at once
  int64_t high_min = 0, high_max = 0;  // 6.12: `high` moves between these
  int alloc_factor = 0;                // 6.12: doubles the refill during a run of allocations
  int64_t free_count = 0;              // 6.12: pages freed in a row
};

enum class Migratetype : uint8_t { kMovable, kUnmovable, kReclaimable };

/// Free pages in unmovable and reclaimable pageblocks, in blocks smaller than a pageblock.
struct KernelPieces {
  int64_t unmovable = 0;    // page tables, stacks
  int64_t reclaimable = 0;  // slab that a shrinker frees
  int64_t sum() const { return unmovable + reclaimable; }
  int64_t& of(Migratetype type) { return type == Migratetype::kReclaimable ? reclaimable : unmovable; }
  int64_t& larger() { return reclaimable > unmovable ? reclaimable : unmovable; }
};

/// struct zone. Invariant: free + parked() + used == managed, where used counts every page handed out.
struct Zone {
  ZoneKind kind = ZoneKind::kNormal;
  int64_t managed = 0;
  int64_t present = 0;
  int64_t free = 0;       // NR_FREE_PAGES
  int64_t free_cma = 0;   // NR_FREE_CMA_PAGES, a part of `free`: for movable requests only
  int64_t cma_used = 0;   // CMA pages handed out since the start
  int64_t cma_carry = 0;  // remainder of the division in give_back_cma()
  int64_t used = 0;       // handed out (LRU pages, page tables, the kernel's own)
  int64_t min = 0, low = 0, high = 0;
  int64_t boost = 0;            // watermark_boost
  int64_t write_pending = 0;    // NR_ZONE_WRITE_PENDING
  int64_t mlocked = 0;          // NR_MLOCK
  bool below_high = false;      // ZONE_BELOW_HIGH (6.12): per-CPU lists do not grow
  bool reclaim_active = false;  // ZONE_RECLAIM_ACTIVE: kswapd is at work, per-CPU lists stay short
  // Reserve for atomic requests of order > 0: nr_reserved_highatomic (6.1), nr_free_highatomic (6.12).
  int64_t highatomic = 0;
  KernelPieces other_free;      // free, but not for movable requests (mm/free_blocks.h)
  KernelPieces other_capacity;  // what other_free is when memory is plentiful
  int64_t start_free = 0;       // free pages at the start
  int64_t start_pieces = 0;     // of these, in blocks smaller than a pageblock
  int64_t start_whole = 0;      // whole pageblocks: free at the start, plus those made by compaction
  int64_t huge_blocks = 0;      // whole pageblocks that huge pages hold, parked ones included
  int64_t split_pieces = 0;     // free pages of blocks whose huge page was split and partly is in use
  int64_t pieces_carry = 0;     // remainder of the division in take_back()
  ByZone<int64_t> lowmem_reserve{};
  IndexVector<CpuIndex, Pcp> pcp;

  int64_t min_mark() const { return min + boost; }
  int64_t low_mark() const { return low + boost; }
  int64_t high_mark() const { return high + boost; }
  int64_t parked() const {
    int64_t sum = 0;
    for (const Pcp& cpu : pcp) sum += cpu.count + (cpu.huge_blocks << kHugeOrder);
    return sum;
  }
};

/// pg_data_t.
struct Node {
  NodeId id;
  std::vector<CpuIndex> cpu_indices;
  ByZone<Zone> zones;                        // an unpopulated zone has managed == 0
  IndexVector<CgroupIndex, Lruvec> lruvecs;  // [kRootCgroup]: pages charged to no cgroup below the root
  MemcgLru memcg_lru;                        // with the multi-gen LRU
  int64_t slab_reclaimable = 0;
  VfsCache vfs_cache;  // unused dentries and inodes: the part of the slab that shrinkers can free
  int64_t file_mapped = 0;
  int64_t nr_writeback = 0;
  int64_t nr_dirty = 0;
  int64_t nr_shmem = 0;  // NR_SHMEM: in memory, not in the swap cache
  int kswapd_failures = 0;
  bool pgdat_writeback = false;   // PGDAT_WRITEBACK
  bool pgdat_dirty = false;       // PGDAT_DIRTY
  int writeback_throttled = 0;    // nr_writeback_throttled
  int64_t throttled_written = 0;  // NR_THROTTLED_WRITTEN
  int64_t reclaim_start = 0;      // nr_reclaim_start
  bool reclaim_locked = false;    // PGDAT_RECLAIM_LOCKED: node_reclaim under way

  Lruvec& lruvec(CgroupIndex cgroup) { return lruvecs[cgroup]; }
  const Lruvec& lruvec(CgroupIndex cgroup) const { return lruvecs[cgroup]; }
  /// Pages on a list, all cgroups together.
  int64_t size(LruKindIndex list) const {
    int64_t sum = 0;
    for (const Lruvec& each : lruvecs) sum += each.size(list);
    return sum;
  }
  /// Pages on a list, of a cgroup and all below it (lruvec_page_state()).
  int64_t size(LruKindIndex list, CgroupIndex group) const {
    if (group == kRootCgroup) return size(list);
    int64_t sum = 0;
    for (const CgroupIndex each : lruvecs.indices()) {
      if (within(each, group)) sum += lruvecs[each].size(list);
    }
    return sum;
  }
  bool within(CgroupIndex group, CgroupIndex ancestor) const {
    while (group != ancestor && group != kRootCgroup) group = lruvecs[group].parent;
    return group == ancestor;
  }
  int64_t size_of_zone(LruKindIndex list, ZoneKind zone) const {
    int64_t sum = 0;
    for (const Lruvec& each : lruvecs) sum += each.size_of_zone(list, zone);
    return sum;
  }
  int64_t free() const {
    int64_t sum = 0;
    for (const Zone& zone : zones) sum += zone.free;
    return sum;
  }
};

}  // namespace oomcast::host
