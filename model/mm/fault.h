// Handles page faults (first touch, copy on write, swap-in), and the calls that free, move or copy memory.
//
// Mirrors handle_mm_fault(), do_anonymous_page(), do_wp_page(), copy_page_range(), zap_pte_range(), madvise_free and
// exit_mmap() (mm/memory.c, mm/madvise.c, mm/mmap.c). Mapped files are in filemap_fault.h, huge pages in huge_memory.h.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// One access to one page. False if it failed: the task is dying, or there is no memory and the process is stuck
/// (mark_stuck).
bool touch_page(Kernel& k, host::ProcessIndex process, uint64_t vpn, bool write);
/// The process waits for memory for ever: it keeps its memory and does nothing any more (Process::stuck_at).
void mark_stuck(Kernel& k, host::ProcessIndex process);
/// Allocates the page tables that `vpn` lacks. False if the task is dying or there is no memory for them.
bool populate_tables(Kernel& k, host::ProcessIndex process, uint64_t vpn);
inline constexpr uint16_t kFreshPage = host::kPageYoung | host::kPageDirty;
/// Maps pages that alloc_page() has returned from `vpn` on, and puts them into the CPU's LRU batch. REQUIRES: they are
/// charged, and one page table covers them.
void map_new_pages(Kernel& k, host::ProcessIndex process, uint64_t vpn, int64_t pages, ZoneRef where, uint16_t flags);
inline void map_new_page(Kernel& k, host::ProcessIndex process, uint64_t vpn, ZoneRef where, uint16_t flags) {
  map_new_pages(k, process, vpn, 1, where, flags);
}
/// Frees all pages and swap entries of [first, last) (munmap, MADV_DONTNEED, exit).
void zap_range(Kernel& k, host::ProcessIndex process, uint64_t first_vpn, uint64_t last_vpn);
/// munmap(): zap and free the page tables that became empty.
void unmap_range(Kernel& k, host::ProcessIndex process, uint64_t start, uint64_t bytes);
/// MADV_FREE: reclaim may drop the pages unless they are written again.
void lazyfree_range(Kernel& k, host::ProcessIndex process, uint64_t first_vpn, uint64_t last_vpn);
/// mremap(): the entries move, the pages stay.
void move_range(Kernel& k, host::ProcessIndex process, uint64_t from_vpn, uint64_t to_vpn, uint64_t pages);
/// fork(): the child maps every page of the parent; page tables are allocated, pages are not. False if there is no
/// memory for the child's page tables.
bool copy_address_space(Kernel& k, host::ProcessIndex parent, host::ProcessIndex child);
/// exit_mmap(): frees the whole address space, of the program's and of the host's processes.
void exit_process(Kernel& k, host::ProcessIndex process);

}  // namespace oomcast::mm
