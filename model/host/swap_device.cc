// Which swap slots are free? See swap_device.h.
#include "model/host/swap_device.h"

#include <algorithm>

namespace oomcast::host {

SwapDevice::SwapDevice(const SwapSpec& spec, uint32_t index) : spec_(spec), index_(index) {
  const int64_t total = std::min<int64_t>(to_pages(spec.size).count(), kSlotMask);
  slots_.resize(static_cast<size_t>(total));
  taken_.assign(static_cast<size_t>(total), false);
  free_ = total;
  // What was swapped out before the run lies in the first slots; nobody will ask for it back.
  const int64_t used = std::min(total, to_pages(spec.used).count());
  for (int64_t i = 0; i < used; ++i) {
    taken_[static_cast<size_t>(i)] = true;
    slots_[static_cast<size_t>(i)].foreign = true;
  }
  free_ -= used;
  next_ = static_cast<uint32_t>(used);
}

SlotId SwapDevice::take() {
  if (free_ == 0) return kNoSlot;
  const uint32_t total = static_cast<uint32_t>(slots_.size());
  if (next_ >= total) next_ = 0;
  while (taken_[next_]) next_ = next_ + 1 == total ? 0 : next_ + 1;
  const uint32_t slot = next_++;
  taken_[slot] = true;
  slots_[slot] = SwapSlot{};
  --free_;
  return (index_ << kSlotBits) | slot;
}

void SwapDevice::release(SlotId id) {
  const uint32_t slot = id & kSlotMask;
  OOMCAST_CHECK(taken_[slot]);
  taken_[slot] = false;
  slots_[slot] = SwapSlot{};
  ++free_;
}

}  // namespace oomcast::host
