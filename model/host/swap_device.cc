// Which swap slots are free? See swap_device.h.
#include "model/host/swap_device.h"

#include <algorithm>

namespace oomcast::host {

SwapDevice::SwapDevice(const SwapSpec& spec, uint32_t index, size_t cpus) : percpu_cluster(cpus), spec_(spec), index_(index) {
  const int64_t total = std::min<int64_t>(to_pages(spec.size).count(), kSlotMask);
  slots_.resize(static_cast<size_t>(total));
  taken_.assign(static_cast<size_t>(total), false);
  cluster_used_.assign(static_cast<size_t>((total + kClusterSlots - 1) / kClusterSlots), 0);
  for (uint32_t cluster = 0; cluster < cluster_used_.size(); ++cluster) free_clusters_.push_back(cluster);
  free_ = total;
  // What was swapped out before the run lies in the first slots; nobody will ask for it back.
  const uint32_t used = static_cast<uint32_t>(std::min(total, to_pages(spec.used).count()));
  for (uint32_t offset = 0; offset < used; ++offset) slot(take(offset)).foreign = true;
  cluster_next = used;
}

SlotId SwapDevice::take(uint32_t offset) {
  OOMCAST_CHECK(!taken_[offset]);
  taken_[offset] = true;
  slots_[offset] = SwapSlot{};
  --free_;
  const uint32_t cluster = offset / kClusterSlots;
  if (cluster_used_[cluster]++ == 0) std::erase(free_clusters_, cluster);
  return (index_ << kSlotBits) | offset;
}

void SwapDevice::release(SlotId id) {
  const uint32_t offset = id & kSlotMask;
  OOMCAST_CHECK(taken_[offset]);
  taken_[offset] = false;
  slots_[offset] = SwapSlot{};
  ++free_;
  const uint32_t cluster = offset / kClusterSlots;
  if (--cluster_used_[cluster] == 0) free_clusters_.push_back(cluster);
}

}  // namespace oomcast::host
