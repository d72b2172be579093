// Accounts for the kernel memory that hangs on cached files. Buffer heads and the nodes of the page-cache tree, in slab
// pages.
//
// Mirrors create_empty_buffers() and try_to_free_buffers() (fs/buffer.c) and the xa_node accounting of
// filemap_add_folio(). Pages that are only read have no buffer heads: mpage_readahead() maps blocks without them.
// Differs: slab pages are given back as soon as their number allows, not when the last object of a given page is freed.
// A group is charged by the byte, in whole pages (obj_cgroup_charge()): buffer heads with their page, nodes with who
// made them.
#pragma once

#include <cstdint>

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// A page is written to for the first time: one buffer head for each block of the file system in it.
void attach_buffers(Kernel& k, host::PageId id);
/// The page leaves the cache.
void detach_buffers(Kernel& k, host::PageId id);
/// The file has a new node in its tree where `index` lies, made by a task of that group.
void add_tree_node(Kernel& k, host::FileIndex file, uint64_t index, host::NodeIndex node, host::CgroupIndex cgroup);
/// The node has gone. Gives the slab pages that came free.
int64_t drop_tree_node(Kernel& k, const host::TreeNode& node);
/// Allocates the slab pages that the objects made since the last call need, and charges the group for its own. May
/// sleep.
void grow_cache_slab(Kernel& k, host::CgroupIndex cgroup);
/// Bytes of these objects that the group is charged for.
int64_t cache_slab_bytes(const host::Cgroup& group);

}  // namespace oomcast::mm
