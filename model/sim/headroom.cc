// How much can the program still touch before anything happens to it? See headroom.h.
#include "model/sim/headroom.h"

#include <algorithm>

namespace oomcast::sim {
namespace {

int64_t above(const host::Node& node, bool low) {
  int64_t pages = 0;
  for (const host::Zone& zone : node.zones) {
    if (zone.managed == 0) continue;
    pages += std::max<int64_t>(0, zone.free - (low ? zone.low_mark() : zone.min_mark()) - zone.lowmem_reserve[static_cast<size_t>(host::ZoneKind::kMovable)]);
  }
  return pages;
}

/// get_page_from_freelist() goes on to the next node while one has room; zone_reclaim_mode and policies do not let it.
int64_t of_nodes(const host::Host& host, bool one_node, bool low) {
  int64_t all = 0, least = INT64_MAX;
  for (const host::Node& node : host.nodes) {
    if (node.zones.empty() || std::all_of(node.zones.begin(), node.zones.end(), [](const host::Zone& z) { return z.managed == 0; }))
      continue;
    const int64_t pages = above(node, low);
    all += pages;
    least = std::min(least, pages);
  }
  return one_node && least != INT64_MAX ? least : all;
}

int64_t of_cgroups(const host::Host& host) {
  int64_t least = INT64_MAX;
  for (host::CgroupIndex at = host.app_cgroup; at != host::kRootCgroup; at = host.cgroups[at].parent) {
    const host::Cgroup& group = host.cgroups[at];
    if (std::min(group.max, group.high) >= host::kUnlimited) continue;
    least = std::min(least, std::min(group.max, group.high) - group.usage);
  }
  return least;
}

}  // namespace

Headroom headroom(const host::Host& host, bool one_node) {
  return {of_nodes(host, one_node, true), of_nodes(host, one_node, false), of_cgroups(host)};
}

int64_t headroom_pages(const host::Host& host, bool one_node) {
  return std::max<int64_t>(0, std::min(of_nodes(host, one_node, true), of_cgroups(host)));
}

}  // namespace oomcast::sim
