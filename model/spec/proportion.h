// Proportional division: one part of a whole, or a total divided over several rooms.
#pragma once

#include <cstdint>
#include <vector>

#include "model/base/units.h"

namespace oomcast::host {

/// amount * part / whole, rounded down, without overflow; 0 if whole <= 0. REQUIRES: amount >= 0 and part >= 0.
constexpr int64_t proportion(int64_t amount, int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<int64_t>(static_cast<__int128>(amount) * part / whole) : 0;
}
constexpr Pages proportion(Pages amount, Pages part, Pages whole) {
  return Pages(proportion(amount.count(), part.count(), whole.count()));
}

/// Divides `total` in proportion to the rooms; no part exceeds its room. What rounding leaves over goes to the last
/// rooms. If the rooms are smaller than `total` together, each part is its room.
std::vector<int64_t> shares(int64_t total, const std::vector<int64_t>& rooms);

}  // namespace oomcast::host
