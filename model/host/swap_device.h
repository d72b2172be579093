// Which swap slots are free, and what lies in the others? One device's map, and where its allocator stands.
//
// struct swap_info_struct (include/linux/swap.h). Who searches it for a free slot is model/mm/swap_slots.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "model/host/host_spec.h"
#include "model/host/page.h"

namespace oomcast::host {

/// workingset shadow entry: where and when the page was evicted.
struct Shadow {
  int64_t age = -1;         // nonresident_age at eviction, -1: none
  uint8_t node = 0;
  uint8_t cgroup = 0;
  bool workingset = false;
};

struct SwapSlot {
  uint16_t map_count = 0;   // PTEs that hold this entry
  uint8_t cgroup = 0;       // who is charged for it
  bool cached = false;      // a page in the swap cache holds it
  bool stored = false;      // zram: its data takes memory
  bool foreign = false;     // holds a page of a process that stood on the host before the run
  PageId page = kNoPage;    // valid if cached
  Shadow shadow;
  ProcessIndex owner = kNoProcess;  // one mapper; for background processes, which have no page table here
};

class SwapDevice {
 public:
  static constexpr uint32_t kClusterSlots = 512;  // SWAPFILE_CLUSTER

  SwapDevice(const SwapSpec& spec, uint32_t index, size_t cpus);

  /// REQUIRES: !in_use(offset). The slot counts as taken until release().
  SlotId take(uint32_t offset);
  void release(SlotId id);
  SwapSlot& slot(SlotId id) { return slots_[id & kSlotMask]; }
  const SwapSlot& slot(SlotId id) const { return slots_[id & kSlotMask]; }
  bool in_use(SlotId id) const { return taken_[id & kSlotMask]; }

  /// Clusters in which nothing is taken, in the order in which they are to be used.
  const std::deque<uint32_t>& free_clusters() const { return free_clusters_; }

  // Where the search goes on: on a disk that turns one place for all, else a cluster for each CPU.
  uint32_t cluster_next = 0;  // offset
  uint32_t cluster_left = 0;  // cluster_nr
  struct PercpuCluster {
    bool valid = false;
    uint32_t cluster = 0;
    uint32_t next = 0;        // offset
  };
  std::vector<PercpuCluster> percpu_cluster;

  // zram: pages stored, and the node and zone of each page of memory that they take.
  int64_t zram_stored = 0;
  std::vector<std::pair<int8_t, int8_t>> zram_pool;

  int64_t total() const { return static_cast<int64_t>(slots_.size()); }
  int64_t free() const { return free_; }
  const SwapSpec& spec() const { return spec_; }
  uint32_t index() const { return index_; }

  static constexpr uint32_t kSlotBits = 28;
  static constexpr uint32_t kSlotMask = (1u << kSlotBits) - 1;
  static uint32_t device_of(SlotId id) { return id >> kSlotBits; }

 private:
  SwapSpec spec_;
  uint32_t index_;
  std::vector<SwapSlot> slots_;
  std::vector<bool> taken_;
  std::vector<uint32_t> cluster_used_;  // taken slots by cluster
  std::deque<uint32_t> free_clusters_;
  int64_t free_ = 0;
};

}  // namespace oomcast::host
