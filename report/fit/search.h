// Finds the smallest value that is enough, by asking about several values at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "model/base/result.h"

namespace oomcast::report {

struct SearchRange {
  int64_t least = 0, most = 0;  // both may be the answer
  int64_t granule = 4096;       // answers are multiples of it
  int tolerance_permille = 5;   // how far the answer may lie above the largest value that is not enough
  int width = 2;                // values asked at a time
};

struct SearchResult {
  std::optional<int64_t> smallest;  // enough; absent: not even `most` is
  std::optional<int64_t>
      below;            // the largest value known not to be enough, under `smallest`; absent: `least` is enough
  int asked = 0;        // values
  bool uneven = false;  // a value above one that is enough was not enough: see smallest_enough()
};

/// Says of each value whether it is enough, in order.
using Enough = std::function<Result<std::vector<bool>>(const std::vector<int64_t>&)>;

/// Narrows least..most until `smallest` lies within the tolerance above `below`. Then values up to 1.25 times
/// the answer are asked too: where one of them is not enough the answer moves above it, and `uneven` is set. A search
/// of this kind cannot see a hole that lies between the values it asks.
Result<SearchResult> smallest_enough(const SearchRange& range, const Enough& enough);

}  // namespace oomcast::report
