// Holds the dentries and inodes of a node that nobody uses, and the slab that they fill.
//
// One list of each per node, as if the host had one file system (struct super_block has a list_lru of each per node).
#pragma once

#include <cstdint>

#include "model/host/indices.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

struct Node;

struct VfsCache {
  int64_t dentries = 0;                   // s_dentry_lru
  int64_t inodes = 0;                     // s_inode_lru
  int64_t held_inodes = 0;                // of those dentries: each goes to the inode list when its dentry is gone
  int64_t deferred = 0;                   // shrinker->nr_deferred
  int dentry_bytes = 0, inode_bytes = 0;  // of slab memory, the slab's waste included
  ByZone<int64_t> pages{};                // slab pages that they fill, where these lie

  int64_t slab_pages() const;  // what the objects need
  int64_t pages_in_zones() const {
    int64_t sum = 0;
    for (const int64_t zone : pages) sum += zone;
    return sum;
  }
};

/// What stands there at the start: the node's share of the host's objects, no more than its reclaimable slab can hold.
VfsCache stock_vfs_cache(const HostSpec& spec, const NodeSpec& node_spec, const Node& node);
}  // namespace oomcast::host
