// Finds out which pages of a process are there, by PAGEMAP_SCAN or by the entries of /proc/PID/pagemap.
//
// Each scan returns the address up to which its answer holds. A process may end during a scan, and the kernel may
// refuse a call. Nothing is known of the pages behind that address, neither that they are there nor that they are gone.
#pragma once

#include <sys/ioctl.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace oomcast::record {

/// Called for each run [start, end) of pages, in order of addresses.
using FoundRun = std::function<void(uint64_t start, uint64_t end)>;

/// All scans return the address up to which the answer holds: `end`, or less if the process has ended or the kernel has
/// refused a call.

/// Anonymous pages in [start, end), resident or swapped, without the shared zero page.
uint64_t scan_resident(int pagemap_fd, uint64_t start, uint64_t end, const FoundRun& found);
/// The same for ranges with anonymous memory only: a tenth of the time, as the kernel need not look at each struct
/// page.
uint64_t scan_anonymous(int pagemap_fd, uint64_t start, uint64_t end, const FoundRun& found);
/// Mapped pages of files and of shared memory, resident or swapped.
uint64_t scan_shared(int pagemap_fd, uint64_t start, uint64_t end, const FoundRun& found);
/// Anonymous pages, resident or swapped, without a write protection by userfaultfd. Needs PAGEMAP_SCAN.
uint64_t scan_written(int pagemap_fd, uint64_t start, uint64_t end, const FoundRun& found);
/// Pages that map the shared zero page: only read so far. Needs PAGEMAP_SCAN.
uint64_t scan_zero_pages(int pagemap_fd, uint64_t start, uint64_t end, const FoundRun& found);

/// Raw pagemap entries of `pages` pages; fewer: the address space is gone.
std::vector<uint64_t> read_pagemap(int pagemap_fd, uint64_t start, uint64_t pages);
/// Bit 63: present in memory.
inline bool resident(uint64_t pagemap_entry) { return (pagemap_entry >> 63 & 1) != 0; }
/// Bit 56 as well: no other page table maps it.
inline bool mapped_once(uint64_t pagemap_entry) { return resident(pagemap_entry) && (pagemap_entry >> 56 & 1) != 0; }

/// Tried once, with this process's own memory.
bool kernel_has_pagemap_scan();

// struct page_region and struct pm_scan_arg of a newer linux/fs.h than Debian 12's.
struct PageRegion {
  uint64_t start, end, categories;
};
struct PagemapScan {
  uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
enum PageCategory : uint64_t {
  kPageIsWritten = 1 << 1,
  kPageIsFile = 1 << 2,
  kPageIsPresent = 1 << 3,
  kPageIsSwapped = 1 << 4,
  kPageIsPfnZero = 1 << 5,
};

/// The two implementations, with their system calls as parameters, so that a test can let a call fail.
///
/// `call`: the ioctl; returns the number of regions, or -1 and errno. Finds pages with all of `categories` and none of
/// `without`.
uint64_t scan_by_regions(const std::function<int(PagemapScan*)>& call, uint64_t start, uint64_t end,
                         uint64_t categories, uint64_t without, const FoundRun& found);
/// `entries`: reads the entries of `pages` pages from `at` on. `of_file`: finds pages of files and shared memory, else
/// anonymous ones.
uint64_t scan_by_entries(const std::function<std::vector<uint64_t>(uint64_t at, uint64_t pages)>& entries,
                         uint64_t start, uint64_t end, bool of_file, const FoundRun& found);

}  // namespace oomcast::record
