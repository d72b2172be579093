// Divides amounts in proportion: one part of a whole, or a total over several takers.
#pragma once

#include <cstdint>
#include <vector>

#include "model/base/units.h"

namespace oomcast::host {

/// amount * part / whole, rounded down, without overflow; 0 where the whole is nothing. REQUIRES: amount, part >= 0.
constexpr int64_t proportion(int64_t amount, int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<int64_t>(static_cast<__int128>(amount) * part / whole) : 0;
}
constexpr Pages proportion(Pages amount, Pages part, Pages whole) {
  return Pages(proportion(amount.count(), part.count(), whole.count()));
}

/// Parts of `total` in proportion to what each taker has room for, none above that. What rounding leaves goes to the
/// last ones. Where the rooms together are less than `total`, each is filled.
std::vector<int64_t> shares(int64_t total, const std::vector<int64_t>& rooms);

}  // namespace oomcast::host
