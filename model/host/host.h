// Holds the whole machine at one moment. Nodes, pages, processes, swap devices and counters, with no behaviour.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "model/host/cgroup.h"
#include "model/host/file.h"
#include "model/host/node.h"
#include "model/host/page_array.h"
#include "model/host/partly_mapped.h"
#include "model/host/process.h"
#include "model/host/service.h"
#include "model/host/swap_device.h"
#include "model/host/vmstat.h"
#include "model/host/zswap.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

/// Another mapper of a page beside Page::owner (shared after fork). Linked through `next`; 0 ends the chain.
struct Sharer {
  ProcessIndex process = kNoProcess;
  uint64_t vpn = 0;
  uint32_t next = 0;
};

/// Pages first touched under one sampled stack.
struct SiteCount {
  int64_t touched = 0, resident = 0, resident_peak = 0;
};

struct Host {
  explicit Host(const HostSpec& spec);

  const HostSpec spec;
  IndexVector<NodeIndex, Node> nodes;
  IndexVector<NodeIndex, std::vector<NodeIndex>> zonelists;  // nodes, nearest first (build_zonelists)
  PageArray pages;
  std::vector<Sharer> sharers;  // [0] is unused
  std::vector<uint32_t> free_sharers;
  std::deque<Process> processes;  // task-list order: background by pid, then guests as they start
  std::deque<SwapDevice> swaps;   // by priority, highest first
  Zswap zswap;
  VmstatArray vmstat;
  std::deque<File> files;                    // in the order in which the program first used them
  std::vector<TmpfsMount> mounts;            // that files of the program lie on
  int64_t buffer_heads = 0;                  // on cached pages of these files
  int64_t tree_nodes = 0;                    // struct xa_node of their page caches
  uint64_t shadow_numbers = 0;               // given to shadow nodes so far
  std::vector<ZoneRef> cache_slab;           // of each slab page that holds them
  int64_t app_file_bytes = 0;                // read and written through files
  IndexVector<CgroupIndex, Cgroup> cgroups;  // [0]: the root; parents before children
  CgroupIndex app_cgroup = kRootCgroup;      // where the program runs
  // Several programs, each a service: [0] is nobody's, services count from 1. Empty: one program, which is all guests.
  std::vector<Service> services;

  // Per-CPU batches of pages on their way to a list (struct cpu_fbatches).
  IndexVector<CpuIndex, std::vector<PageId>> lru_add_batch;
  IndexVector<CpuIndex, std::vector<PageId>> rotate_batch;
  IndexVector<CpuIndex, std::vector<SlotId>> swap_slot_cache;  // struct swap_slots_cache: to be used next, last first
  IndexVector<CpuIndex, std::vector<SlotId>> swap_slots_returned;  // slots_ret: freed, but not yet given back
  bool swap_slot_cache_active = false;
  IndexVector<NodeIndex, std::vector<uint32_t>> swap_avail_heads;  // devices in the order of their turn

  PartlyMappedPages partly_mapped;  // huge pages that wait to be split
  uint64_t partly_mapped_numbers = 0;

  int64_t total_ram = 0;                // totalram_pages
  int64_t total_swap = 0;               // total_swap_pages
  int64_t cached_slots = 0;             // slots in per-CPU caches, either kind: taken, but not in use
  int64_t committed = 0;                // vm_committed_as, pages
  int64_t guest_anon = 0;               // anonymous pages of guests, resident (each counted once)
  int64_t guest_untouched = 0;          // of those, pages that came with a huge page and have not been used since
  int64_t guest_swapped = 0;            // swapped out (each slot counted once)
  int64_t guest_tables = 0;             // page-table pages
  int64_t guest_locked = 0;             // pages that locked mappings of guests map
  int64_t guest_touched = 0;            // first touches so far, pages
  int64_t guest_mapped_bytes = 0;       // address space of all guests
  std::map<uint32_t, SiteCount> sites;  // by stack id

  /// Anonymous memory of guests came or went, in memory or in swap; `service` as Process::service.
  void count_anon(uint8_t service, int64_t by) {
    guest_anon += by;
    if (!services.empty()) services[service].count_anon(by);
  }
  void count_swapped(uint8_t service, int64_t by) {
    guest_swapped += by;
    if (!services.empty()) services[service].swapped += by;
  }
  /// A page of the service left memory for its swap slot, or for good; `by` is the service whose actor reclaims.
  void count_taken(uint8_t service, uint8_t by) {
    if (!services.empty()) ++services[service].taken_by[by];
  }
  void count_swap_out(SlotId id) {
    if (!services.empty()) ++services[slot(id).service].swap_outs;
  }
  void count_swap_in(SlotId id) {
    if (!services.empty()) ++services[slot(id).service].swap_ins;
  }
  /// The group in which a service runs.
  CgroupIndex group_of(uint8_t service) const { return services.empty() ? app_cgroup : services[service].cgroup; }
  /// Calls f(CgroupIndex) for the group in which the program runs, or for that of each service.
  template <class F>
  void for_each_guest_group(F&& f) const {
    if (services.empty()) return f(app_cgroup);
    for (size_t s = 1; s < services.size(); ++s) f(services[s].cgroup);
  }

  int cpu_count() const { return static_cast<int>(spec.cpus.size()); }
  /// nr_swap_pages: free slots, those in per-CPU caches not counted.
  int64_t free_swap() const {
    int64_t sum = 0;
    for (const SwapDevice& device : swaps) sum += device.free();
    return sum;
  }
  SwapDevice& device(SlotId id) { return swaps[SwapDevice::device_of(id)]; }
  const SwapDevice& device(SlotId id) const { return swaps[SwapDevice::device_of(id)]; }
  SwapSlot& slot(SlotId id) { return device(id).slot(id); }
  const SwapSlot& slot(SlotId id) const { return device(id).slot(id); }
  Zone& zone_of(const Page& page) { return nodes[page.node()].zones[page.zone]; }
  Lruvec& lruvec_of(const Page& page) { return nodes[page.node()].lruvec(page.cgroup()); }
  void count(Vmstat item, int64_t by = 1) { vmstat[item] += by; }
  /// count_memcg_events(): in memory.stat of the group and of those above it.
  void count_in(CgroupIndex group, Vmstat item, int64_t by = 1) {
    for (; group != kRootCgroup; group = cgroups[group].parent) cgroups[group].stat[item] += by;
  }
  /// In both.
  void count_with(CgroupIndex group, Vmstat item, int64_t by = 1) {
    count(item, by);
    count_in(group, item, by);
  }
};

}  // namespace oomcast::host
