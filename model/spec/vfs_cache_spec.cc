// Estimates dentries and inodes from the reclaimable slab. See vfs_cache_spec.h.
#include "model/spec/vfs_cache_spec.h"

#include <algorithm>
#include <string>

namespace oomcast::host {
namespace {

// Reclaimable slab of a freshly booted kernel that no shrinker can free (mostly dentries of sysfs and of the
// initramfs): 46 recorded hosts of 0.35 to 1 GiB had 2301 to 2345 such pages and about 250 objects to scan.
constexpr int64_t kPinnedAtBoot = 2330;
// Page-cache tree nodes: one per 64 cached pages, seven nodes to a slab page.
constexpr int64_t kCachedPagesPerTreePage = 64 * 7;

}  // namespace

bool slab_cannot_be_had(const NodeSpec& node) {
  if (node.unreclaimable) return true;
  size_t highest = 0;
  for (const ZoneSpec& zone : node.zones) highest = std::max(highest, static_cast<size_t>(zone.kind));
  return std::all_of(node.zones.begin(), node.zones.end(), [&](const ZoneSpec& zone) {
    return zone.free <= zone.watermarks.min + zone.boost + zone.lowmem_reserve[highest];
  });
}

void assume_vfs_cache(HostSpec& spec, const char* why, int64_t held_pages) {
  Pages cached, slab;
  std::string short_nodes;
  for (const NodeSpec& node : spec.nodes) {
    cached += node.lru.inactive_file + node.lru.active_file;
    if (slab_cannot_be_had(node)) {
      short_nodes += " " + std::to_string(node.id.value);
    } else {
      slab += node.slab_reclaimable;
    }
  }
  const int64_t pinned = std::max(kPinnedAtBoot, held_pages);
  const int64_t pages = std::max<int64_t>(0, slab.count() - pinned - cached.count() / kCachedPagesPerTreePage);
  VfsCacheSpec& cache = spec.vfs_cache;
  // Each dentry with its inode, as after a walk through a file system.
  cache.dentries_unused = cache.inodes = pages * kPageBytes / (cache.dentry_bytes + cache.inode_bytes);
  spec.assumed.push_back(
      "vfs_cache.dentries_unused: " + std::to_string(cache.dentries_unused) + " (" + why +
      "; what reclaimable slab holds beyond " +
      (held_pages > kPinnedAtBoot ? "what was left of it at an OOM kill in the log" : "the needs of a booted kernel") +
      (short_nodes.empty() ? "" : "; none of node" + short_nodes + ", which is out of memory and still has it") + ")");
}

}  // namespace oomcast::host
