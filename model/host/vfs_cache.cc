// How many dentries and inodes are kept that nobody uses? See vfs_cache.h.
#include "model/host/vfs_cache.h"

#include <algorithm>

#include "model/host/node.h"

namespace oomcast::host {
namespace {

// A kernel that has just booted holds that much reclaimable slab which no shrinker gets at (dentries of sysfs and of the
// initramfs, mostly): 46 recorded hosts of 0.35 to 1 GiB had 2301 to 2345 such pages and about 250 objects to scan.
constexpr int64_t kPinnedAtBoot = 2330;
// Nodes of page-cache trees: 64 pages each, seven to a page.
constexpr int64_t kCachedPagesPerTreePage = 64 * 7;

int64_t scaled(int64_t value, int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<int64_t>(static_cast<__int128>(value) * part / whole) : 0;
}

int64_t pages_for(int64_t dentries, int64_t inodes, const VfsCache& cache) {
  const __int128 bytes = static_cast<__int128>(dentries) * cache.dentry_bytes + static_cast<__int128>(inodes) * cache.inode_bytes;
  return static_cast<int64_t>((bytes + kPageBytes - 1) / kPageBytes);
}

Pages all_slab(const HostSpec& spec) {
  Pages sum;
  for (const NodeSpec& node : spec.nodes) sum += node.slab_reclaimable;
  return sum;
}

// Slab lies where the kernel's own pages do; a request for kernel memory never goes to Movable.
void spread_over_zones(VfsCache& cache, int64_t pages, const NodeSpec& spec, const Node& node) {
  std::array<int64_t, kZoneKinds> room{};
  int64_t rooms = 0;
  for (const ZoneSpec& zone : spec.zones) {
    if (zone.kind > ZoneKind::kNormal) continue;
    const LruSizes& lru = zone.lru;
    const int64_t listed = (lru.inactive_anon + lru.active_anon + lru.inactive_file + lru.active_file + lru.unevictable).count();
    room[static_cast<size_t>(zone.kind)] = std::max<int64_t>(0, node.zones[static_cast<size_t>(zone.kind)].used - listed);
    rooms += room[static_cast<size_t>(zone.kind)];
  }
  int64_t left = std::min(pages, rooms);
  for (size_t z = 0; z < room.size(); ++z) {
    cache.pages[z] = scaled(std::min(pages, rooms), room[z], rooms);
    left -= cache.pages[z];
  }
  for (size_t z = room.size(); z-- > 0;) {
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
  const int64_t slab = node_spec.slab_reclaimable.count(), total = all_slab(spec).count();
  // A dentry that stands for a name which does not exist has no inode.
  const int64_t positive = std::max<int64_t>(0, host.dentries_unused - host.dentries_negative);
  cache.dentries = scaled(host.dentries_unused, slab, total);
  cache.inodes = scaled(std::min(host.inodes_unused, host.inodes), slab, total);
  cache.held_inodes = scaled(std::min(positive, host.inodes - std::min(host.inodes_unused, host.inodes)), slab, total);
  spread_over_zones(cache, std::min(slab, cache.slab_pages()), node_spec, node);
  const int64_t fit = cache.pages_in_zones(), want = cache.slab_pages();
  if (fit < want) {
    cache.dentries = scaled(cache.dentries, fit, want);
    cache.inodes = scaled(cache.inodes, fit, want);
    cache.held_inodes = scaled(cache.held_inodes, fit, want);
    int64_t over = fit - cache.slab_pages();
    for (int64_t& pages : cache.pages) {
      const int64_t less = std::min(over, pages);
      pages -= less;
      over -= less;
    }
  }
  return cache;
}

void assume_vfs_cache(HostSpec& spec, const char* why) {
  Pages cached;
  for (const NodeSpec& node : spec.nodes) cached += node.lru.inactive_file + node.lru.active_file;
  const int64_t pages = std::max<int64_t>(0, all_slab(spec).count() - kPinnedAtBoot - cached.count() / kCachedPagesPerTreePage);
  VfsCacheSpec& cache = spec.vfs_cache;
  // Each dentry with its inode, as they stand after a walk through a file system.
  cache.dentries_unused = cache.inodes = pages * kPageBytes / (cache.dentry_bytes + cache.inode_bytes);
  spec.assumed.push_back("vfs_cache.dentries_unused: " + std::to_string(cache.dentries_unused) + " (" + why + "; what reclaimable slab holds beyond the needs of a booted kernel)");
}

}  // namespace oomcast::host
