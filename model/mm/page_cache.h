// What happens when a program reads or writes a file? The page cache: readahead, marking, dirtying, eviction.
//
// Mirrors filemap_read(), page_cache_ra_order()'s ondemand_readahead(), generic_perform_write(), filemap_add_folio() and
// __filemap_remove_folio() (mm/filemap.c, mm/readahead.c) of Linux 6.1. Differs: one readahead state per file, no
// mappings of files, every page of a file that was written is on disk.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// read(): False if the task is dying.
bool file_read(Kernel& k, host::FileIndex file, uint64_t offset, uint64_t bytes, uint8_t cgroup);
bool file_write(Kernel& k, host::FileIndex file, uint64_t offset, uint64_t bytes, uint8_t cgroup);
/// Reclaim takes a clean page out; leaves a shadow.
void evict_file_page(Kernel& k, host::PageId id);
/// The file shrinks or is gone: its pages from `first` on are dropped without a trace.
void truncate_file(Kernel& k, host::FileIndex file, uint64_t first_index);

/// Window sizes (get_init_ra_size, get_next_ra_size), pages.
int64_t init_readahead_pages(int64_t requested, int64_t max);
int64_t next_readahead_pages(int64_t current, int64_t max);

}  // namespace oomcast::mm
