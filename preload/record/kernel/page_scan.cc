// Scans with PAGEMAP_SCAN (Linux 6.7), or else with the entries of /proc/PID/pagemap.
#include "preload/record/kernel/page_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {
namespace {

#define OOMCAST_PAGEMAP_SCAN _IOWR('f', 16, PagemapScan)

constexpr uint64_t kEntriesAtOnce = 2048;
constexpr uint64_t kFrameMask = (uint64_t{1} << 55) - 1;

uint64_t zero_frame() {
  // A read of fresh memory maps the shared zero page; its frame number is then in pagemap, for root only.
  static const uint64_t frame = [] {
    void* page = ::mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return uint64_t{0};
    static_cast<void>(*static_cast<volatile char*>(page));
    UniqueFd fd(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    const std::vector<uint64_t> entries = read_pagemap(fd.get(), reinterpret_cast<uint64_t>(page), 1);
    ::munmap(page, kPage);
    return entries.empty() ? 0 : entries[0] & kFrameMask;
  }();
  return frame;
}

/// Bits of a pagemap entry: 63 present, 62 swapped, 61 file page or shared memory. Frame 0: the reader may not see it.
bool is_there(uint64_t entry, bool of_file) {
  if ((entry >> 62) == 0 || ((entry >> 61 & 1) != 0) != of_file) return false;
  const uint64_t frame = entry & kFrameMask;
  return frame == 0 || frame != zero_frame();
}

bool may_pass(int error) { return error == EINTR || error == ENOMEM || error == EAGAIN; }

uint64_t scan_regions_of(int pagemap_fd, uint64_t start, uint64_t end, uint64_t categories, uint64_t without,
                         const FoundRun& found) {
  return scan_by_regions([pagemap_fd](PagemapScan* scan) { return ::ioctl(pagemap_fd, OOMCAST_PAGEMAP_SCAN, scan); },
                         start, end, categories, without, found);
}

uint64_t scan_entries_of(int pagemap_fd, uint64_t start, uint64_t end, bool of_file, const FoundRun& found) {
  return scan_by_entries([pagemap_fd](uint64_t at, uint64_t pages) { return read_pagemap(pagemap_fd, at, pages); },
                         start, end, of_file, found);
}

}  // namespace

uint64_t scan_by_regions(const std::function<int(PagemapScan*)>& call, uint64_t start, uint64_t end,
                         uint64_t categories, uint64_t without, const FoundRun& found) {
  // Each call waits for the guest's mmap_lock, which a busy allocator holds most of the time: few calls, many regions.
  constexpr size_t kRegions = 8192;
  constexpr int kTries = 4;
  // Kept per thread: a new array for each call would take its page faults each time.
  thread_local const std::unique_ptr<PageRegion[]> regions(new PageRegion[kRegions]);
  uint64_t at = start;
  for (int tries = 0; at < end;) {
    PagemapScan scan{};
    scan.size = sizeof scan;
    scan.start = at;
    scan.end = end;
    scan.vec = reinterpret_cast<uint64_t>(regions.get());
    scan.vec_len = kRegions;
    scan.category_inverted = without;
    scan.category_mask = categories | without;
    scan.category_anyof_mask = kPageIsPresent | kPageIsSwapped;
    scan.return_mask = kPageIsPresent;
    const int count = call(&scan);
    if (count < 0 && may_pass(errno) && ++tries < kTries) continue;
    if (count < 0) return at;
    tries = 0;
    for (int i = 0; i < count; ++i) found(regions[static_cast<size_t>(i)].start, regions[static_cast<size_t>(i)].end);
    if (scan.walk_end <= at) return at;
    at = scan.walk_end;
  }
  return end;
}

uint64_t scan_by_entries(const std::function<std::vector<uint64_t>(uint64_t, uint64_t)>& entries, uint64_t start,
                         uint64_t end, bool of_file, const FoundRun& found) {
  uint64_t run = 0, at = start;
  while (at < end) {
    const std::vector<uint64_t> read = entries(at, std::min<uint64_t>(kEntriesAtOnce, (end - at) / kPage));
    if (read.empty()) break;
    for (const uint64_t entry : read) {
      const bool there = is_there(entry, of_file);
      if (there && run == 0) run = at;
      if (!there && run != 0) {
        found(run, at);
        run = 0;
      }
      at += kPage;
    }
  }
  if (run != 0) found(run, at);
  return at;
}

uint64_t scan_resident(int pagemap_fd, uint64_t start, uint64_t end, const FoundRun& found) {
  if (kernel_has_pagemap_scan()) return scan_regions_of(pagemap_fd, start, end, 0, kPageIsFile | kPageIsPfnZero, found);
  return scan_entries_of(pagemap_fd, start, end, false, found);
}

uint64_t scan_anonymous(int pagemap_fd, uint64_t start, uint64_t end, const FoundRun& found) {
  if (kernel_has_pagemap_scan()) return scan_regions_of(pagemap_fd, start, end, 0, kPageIsPfnZero, found);
  return scan_entries_of(pagemap_fd, start, end, false, found);
}

uint64_t scan_shared(int pagemap_fd, uint64_t start, uint64_t end, const FoundRun& found) {
  if (kernel_has_pagemap_scan()) return scan_regions_of(pagemap_fd, start, end, kPageIsFile, kPageIsPfnZero, found);
  return scan_entries_of(pagemap_fd, start, end, true, found);
}

uint64_t scan_written(int pagemap_fd, uint64_t start, uint64_t end, const FoundRun& found) {
  return scan_regions_of(pagemap_fd, start, end, kPageIsWritten, kPageIsFile | kPageIsPfnZero, found);
}

uint64_t scan_zero_pages(int pagemap_fd, uint64_t start, uint64_t end, const FoundRun& found) {
  return scan_regions_of(pagemap_fd, start, end, kPageIsPfnZero, 0, found);
}

std::vector<uint64_t> read_pagemap(int pagemap_fd, uint64_t start, uint64_t pages) {
  std::vector<uint64_t> entries(pages);
  ssize_t got;
  do
    got = ::pread(pagemap_fd, entries.data(), pages * sizeof(uint64_t),
                  static_cast<off_t>(start / kPage * sizeof(uint64_t)));
  while (got < 0 && errno == EINTR);
  entries.resize(got > 0 ? static_cast<size_t>(got) / sizeof(uint64_t) : 0);
  return entries;
}

bool kernel_has_pagemap_scan() {
  static const bool has = [] {
    UniqueFd fd(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    const uint64_t here = page_down(reinterpret_cast<uint64_t>(&fd));
    return scan_regions_of(fd.get(), here, here + kPage, 0, 0, [](uint64_t, uint64_t) {}) == here + kPage;
  }();
  return has;
}

}  // namespace oomcast::record
