// Finds the smallest value that is enough with few questions. `fit` and the proofs of suggestions use it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace oomcast::report {

struct SearchRange {
  int64_t least = 0, most = 0;           // both may be the answer, unless `least_fails`
  bool least_fails = false;              // `least` is known not to be enough, and is not asked
  int64_t granule = 4096;                // the answer is a multiple of it
  int tolerance_permille = 5;            // distance of the answer from the largest value that is not enough, at most
  int64_t guess = 0;                     // the value that is asked first; 0: none
  int64_t spread = 0;                    // added to `smallest` for `given`; the sum is asked, too
  std::vector<int> above_permille = {};  // of the answer, ascending: values above it that must be enough, too
  int width = 2;                         // questions that are asked at a time
};

struct SearchResult {
  std::optional<int64_t> smallest;  // is enough; absent: no value that was asked is
  std::optional<int64_t> below;     // the nearest value known not to be enough; absent: `least` is enough
  std::optional<int64_t> given;     // the value to hand over: `smallest` and the spread
  bool finished = false;            // narrowed to the tolerance, or even `most` is not enough
  bool uneven = false;              // a value above a sufficient one was not enough; the answer lies above it
  int asked = 0;                    // questions whose answers the search used; independent of `width`
};

/// Answers for each value whether it is enough. The first value is the one that the search needs. Nothing: no answer
/// now. Without an answer to its first value the search ends, unfinished; other answers may be missing.
using Enough = std::function<std::vector<std::optional<bool>>(const std::vector<int64_t>& values)>;

/// Goes upwards from the guess until a value is enough, then halves the range below it. Each question depends only on
/// the answers before. To ask `width` questions at a time, the search adds the questions that would follow either
/// answer, so that the result does not depend on `width`. A hole (values that are not enough above one that is) is seen
/// only if a value inside it is asked. REQUIRES: granule > 0, width > 0, 0 <= least <= most.
SearchResult smallest_enough(const SearchRange& range, const Enough& enough);

}  // namespace oomcast::report
