// The pages that the program can still touch before the host reclaims. See headroom.h.
#include "model/sim/headroom.h"

#include <algorithm>
#include <optional>

namespace oomcast::sim {
namespace {

struct Above {
  int64_t low = 0, min = 0;
};

// Pages above the marks of all zones; nothing if the node has no memory.
std::optional<Above> above_marks(const host::Node& node) {
  std::optional<Above> sum;
  for (const host::Zone& zone : node.zones) {
    if (zone.managed == 0) continue;
    if (!sum) sum.emplace();
    const int64_t usable = zone.free - zone.lowmem_reserve[host::ZoneKind::kMovable];
    sum->low += std::max<int64_t>(0, usable - zone.low_mark());
    sum->min += std::max<int64_t>(0, usable - zone.min_mark());
  }
  return sum;
}

/// get_page_from_freelist() goes on to the next node. With zone_reclaim_mode or a policy (`one_node`) it may not.
Above of_nodes(const host::Host& host, bool one_node) {
  Above all;
  std::optional<Above> least;
  for (const host::Node& node : host.nodes) {
    const std::optional<Above> here = above_marks(node);
    if (!here) continue;
    all = {all.low + here->low, all.min + here->min};
    least = least ? Above{std::min(least->low, here->low), std::min(least->min, here->min)} : *here;
  }
  return one_node && least ? *least : all;
}

int64_t of_cgroups(const host::Host& host) {
  int64_t least = INT64_MAX;
  host.for_each_guest_group([&](host::CgroupIndex own) {
    for (host::CgroupIndex at = own; at != host::kRootCgroup; at = host.cgroups[at].parent) {
      const host::Cgroup& group = host.cgroups[at];
      if (std::min(group.max, group.high) >= host::kUnlimited) continue;
      least = std::min(least, std::min(group.max, group.high) - group.usage);
    }
  });
  return least;
}

}  // namespace

Headroom headroom(const host::Host& host, bool one_node) {
  const Above above = of_nodes(host, one_node);
  return {above.low, above.min, of_cgroups(host)};
}

int64_t headroom_pages(const host::Host& host, bool one_node) {
  return std::max<int64_t>(0, std::min(of_nodes(host, one_node).low, of_cgroups(host)));
}

}  // namespace oomcast::sim
