// The page cache: read() and write(), eviction and truncation of file pages.
//
// Mirrors filemap_read(), generic_perform_write() and __filemap_remove_folio() (mm/filemap.c) of Linux 6.1;
// readahead.cc has the windows, filemap_fault.cc the mappings. Differs: every page of a file that was written is on
// disk.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// read(), write(): False if the task is dying, or there is no memory for a page (ENOMEM).
bool file_read(Kernel& k, host::FileIndex file, uint64_t offset, uint64_t bytes, host::CgroupIndex cgroup);
bool file_write(Kernel& k, host::FileIndex file, uint64_t offset, uint64_t bytes, host::CgroupIndex cgroup);
/// Reclaim for `target_cgroup` evicts a clean page, which leaves a shadow.
void evict_file_page(Kernel& k, host::PageId id, host::CgroupIndex target_cgroup = host::kRootCgroup);
/// Drops pages [first_index, last_index) with all their mappings, and frees their swap slots.
void punch_file(Kernel& k, host::FileIndex file, uint64_t first_index, uint64_t last_index);
/// The file was truncated or deleted: drops its pages from `first_index` on, without shadows.
void truncate_file(Kernel& k, host::FileIndex file, uint64_t first_index);

}  // namespace oomcast::mm
