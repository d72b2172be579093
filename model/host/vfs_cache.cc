// The unused dentries and inodes of a node. See vfs_cache.h.
#include "model/host/vfs_cache.h"

#include <algorithm>

#include "model/host/node.h"
#include "model/spec/proportion.h"
#include "model/spec/vfs_cache_spec.h"

namespace oomcast::host {
namespace {

int64_t pages_for(int64_t dentries, int64_t inodes, const VfsCache& cache) {
  const __int128 bytes =
      static_cast<__int128>(dentries) * cache.dentry_bytes + static_cast<__int128>(inodes) * cache.inode_bytes;
  return static_cast<int64_t>((bytes + kPageBytes - 1) / kPageBytes);
}

// The node's reclaimable slab; 0 if it cannot be had. If no node could give any but the source counts dentries, all
// count.
int64_t weight_of(const NodeSpec& node, bool any_can) {
  return any_can && slab_cannot_be_had(node) ? 0 : node.slab_reclaimable.count();
}

// Spreads the slab over the zones by the kernel's own pages there. Requests for kernel memory never go to Movable.
void spread_over_zones(VfsCache& cache, int64_t pages, const NodeSpec& spec, const Node& node) {
  ByZone<int64_t> room{};
  int64_t rooms = 0;
  for (const ZoneSpec& zone : spec.zones) {
    if (zone.kind > ZoneKind::kNormal) continue;
    const LruSizes& lru = zone.lru;
    const int64_t listed =
        (lru.inactive_anon + lru.active_anon + lru.inactive_file + lru.active_file + lru.unevictable).count();
    room[zone.kind] = std::max<int64_t>(0, node.zones[zone.kind].used - listed);
    rooms += room[zone.kind];
  }
  int64_t left = std::min(pages, rooms);
  for (const ZoneKind z : kZonesAscending) {
    cache.pages[z] = proportion(std::min(pages, rooms), room[z], rooms);
    left -= cache.pages[z];
  }
  for (const ZoneKind z : zones_down_from(ZoneKind::kDevice)) {
    const int64_t more = std::min(left, room[z] - cache.pages[z]);
    cache.pages[z] += more;
    left -= more;
  }
}

}  // namespace

int64_t VfsCache::slab_pages() const { return pages_for(dentries, inodes + held_inodes, *this); }

VfsCache stock_vfs_cache(const HostSpec& spec, const NodeSpec& node_spec, const Node& node) {
  const VfsCacheSpec& host = spec.vfs_cache;
  VfsCache cache;
  cache.dentry_bytes = host.dentry_bytes;
  cache.inode_bytes = host.inode_bytes;
  const bool any_can = !std::all_of(spec.nodes.begin(), spec.nodes.end(), slab_cannot_be_had);
  const int64_t slab = weight_of(node_spec, any_can);
  int64_t total = 0;
  for (const NodeSpec& each : spec.nodes) total += weight_of(each, any_can);
  // A negative dentry (for a name that does not exist) has no inode.
  const int64_t positive = std::max<int64_t>(0, host.dentries_unused - host.dentries_negative);
  cache.dentries = proportion(host.dentries_unused, slab, total);
  cache.inodes = proportion(std::min(host.inodes_unused, host.inodes), slab, total);
  cache.held_inodes =
      proportion(std::min(positive, host.inodes - std::min(host.inodes_unused, host.inodes)), slab, total);
  spread_over_zones(cache, std::min(slab, cache.slab_pages()), node_spec, node);
  const int64_t fit = cache.pages_in_zones(), want = cache.slab_pages();
  if (fit < want) {
    cache.dentries = proportion(cache.dentries, fit, want);
    cache.inodes = proportion(cache.inodes, fit, want);
    cache.held_inodes = proportion(cache.held_inodes, fit, want);
    int64_t over = fit - cache.slab_pages();
    for (int64_t& pages : cache.pages) {
      const int64_t less = std::min(over, pages);
      pages -= less;
      over -= less;
    }
  }
  return cache;
}

}  // namespace oomcast::host
