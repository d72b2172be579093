// Finds the smallest value that is enough with few questions. `fit` and the proofs of suggestions search with it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace oomcast::report {

struct SearchRange {
  int64_t least = 0, most = 0;           // `most` may be the answer, `least` too unless it is known to fail
  bool least_fails = false;              // `least` is known not to be enough, and is never asked
  int64_t granule = 4096;                // answers are multiples of it
  int tolerance_permille = 5;            // how far the answer may lie above the largest value that is not enough
  int64_t guess = 0;                     // asked first; 0: none
  int64_t spread = 0;                    // added to the answer for what is handed over, and asked too
  std::vector<int> above_permille = {};  // of the answer, ascending: values above it that have to be enough as well
  int width = 2;                         // questions given at a time
};

struct SearchResult {
  std::optional<int64_t> smallest;  // enough; absent: no value that was asked is
  std::optional<int64_t> below;     // the nearest value known not to be enough; absent: `least` is enough
  std::optional<int64_t> given;     // to be handed over: `smallest` with the spread
  bool finished = false;            // narrowed as far as the tolerance asks, or not even `most` is enough
  bool uneven = false;              // a value above one that is enough was not enough; the answer lies above it
  int asked = 0;                    // questions whose answers decided; does not depend on `width`
};

/// Says of each value whether it is enough, the most wanted value first. Nothing: no answer now. A search whose most
/// wanted value gets no answer ends, unfinished; other values may be left for later.
using Enough = std::function<std::vector<std::optional<bool>>(const std::vector<int64_t>& values)>;

/// Goes from the guess outwards until a value is enough, then inwards. The questions of one after another depend on the
/// answers alone; to have several at a time, the search looks ahead at what it would ask after either answer. So the
/// result is the same whatever `width`. A search of this kind cannot see a hole that lies between the values it asks.
/// REQUIRES: granule > 0, width > 0, 0 <= least <= most.
SearchResult smallest_enough(const SearchRange& range, const Enough& enough);

}  // namespace oomcast::report
