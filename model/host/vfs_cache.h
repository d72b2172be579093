// The unused dentries and inodes of a node, and the slab that they fill.
//
// One dentry list and one inode list per node, as if the host had one file system (struct super_block has a list_lru of
// each).
#pragma once

#include <cstdint>

#include "model/host/indices.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

struct Node;

struct VfsCache {
  int64_t dentries = 0;     // s_dentry_lru
  int64_t inodes = 0;       // s_inode_lru
  int64_t held_inodes = 0;  // inodes of these dentries: each goes to the inode list when its dentry is freed
  int64_t deferred = 0;     // shrinker->nr_deferred
  int dentry_bytes = 0, inode_bytes = 0;  // slab memory per object, the slab's waste included
  ByZone<int64_t> pages{};                // slab pages that they fill, by zone

  int64_t slab_pages() const;  // pages that the objects need
  int64_t pages_in_zones() const {
    int64_t sum = 0;
    for (const int64_t zone : pages) sum += zone;
    return sum;
  }
};

/// The cache at the start: the node's share of the host's objects, at most what its reclaimable slab can hold.
VfsCache stock_vfs_cache(const HostSpec& spec, const NodeSpec& node_spec, const Node& node);
}  // namespace oomcast::host
