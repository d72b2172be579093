// Page arithmetic on a guest's addresses.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "model/base/units.h"

namespace oomcast::record {

inline constexpr auto kPage = static_cast<uint64_t>(kPageBytes);
inline uint64_t page_down(uint64_t address) { return address & ~(kPage - 1); }
inline uint64_t page_up(uint64_t address) { return page_down(address + kPage - 1); }

using PageRange = std::pair<uint64_t, uint64_t>;  // [start, end)

/// Adds [from, to) to runs in ascending order. It extends the last run if it follows that run without a gap.
inline void append(std::vector<PageRange>* runs, uint64_t from, uint64_t to) {
  if (!runs->empty() && runs->back().second == from)
    runs->back().second = to;
  else
    runs->emplace_back(from, to);
}

}  // namespace oomcast::record
