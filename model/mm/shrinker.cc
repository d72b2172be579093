// Reclaims slab. See shrinker.h.
#include "model/mm/shrinker.h"

#include <algorithm>
#include <utility>

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

using host::Node;
using host::VfsCache;
using host::Vmstat;

namespace {

constexpr int64_t kBatch = 1024;  // objects per scan of a super block

// vfs_pressure_ratio() of what super_cache_count() finds.
int64_t freeable(const Kernel& k, const VfsCache& cache) {
  constexpr int64_t kMost = int64_t{1} << 50;
  return static_cast<int64_t>(std::min<__int128>(
      kMost, static_cast<__int128>(cache.dentries + cache.inodes) * k.host.spec.vm.vfs_cache_pressure / 100));
}

// Frees `count` slab pages one by one, each from the zone that then holds the most.
void free_slab_pages(Kernel& k, host::NodeIndex node_index, int64_t count) {
  Node& node = k.host.nodes[node_index];
  for (; count > 0; --count) {
    auto& pages = node.vfs_cache.pages;
    const auto zone = static_cast<host::ZoneKind>(std::max_element(pages.begin(), pages.end()) - pages.begin());
    --pages[zone];
    --node.slab_reclaimable;
    free_page(k, {node_index, zone}, k.sched.current().cpu);
  }
}

// super_cache_scan(): dentries and inodes in proportion to their numbers, at least one of each if there is any. Freeing
// a dentry puts its inode on the inode LRU. A later scan frees the inode. Returns the pages freed.
int64_t scan_super_block(Kernel& k, host::NodeIndex node_index, int64_t nr_to_scan) {
  VfsCache& cache = k.host.nodes[node_index].vfs_cache;
  const int64_t objects = cache.dentries + cache.inodes + 1;
  const int64_t dentries = std::min(cache.dentries, nr_to_scan * cache.dentries / objects + 1);
  const int64_t inodes = std::min(cache.inodes, nr_to_scan * cache.inodes / objects + 1);
  const int64_t released =
      cache.dentries > 0 ? static_cast<int64_t>(static_cast<__int128>(cache.held_inodes) * dentries / cache.dentries)
                         : 0;
  cache.dentries -= dentries;
  cache.held_inodes -= released;
  cache.inodes += released - inodes;
  const int64_t pages = cache.pages_in_zones() - cache.slab_pages();
  free_slab_pages(k, node_index, pages);
  k.sched.cpu(k.costs.scan_object * (dentries + inodes));
  return pages;
}

}  // namespace

int64_t do_shrink_slab(Kernel& k, const Shrinkable& what, int priority, int64_t& deferred, const ScanObjects& scan) {
  if (what.objects == 0) return 0;
  const int64_t before = std::exchange(deferred, 0);
  const int64_t delta = what.seeks == 0 ? what.objects / 2 : (what.objects >> priority) * 4 / what.seeks;
  int64_t total = std::min((before >> priority) + delta, 2 * what.objects);
  int64_t scanned = 0, freed = 0;
  while (total >= what.batch || total >= what.objects) {
    const int64_t batch = std::min(what.batch, total);
    const std::optional<int64_t> got = scan(batch);
    if (!got) break;
    freed += *got;
    k.host.count(Vmstat::slabs_scanned, batch);
    total -= batch;
    scanned += batch;
    k.sched.point();
  }
  // Added, not set: another task may have deferred objects while this one slept.
  deferred += std::clamp<int64_t>(before + delta - scanned, 0, 2 * what.objects);
  return freed;
}

int64_t shrink_slab(Kernel& k, host::NodeIndex node, int priority) {
  VfsCache& cache = k.host.nodes[node].vfs_cache;
  const int64_t objects = freeable(k, cache);
  return do_shrink_slab(k, {.objects = objects, .batch = kBatch}, priority, cache.deferred,
                        [&](int64_t nr_to_scan) { return scan_super_block(k, node, nr_to_scan); });
}

}  // namespace oomcast::mm
