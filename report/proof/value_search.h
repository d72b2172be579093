// Searches for the smallest value that is enough, with as few simulations as will do: from a guess outwards, then inwards.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "report/remedy.h"

namespace oomcast::report {

/// Whether a value is enough; nothing when there is no answer (no time left, a verdict that is withheld).
using AskValue = std::function<std::optional<bool>(int64_t value)>;

struct FoundValue {
  std::optional<int64_t> smallest;  // or the largest, where that is searched; nothing: no value that was asked is enough
  std::optional<int64_t> below;     // the nearest value known not to be enough
  std::optional<int64_t> given;     // to be handed over: `smallest` with the spread, asked too
  bool finished = false;            // narrowed as far as the tolerance asks
};

/// `search.now` counts as known not to be enough and is never asked. Where the value to hand over turns out not to be
/// enough itself, the search goes on above it.
FoundValue find_value(const SearchedValue& search, const AskValue& ask);

}  // namespace oomcast::report
