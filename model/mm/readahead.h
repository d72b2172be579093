// Decides how far ahead a file is read. Windows for read(), and the read-around of faults in a mapped file.
//
// Mirrors ondemand_readahead(), do_page_cache_ra() (mm/readahead.c) and do_sync_mmap_readahead() (mm/filemap.c) of
// Linux 6.1. Differs: one state per file for its readers and one for its mappings; the kernel has one per open file.
#pragma once

#include <optional>

#include "model/mm/kernel.h"
#include "model/mm/page_alloc.h"

namespace oomcast::mm {

inline constexpr int64_t kReadaheadPages = 32;  // VM_READAHEAD_PAGES, 128 KiB

/// filemap_add_folio(): a fresh page of the file, on its way to a list; the page that stands there if somebody was
/// faster. kNoPage if memory cannot be had.
host::PageId add_to_page_cache(Kernel& k, host::FileIndex file, uint64_t index, host::CgroupIndex cgroup,
                               const Gfp& gfp, uint16_t flags);
/// Its second half: the frame becomes the page of the file at `index`. REQUIRES: charged, and no page stands there.
/// `refault`: that it was evicted before counts.
host::PageId insert_into_file(Kernel& k, host::FileIndex file, uint64_t index, ZoneRef where, host::CgroupIndex cgroup,
                              uint16_t flags, bool refault);
/// Which window to read, given where a read starts, how much it wants, and whether it met the mark of the last window.
void ondemand_readahead(Kernel& k, host::FileIndex file, host::Readahead& ra, int64_t index, int64_t requested,
                        bool hit_marker, host::CgroupIndex cgroup);
/// A fault found nothing at `index`: reads around it, unless this file has missed far more often than it hit.
void mmap_readaround(Kernel& k, host::FileIndex file, int64_t index, host::CgroupIndex cgroup);
/// A fault found its page: the balance of misses and hits, and the next window at its mark.
void mmap_readahead_hit(Kernel& k, host::FileIndex file, host::PageId id, host::CgroupIndex cgroup);
/// The page at `index` as a reader or a fault needs it: read in if it must be, its data there. nullopt if there is no
/// memory for it; kNoPage if reclaim has taken it again or the task is dying.
std::optional<host::PageId> page_with_data(Kernel& k, host::FileIndex file, uint64_t index, host::CgroupIndex cgroup);
/// folio_wait_bit_common(): the time that `wait` takes is lost to memory if the page was in use when it was evicted.
template <typename Wait>
void wait_for_page(Kernel& k, host::PageId id, Wait wait) {
  const bool thrashing = k.host.pages[id].has(host::kPageWorkingset);
  if (thrashing) k.sched.memstall_enter();
  wait();
  if (thrashing) k.sched.memstall_leave();
}
/// Waits for the next read to end, for the sake of this page.
void wait_for_readers(Kernel& k, host::PageId id);
/// Waits for the data of a page that is being read. False if the task is dying.
bool wait_locked(Kernel& k, host::FileIndex file, uint64_t index);

/// Window sizes (get_init_ra_size, get_next_ra_size), pages.
int64_t init_readahead_pages(int64_t requested, int64_t max);
int64_t next_readahead_pages(int64_t current, int64_t max);

}  // namespace oomcast::mm
