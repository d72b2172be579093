// Which swap slots are free, and what lies in the others? One device's map, filled in order like the kernel's for disks.
//
// Mirrors scan_swap_map_slots() for devices without per-CPU clusters (mm/swapfile.c): next fit from where the last
// search ended, wrapping at the end. Differs: does not prefer wholly free 512-slot clusters over the next hole.
#pragma once

#include <cstdint>
#include <string>
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
  bool foreign = false;     // holds a page of a process that stood on the host before the run
  PageId page = kNoPage;    // valid if cached
  Shadow shadow;
  ProcessIndex owner = kNoProcess;  // one mapper; for background processes, which have no page table here
};

class SwapDevice {
 public:
  SwapDevice(const SwapSpec& spec, uint32_t index);

  /// A free slot, or kNoSlot when the device is full. It counts as taken until release().
  SlotId take();
  void release(SlotId id);
  SwapSlot& slot(SlotId id) { return slots_[id & kSlotMask]; }
  const SwapSlot& slot(SlotId id) const { return slots_[id & kSlotMask]; }
  bool in_use(SlotId id) const { return taken_[id & kSlotMask]; }

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
  int64_t free_ = 0;
  uint32_t next_ = 0;
};

}  // namespace oomcast::host
