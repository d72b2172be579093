// StashState: the stash of one process (capture/stash.h).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "preload/record/kernel/stash_channel.h"

namespace oomcast::record {

/// A command for the stashed pages of [start, end): bring them back, or drop them.
struct StashTask {
  enum class Kind { kBack, kDrop } kind = Kind::kBack;
  uint64_t start = 0, end = 0;
  uint64_t distance = 0;  // kBack after an mremap(): from the old place to the new
  StashChannel::Waiters waiters = StashChannel::Waiters::kWoken;
};

struct StashState {
  bool possible = false;                 // the process may have a stash
  std::unique_ptr<StashChannel> helper;  // null: the process has no stash
  std::deque<StashTask> undone;          // tasks that wait until an event has been read, in order
};

}  // namespace oomcast::record
