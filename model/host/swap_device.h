// One swap device: which slots are taken, what they hold, and where the search for a free slot continues.
//
// struct swap_info_struct (include/linux/swap.h). The search itself is in model/mm/swap_slots.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/host/page.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

inline constexpr int64_t kShadowAgeMax = (int64_t{1} << 47) - 1;

/// Shadow entry of mm/workingset.c: when and from where a page was evicted.
struct Shadow {
  int64_t age : 48 = -1;  // nonresident_age at eviction, -1: none
  uint64_t node : 8 = 0;
  uint64_t cgroup : 7 = 0;
  uint64_t workingset : 1 = 0;

  void set_place(NodeIndex at, CgroupIndex group) {
    node = static_cast<uint8_t>(at.value());
    cgroup = group.value() & 127;
  }
  NodeIndex node_index() const { return NodeIndex::from(node); }
  CgroupIndex cgroup_index() const { return CgroupIndex::from(cgroup); }
};
static_assert(sizeof(Shadow) == 8);

struct SwapSlot {
  uint16_t map_count = 0;    // PTEs that hold this entry; 1 if a file does
  CgroupIndex cgroup;        // the cgroup of its page
  bool cached : 1 = false;   // a page in the swap cache belongs to it
  bool stored : 1 = false;   // zram: its data takes memory
  bool foreign : 1 = false;  // holds a page of a process from before the run
  bool shmem : 1 = false;    // a file holds this entry
  bool charged : 1 = false;  // its cgroup is charged for it
  PageId page = kNoPage;     // valid if `cached`
  Shadow shadow;
  ProcessIndex owner = kNoProcess;  // for background processes, which have no page table here: one that maps it
  uint8_t service = 0;              // the program whose page it holds (Host::services)
};
static_assert(sizeof(SwapSlot) == 24);

class SwapDevice {
 public:
  static constexpr uint32_t kClusterSlots = 512;  // SWAPFILE_CLUSTER

  SwapDevice(const SwapSpec& spec, uint32_t index, size_t cpus);

  /// Takes the slot, until release(). REQUIRES: !in_use(offset).
  SlotId take(uint32_t offset);
  void release(SlotId id);
  /// REQUIRES: in_use(id).
  SwapSlot& slot(SlotId id) { return const_cast<SwapSlot&>(std::as_const(*this).slot(id)); }
  const SwapSlot& slot(SlotId id) const {
    const uint32_t offset = id & kSlotMask, cluster = offset / kClusterSlots;
    if (!clusters_[cluster]) fill(cluster);
    return clusters_[cluster][offset % kClusterSlots];
  }
  bool in_use(SlotId id) const { return taken_[id & kSlotMask]; }

  /// Clusters without a taken slot, in the order in which they are to be used.
  const std::deque<uint32_t>& free_clusters() const { return free_clusters_; }

  // Where the search continues: on a disk that turns one place for all, otherwise a cluster for each CPU.
  uint32_t cluster_next = 0;  // offset
  uint32_t cluster_left = 0;  // cluster_nr: slots left in it
  struct PercpuCluster {
    bool valid = false;
    uint32_t cluster = 0;
    uint32_t next = 0;  // offset
  };
  IndexVector<CpuIndex, PercpuCluster> percpu_cluster;

  // zram: the number of pages stored, and the place of each page of memory that they take.
  int64_t zram_stored = 0;
  std::vector<ZoneRef> zram_pool;

  int64_t total() const { return static_cast<int64_t>(taken_.size()); }
  int64_t free() const { return free_; }
  const SwapSpec& spec() const { return spec_; }
  uint32_t index() const { return index_; }

  static constexpr uint32_t kSlotBits = 27;
  static constexpr uint32_t kSlotMask = (1u << kSlotBits) - 1;
  static uint32_t device_of(SlotId id) { return id >> kSlotBits; }

 private:
  SwapSpec spec_;
  uint32_t index_;
  void fill(uint32_t cluster) const;

  mutable std::vector<std::unique_ptr<SwapSlot[]>> clusters_;  // null: no slot of the cluster was looked at
  uint32_t used_before_ = 0;                                   // slots taken before the run: the first ones
  std::vector<bool> taken_;
  std::vector<uint32_t> cluster_used_;  // taken slots, by cluster
  std::deque<uint32_t> free_clusters_;
  int64_t free_ = 0;
};

}  // namespace oomcast::host
