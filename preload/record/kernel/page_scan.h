// PAGEMAP_SCAN and the entries of /proc/PID/pagemap: which pages of a process are there.
//
// A scan says how far its answer reaches. A process may end during a scan, and the kernel may refuse a call; nothing is
// known of the pages behind that place, neither that they are there nor that they are gone.
#pragma once

#include <sys/ioctl.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace oomcast::record {

/// Called for runs [start, end) of pages, in order of their addresses.
using FoundRun = std::function<void(uint64_t start, uint64_t end)>;

/// Each scan returns the address up to which its answer holds: `end`, or less if the process has gone or the kernel has
/// refused.

/// Runs of resident or swapped anonymous pages in [start, end), the zero page left out.
uint64_t scan_resident(int pagemap_fd, uint64_t start, uint64_t end, const FoundRun& found);
/// The same where nothing else can be mapped: a tenth of the time, for no page has to be asked whether it is a file's.
uint64_t scan_anonymous(int pagemap_fd, uint64_t start, uint64_t end, const FoundRun& found);
/// The same for pages of files and shared memory that this process has mapped.
uint64_t scan_shared(int pagemap_fd, uint64_t start, uint64_t end, const FoundRun& found);
/// Runs of resident anonymous pages that are not write-protected by a userfaultfd (any more). Needs PAGEMAP_SCAN.
uint64_t scan_written(int pagemap_fd, uint64_t start, uint64_t end, const FoundRun& found);
/// Runs of pages that were read only: the shared zero page is mapped there. Needs PAGEMAP_SCAN.
uint64_t scan_zero_pages(int pagemap_fd, uint64_t start, uint64_t end, const FoundRun& found);

/// The raw entries of `pages` pages; fewer if the process is gone.
std::vector<uint64_t> read_pagemap(int pagemap_fd, uint64_t start, uint64_t pages);
inline bool resident(uint64_t pagemap_entry) { return (pagemap_entry >> 63 & 1) != 0; }
inline bool mapped_once(uint64_t pagemap_entry) { return resident(pagemap_entry) && (pagemap_entry >> 56 & 1) != 0; }

/// Found out once, with this process's own memory.
bool kernel_has_pagemap_scan();

// struct page_region and struct pm_scan_arg of newer linux/fs.h than Debian 12's.
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

/// The two ways to ask, over the system calls that they make, so that a test can let those fail.
/// `call` is the ioctl: the number of regions found, or -1 and errno. All of `categories` and none of `without`.
uint64_t scan_by_regions(const std::function<int(PagemapScan*)>& call, uint64_t start, uint64_t end,
                         uint64_t categories, uint64_t without, const FoundRun& found);
/// `entries` reads that many pages' entries from an address on. `of_file`: pages of files and shared memory, else
/// anonymous.
uint64_t scan_by_entries(const std::function<std::vector<uint64_t>(uint64_t at, uint64_t pages)>& entries,
                         uint64_t start, uint64_t end, bool of_file, const FoundRun& found);

}  // namespace oomcast::record
