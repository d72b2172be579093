// Readahead of files: windows for read(), and the read-around of faults in a mapped file.
//
// Mirrors ondemand_readahead(), do_page_cache_ra() (mm/readahead.c) and do_sync_mmap_readahead() (mm/filemap.c) of
// Linux 6.1. Differs: one state per file for its readers and one for its mappings; the kernel has one per open file.
#pragma once

#include <optional>

#include "model/mm/kernel.h"
#include "model/mm/page_alloc.h"

namespace oomcast::mm {

inline constexpr int64_t kReadaheadPages = 32;  // VM_READAHEAD_PAGES, 128 KiB

/// filemap_add_folio(): adds a new page to the file. If another task has added one meanwhile, returns that. kNoPage:
/// there is no memory.
host::PageId add_to_page_cache(Kernel& k, host::FileIndex file, uint64_t index, host::CgroupIndex cgroup,
                               const Gfp& gfp, uint16_t flags);
/// The second half of filemap_add_folio(): the memory `where` becomes the page of the file at `index`. REQUIRES: it is
/// charged, and the file has no page there. `refault`: an earlier eviction of the page counts.
host::PageId insert_into_file(Kernel& k, host::FileIndex file, uint64_t index, ZoneRef where, host::CgroupIndex cgroup,
                              uint16_t flags, bool refault);
/// Reads the next window of a read() of `requested` pages from `index` on. `hit_marker`: the read met the page that the
/// last window has marked (PG_readahead).
void ondemand_readahead(Kernel& k, host::FileIndex file, host::Readahead& ra, int64_t index, int64_t requested,
                        bool hit_marker, host::CgroupIndex cgroup);
/// A fault found no page at `index`: reads around it, unless the file has had far more misses than hits.
void mmap_readaround(Kernel& k, host::FileIndex file, int64_t index, host::CgroupIndex cgroup);
/// A fault found its page: counts a hit, and reads the next window if the page is marked.
void mmap_readahead_hit(Kernel& k, host::FileIndex file, host::PageId id, host::CgroupIndex cgroup);
/// The page at `index` with its data, read if it is missing. nullopt: there is no memory. kNoPage: reclaim has evicted
/// the page again, or the task is dying.
std::optional<host::PageId> page_with_data(Kernel& k, host::FileIndex file, uint64_t index, host::CgroupIndex cgroup);
/// folio_wait_bit_common(): if the page was in use when it was evicted (PG_workingset), the wait counts as a memory
/// stall.
template <typename Wait>
void wait_for_page(Kernel& k, host::PageId id, Wait wait) {
  const bool thrashing = k.host.pages[id].has(host::kPageWorkingset);
  if (thrashing) k.sched.memstall_enter();
  wait();
  if (thrashing) k.sched.memstall_leave();
}
/// Waits for the next read to end. The wait counts as one for this page.
void wait_for_readers(Kernel& k, host::PageId id);
/// Waits for the data of a page that is being read. False if the task is dying.
bool wait_locked(Kernel& k, host::FileIndex file, uint64_t index);

/// Window sizes (get_init_ra_size, get_next_ra_size), pages.
int64_t init_readahead_pages(int64_t requested, int64_t max);
int64_t next_readahead_pages(int64_t current, int64_t max);

}  // namespace oomcast::mm
