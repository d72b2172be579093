// The kernel's counters: the events of /proc/vmstat under their exact names, in the kernel's order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "model/spec/host_spec.h"

namespace oomcast::host {

// One list makes the enumeration and the names, so that they cannot differ.
// clang-format off
#define OOMCAST_VMSTAT_LIST(X)                                                                                       \
  X(numa_hit) X(numa_miss) X(numa_foreign) X(numa_interleave) X(numa_local) X(numa_other)                           \
  X(workingset_nodes) X(workingset_refault_anon) X(workingset_refault_file) X(workingset_activate_anon)             \
  X(workingset_activate_file) X(workingset_restore_anon) X(workingset_restore_file) X(workingset_nodereclaim)       \
  X(nr_vmscan_write) X(nr_vmscan_immediate_reclaim) X(nr_dirtied) X(nr_written) X(nr_throttled_written)             \
  X(pgpgin) X(pgpgout) X(pswpin) X(pswpout)                                                                          \
  X(pgalloc_dma) X(pgalloc_dma32) X(pgalloc_normal) X(pgalloc_movable) X(pgalloc_device)                             \
  X(allocstall_dma) X(allocstall_dma32) X(allocstall_normal) X(allocstall_movable) X(allocstall_device)              \
  X(pgskip_dma) X(pgskip_dma32) X(pgskip_normal) X(pgskip_movable) X(pgskip_device)                                  \
  X(pgfree) X(pgactivate) X(pgdeactivate) X(pglazyfree) X(pgfault) X(pgmajfault) X(pglazyfreed) X(pgrefill)          \
  X(pgreuse) X(pgsteal_kswapd) X(pgsteal_direct) X(pgdemote_kswapd) X(pgdemote_direct) X(pgscan_kswapd)              \
  X(pgscan_direct) X(pgscan_direct_throttle) X(pgscan_anon) X(pgscan_file) X(pgsteal_anon) X(pgsteal_file)           \
  X(zone_reclaim_success) X(zone_reclaim_failed) X(pginodesteal) X(slabs_scanned) X(kswapd_inodesteal)               \
  X(kswapd_low_wmark_hit_quickly) X(kswapd_high_wmark_hit_quickly) X(pageoutrun) X(pgrotated)                        \
  X(drop_pagecache) X(drop_slab) X(oom_kill) X(pgmigrate_success) X(pgmigrate_fail)                                  \
  X(compact_stall) X(compact_fail) X(compact_success)                                                                \
  X(unevictable_pgs_culled) X(unevictable_pgs_rescued) X(unevictable_pgs_mlocked) X(unevictable_pgs_munlocked)       \
  X(thp_fault_alloc) X(thp_fault_fallback) X(thp_fault_fallback_charge) X(thp_collapse_alloc)                        \
  X(thp_collapse_alloc_failed) X(thp_split_page) X(thp_deferred_split_page) X(thp_swpout)                            \
  X(thp_swpout_fallback) X(thp_split_pmd) X(swap_ra) X(swap_ra_hit)                                                  \
  X(zswpin) X(zswpout) X(zswpwb) X(swpin_zero) X(swpout_zero)
// clang-format on

enum class Vmstat : uint8_t {
#define OOMCAST_VMSTAT_ENUM(name) name,
  OOMCAST_VMSTAT_LIST(OOMCAST_VMSTAT_ENUM)
#undef OOMCAST_VMSTAT_ENUM
};

inline constexpr std::array kVmstatNames = {
#define OOMCAST_VMSTAT_NAME(name) #name,
    OOMCAST_VMSTAT_LIST(OOMCAST_VMSTAT_NAME)
#undef OOMCAST_VMSTAT_NAME
};
inline constexpr int kVmstatCount = static_cast<int>(kVmstatNames.size());
/// The number of counters that the host shows: without zswap the last ones are left out.
inline int vmstat_count(const HostSpec& spec) {
  return spec.zswap.enabled ? kVmstatCount : static_cast<int>(Vmstat::zswpin);
}

class VmstatArray {
 public:
  int64_t& operator[](Vmstat item) { return values_[static_cast<size_t>(item)]; }
  int64_t operator[](Vmstat item) const { return values_[static_cast<size_t>(item)]; }
  /// For loops over all counters: counter i has the name kVmstatNames[i].
  int64_t at_index(int i) const { return values_[static_cast<size_t>(i)]; }

 private:
  std::array<int64_t, kVmstatCount> values_{};
};

/// A counter of a family with one entry per zone (pgalloc_*, allocstall_*, pgskip_*). `dma_entry` is the family's
/// first.
constexpr Vmstat by_zone(Vmstat dma_entry, ZoneKind zone) {
  return static_cast<Vmstat>(static_cast<int>(dma_entry) + static_cast<int>(zone));
}

}  // namespace oomcast::host
