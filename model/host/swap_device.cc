// The map of a swap device's slots. See swap_device.h.
#include "model/host/swap_device.h"

#include <algorithm>

namespace oomcast::host {

SwapDevice::SwapDevice(const SwapSpec& spec, uint32_t index, size_t cpus)
    : percpu_cluster(cpus), spec_(spec), index_(index) {
  const int64_t total = std::min<int64_t>(to_pages(spec.size).count(), kSlotMask);
  taken_.assign(static_cast<size_t>(total), false);
  clusters_.resize(static_cast<size_t>((total + kClusterSlots - 1) / kClusterSlots));
  cluster_used_.assign(static_cast<size_t>((total + kClusterSlots - 1) / kClusterSlots), 0);
  // Pages that were swapped out before the run take the first slots; the run does not read them.
  used_before_ = static_cast<uint32_t>(std::min(total, to_pages(spec.used).count()));
  for (uint32_t offset = 0; offset < used_before_; ++offset) {
    taken_[offset] = true;
    ++cluster_used_[offset / kClusterSlots];
  }
  for (uint32_t cluster = 0; cluster < cluster_used_.size(); ++cluster)
    if (cluster_used_[cluster] == 0) free_clusters_.push_back(cluster);
  free_ = total - used_before_;
  cluster_next = used_before_;
}

void SwapDevice::fill(uint32_t cluster) const {
  clusters_[cluster] = std::make_unique<SwapSlot[]>(kClusterSlots);
  for (uint32_t offset = cluster * kClusterSlots; offset < std::min(used_before_, (cluster + 1) * kClusterSlots);
       ++offset)
    clusters_[cluster][offset % kClusterSlots].foreign = taken_[offset];
}

SlotId SwapDevice::take(uint32_t offset) {
  OOMCAST_CHECK(!taken_[offset]);
  taken_[offset] = true;
  --free_;
  const uint32_t cluster = offset / kClusterSlots;
  slot(offset) = SwapSlot{};
  if (cluster_used_[cluster]++ == 0) std::erase(free_clusters_, cluster);
  return (index_ << kSlotBits) | offset;
}

void SwapDevice::release(SlotId id) {
  const uint32_t offset = id & kSlotMask;
  OOMCAST_CHECK(taken_[offset]);
  taken_[offset] = false;
  slot(id) = SwapSlot{};
  ++free_;
  const uint32_t cluster = offset / kClusterSlots;
  if (--cluster_used_[cluster] == 0) free_clusters_.push_back(cluster);
}

}  // namespace oomcast::host
