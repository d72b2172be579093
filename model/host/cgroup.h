// The limits and the usage of one cgroup: the memory controller of cgroup v2 or v1.
//
// Version 1 counts memory and swap together, too (memsw): a page is charged to that counter from its first touch until
// neither a page nor a swap entry of it is left.
//
// Index 0 is the root: it has no limits and is not charged. A parent stands before its children. A charge to a cgroup
// is a charge to every cgroup above it, too (page_counter).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "model/host/indices.h"
#include "model/host/vmstat.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

inline constexpr int64_t kUnlimited = INT64_MAX / 2;

struct CgroupEvents {
  int64_t low = 0, high = 0, max = 0, oom = 0, oom_kill = 0, oom_group_kill = 0;
};

struct Cgroup {
  std::string path = "/";
  CgroupIndex parent = kRootCgroup;
  bool nobody_to_kill_told = false;                               // the log says "no killable processes" already
  int64_t max = kUnlimited, high = kUnlimited, low = 0, min = 0;  // pages
  int64_t swap_max = kUnlimited, swap_high = kUnlimited;
  int64_t zswap_max = kUnlimited;  // pages
  bool zswap_writeback = true;
  bool oom_group = false;
  bool v1 = false;
  int64_t memsw_max = kUnlimited;   // v1: pages of memory and swap together
  int64_t soft_limit = kUnlimited;  // v1: pages
  int swappiness = 60;              // v1: the group's own; v2: vm.swappiness
  bool oom_kill_disable = false;    // v1

  int64_t usage = 0;   // page_counter memory: pages charged in the subtree, `stock` included
  int64_t kernel = 0;  // at the start, of this cgroup alone: pages on no list (slab, stacks, page tables)
  int64_t buffer_heads = 0, tree_nodes = 0;  // charged to this cgroup; Host counts them for all
  int64_t slab = 0;                          // pages charged for buffer heads and tree nodes
  int64_t swap_usage = 0;                    // slots that are charged: of v1 those whose page is not in memory
  int64_t zswap_bytes = 0;                   // MEMCG_ZSWAP_B: compressed bytes, descendants included
  int64_t zswapped = 0;                      // pages stored in zswap, descendants included
  int64_t zswap_own = 0;                     // bytes of this cgroup's own entries
  int64_t zswap_charged = 0;                 // pages of memory charged for zswap_own
  int64_t peak = 0;
  IndexVector<CpuIndex, int64_t> stock;  // memcg_stock: charged in advance, not used yet
  int64_t memsw_failcnt = 0;             // v1: memory.memsw.failcnt
  CgroupEvents events;                   // memory.events, descendants included
  struct {
    int64_t max = 0, fail = 0;
  } swap_events;
  VmstatArray stat;  // the events of memory.stat, descendants included

  int64_t memsw_usage() const { return usage + swap_usage; }
  /// mem_cgroup_margin(): pages that can still be charged.
  int64_t margin() const { return std::min(max - usage, memsw_max - memsw_usage()); }
  int64_t parked() const {
    int64_t sum = 0;
    for (int64_t pages : stock) sum += pages;
    return sum;
  }
};

/// Whether `group` is `ancestor` or below it.
inline bool within(const IndexVector<CgroupIndex, Cgroup>& groups, CgroupIndex group, CgroupIndex ancestor) {
  while (group != ancestor && group != kRootCgroup) group = groups[group].parent;
  return group == ancestor;
}

}  // namespace oomcast::host
