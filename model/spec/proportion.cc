// Proportional division over several rooms. See proportion.h.
#include "model/spec/proportion.h"

#include <algorithm>
#include <numeric>

namespace oomcast::host {

std::vector<int64_t> shares(int64_t total, const std::vector<int64_t>& rooms) {
  const int64_t room = std::accumulate(rooms.begin(), rooms.end(), int64_t{0});
  if (total >= room) return rooms;
  std::vector<int64_t> parts;
  int64_t left = total;
  for (const int64_t each : rooms) {
    parts.push_back(proportion(total, each, room));
    left -= parts.back();
  }
  for (size_t i = rooms.size(); i-- > 0;) {
    const int64_t more = std::min(left, rooms[i] - parts[i]);
    parts[i] += more;
    left -= more;
  }
  return parts;
}

}  // namespace oomcast::host
