// Plans where glibc's malloc would put a block, and what it would ask of the kernel. A small model of the main arena.
//
// Mirrors sysmalloc(), systrim() and _int_free() of glibc 2.36: brk growth with 128 KiB of padding, mmap from the
// threshold on, the threshold that moves up when an mmapped block is freed, best fit among coalesced free blocks.
// Differs: no tcache and no fastbins (at most a few kilobytes per size), one arena, no address randomisation.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace oomcast::ground_truth {

/// A system call that malloc makes on the way.
struct HeapCall {
  bool map = true;  // else unmap
  uint64_t address = 0;
  uint64_t bytes = 0;
};

class GlibcHeap {
 public:
  /// `brk` is where the heap starts, page aligned.
  explicit GlibcHeap(uint64_t brk) : base_(brk), brk_(brk), top_(brk) {}

  /// The pointer that malloc(bytes) returns. `mmap_at` is the start of a mapping, should malloc make one; whether it
  /// did is in `calls` (an address at or above the heap's end).
  uint64_t allocate(uint64_t bytes, uint64_t mmap_at, std::vector<HeapCall>& calls);
  void release(uint64_t pointer, std::vector<HeapCall>& calls);

  /// Bytes of the mapping that allocate(bytes) would make if it had to; the caller places it.
  static uint64_t mapping_bytes(uint64_t bytes);
  uint64_t start() const { return base_; }
  uint64_t end() const { return brk_; }

 private:
  void add_free(uint64_t address, uint64_t bytes);
  void drop_free(uint64_t address, uint64_t bytes);

  uint64_t base_, brk_, top_;  // [top_, brk_) is the free rest at the end
  uint64_t mmap_threshold_ = 128 << 10;
  uint64_t trim_threshold_ = 128 << 10;
  std::map<uint64_t, uint64_t> free_by_address_;
  std::set<std::pair<uint64_t, uint64_t>> free_by_size_;
  std::map<uint64_t, uint64_t> used_;    // chunk start -> chunk size, heap
  std::map<uint64_t, uint64_t> mapped_;  // chunk start -> mapping size
};

}  // namespace oomcast::ground_truth
