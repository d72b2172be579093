// What is known of the stash of one process (capture/stash.h).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "preload/record/kernel/stash_channel.h"

namespace oomcast::record {

/// What has to be done with the stashed pages of [start, end).
struct StashTask {
  enum class Kind { kBack, kDrop } kind = Kind::kBack;
  uint64_t start = 0, end = 0;
  uint64_t distance = 0;  // from where they were to where they belong
  StashChannel::Waiters waiters = StashChannel::Waiters::kWoken;
};

struct StashState {
  bool possible = false;                 // the process may have one
  std::unique_ptr<StashChannel> helper;  // null: it has none
  std::deque<StashTask> undone;          // kept from being done by an event that was not read yet
};

}  // namespace oomcast::record
