// Slab memory of cached files: buffer heads, and nodes of the page-cache tree.
//
// Mirrors create_empty_buffers() and try_to_free_buffers() (fs/buffer.c), and the xa_node accounting of
// filemap_add_folio(). Pages that are only read have no buffer heads, as mpage_readahead() needs none. Differs: a slab
// page is freed when the number of objects allows it, not when its own last object is freed. A cgroup is charged for
// the bytes (obj_cgroup_charge()), in whole pages: for buffer heads the page's cgroup, for a node the cgroup that made
// it.
#pragma once

#include <cstdint>

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// At the first write to the page: one buffer head for each file system block in it. REQUIRES: grow_cache_slab()
/// follows.
void attach_buffers(Kernel& k, host::PageId id);
/// The page leaves the page cache: frees its buffer heads.
void detach_buffers(Kernel& k, host::PageId id);
/// A task of the cgroup has added the node of the file's tree that covers page `index`.
void add_tree_node(Kernel& k, host::FileIndex file, uint64_t index, host::NodeIndex node, host::CgroupIndex cgroup);
/// A node was removed. Returns the slab pages that became free.
int64_t drop_tree_node(Kernel& k, const host::TreeNode& node);
/// Allocates slab pages for the objects made since the last call, and charges the cgroup for its own. May sleep.
void grow_cache_slab(Kernel& k, host::CgroupIndex cgroup);
/// Bytes of such objects that the cgroup is charged for.
int64_t cache_slab_bytes(const host::Cgroup& group);

}  // namespace oomcast::mm
