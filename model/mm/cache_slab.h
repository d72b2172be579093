// How much kernel memory hangs on cached files? Buffer heads and the nodes of the page-cache tree, in slab pages.
//
// Mirrors create_empty_buffers() and try_to_free_buffers() (fs/buffer.c) and the xa_node accounting of
// filemap_add_folio(). Pages that are only read have no buffer heads: mpage_readahead() maps blocks without them. Differs:
// slab pages are given back as soon as their number allows, not when the last object of a given page is freed.
#pragma once

#include <cstddef>

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// A page is written to for the first time: one buffer head for each block of the file system in it.
void attach_buffers(Kernel& k, host::PageId id);
/// The page leaves the cache.
void detach_buffers(Kernel& k, host::PageId id);
void add_tree_nodes(Kernel& k, size_t nodes);
void drop_tree_nodes(Kernel& k, size_t nodes);
/// Allocates the slab pages that the objects made since the last call need. May sleep.
void grow_cache_slab(Kernel& k);

}  // namespace oomcast::mm
