// StashRescue: reads the stash through /proc/PID/mem and fills the pages by UFFDIO_COPY.
#include "preload/record/kernel/stash_rescue.h"

#include <array>

namespace oomcast::record {

/// False: an unread event is in the way, or there is no memory.
bool StashRescue::fill(uint64_t page, uint64_t place) {
  std::array<char, kPage> content;
  const std::vector<uint64_t> entries = memory_.entries(place, 1);
  // The stash has no such page: it was not moved yet when the helper ended, or was moved back already.
  if (entries.empty() || entries[0] >> 62 == 0 || memory_.read(place, content.data(), kPage) != kPage) return true;
  const FaultResult result = all_.copy(page, content.data());
  if (result != FaultResult::kGone) return result == FaultResult::kDone || result == FaultResult::kAlreadyThere;
  const FaultResult in_heap = heap_.copy(page, content.data());
  return in_heap != FaultResult::kRetry && in_heap != FaultResult::kNoMemory;
}

std::optional<StashChannel::Pages> StashRescue::back(std::span<const PageRange> ranges, uint64_t distance, Waiters) {
  Pages done;
  size_t bit = 0;
  for (const auto& [start, end] : ranges)
    for (uint64_t page = start; page < end; page += kPage, ++bit) {
      const uint64_t place = place_of(page);
      done[bit] = place == 0 || fill(page + distance, place);
    }
  return done;
}

}  // namespace oomcast::record
