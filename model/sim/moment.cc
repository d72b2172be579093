// Records the state of the modelled kernel. See moment.h.
#include "model/sim/moment.h"

namespace oomcast::sim {

using host::LruKindIndex;

namespace {

template <class Size>
host::LruSizes lru_sizes(Size size) {
  host::LruSizes lru;
  lru.inactive_anon = Pages(size(LruKindIndex::kInactiveAnon));
  lru.active_anon = Pages(size(LruKindIndex::kActiveAnon));
  lru.inactive_file = Pages(size(LruKindIndex::kInactiveFile));
  lru.active_file = Pages(size(LruKindIndex::kActiveFile));
  lru.unevictable = Pages(size(LruKindIndex::kUnevictable));
  return lru;
}

ZoneMoment zone_moment(const host::Node& node, const host::Zone& zone) {
  ZoneMoment out;
  out.kind = zone.kind;
  out.free = Pages(zone.free);
  out.free_cma = Pages(zone.free_cma);
  out.boost = Pages(zone.boost);
  out.watermarks = {Pages(zone.min_mark()), Pages(zone.low_mark()), Pages(zone.high_mark())};
  out.present = Pages(zone.present);
  out.managed = Pages(zone.managed);
  out.write_pending = Pages(zone.write_pending);
  out.lru = lru_sizes([&](LruKindIndex list) { return node.size_of_zone(list, zone.kind); });
  return out;
}

NodeMoment node_moment(const host::Node& node) {
  NodeMoment out;
  out.id = node.id;
  out.lru = lru_sizes([&](LruKindIndex list) { return node.size(list); });
  out.dirty = Pages(node.nr_dirty);
  out.writeback = Pages(node.nr_writeback);
  out.shmem = Pages(node.nr_shmem);
  out.mapped = Pages(node.file_mapped);
  out.slab_reclaimable = Pages(node.slab_reclaimable);
  for (const host::Zone& zone : node.zones)
    if (zone.managed > 0) out.zones.push_back(zone_moment(node, zone));
  return out;
}

}  // namespace

GroupState group_state(const host::Cgroup& group) {
  GroupState out{group.path, Pages(group.usage), Pages(group.max), Pages(group.high)};
  out.v1 = group.v1;
  out.at_memsw = group.memsw_max - group.memsw_usage() < group.max - group.usage;
  out.memsw_usage = Pages(group.memsw_usage());
  out.memsw_max = Pages(group.memsw_max);
  return out;
}

Moment moment_of(std::string name, Nanoseconds now, const host::Host& host) {
  Moment out;
  out.name = std::move(name);
  out.t = now;
  out.app_footprint = to_bytes(Pages(host.guest_anon + host.guest_swapped));
  for (const host::Node& node : host.nodes) out.nodes.push_back(node_moment(node));
  out.swap_total = Pages(host.total_swap);
  out.swap_free = Pages(host.free_swap() + host.cached_slots);
  out.committed = Pages(host.committed);
  out.counters = host.vmstat;
  for (const auto& [stack, site] : host.sites)
    if (site.resident > 0) out.sites.push_back({stack, to_bytes(Pages(site.resident))});
  return out;
}

}  // namespace oomcast::sim
