// StashRescue: stands in for a helper that has ended while its program lives on. No page is moved out any more. What
// lies in the stash is read from outside and copied to its place.
#pragma once

#include <memory>

#include "preload/record/kernel/fault_channel.h"
#include "preload/record/kernel/memory_view.h"
#include "preload/record/kernel/stash_channel.h"

namespace oomcast::record {

class StashRescue final : public StashChannel {
 public:
  StashRescue(std::unique_ptr<StashChannel> ended, const MemoryView& memory, FaultChannel& all, FaultChannel& heap)
      : ended_(std::move(ended)), memory_(memory), all_(all), heap_(heap) {}

  std::optional<Pages> out(std::span<const PageRange>) override { return Pages(); }
  std::optional<Pages> back(std::span<const PageRange> ranges, uint64_t distance, Waiters waiters) override;
  bool drop(PageRange) override { return true; }
  bool give_to_child(int) override { return false; }
  uint64_t place_of(uint64_t page) const override { return ended_->place_of(page); }
  bool is_stash(uint64_t start) const override { return ended_->is_stash(start); }
  uint32_t pid() const override { return ended_->pid(); }
  bool alive() const override { return false; }

 private:
  bool fill(uint64_t page, uint64_t place);

  std::unique_ptr<StashChannel> ended_;
  const MemoryView& memory_;
  FaultChannel& all_;
  FaultChannel& heap_;
};

}  // namespace oomcast::record
