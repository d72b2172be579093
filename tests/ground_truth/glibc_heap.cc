// malloc as a planner of addresses: best fit, brk growth, mmap for large blocks, trimming of the top.
#include "tests/ground_truth/glibc_heap.h"

#include <algorithm>

namespace oomcast::ground_truth {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kHeader = 16;  // a chunk starts this far below its pointer
constexpr uint64_t kMinChunk = 32;
constexpr uint64_t kTopPad = 128 << 10;  // M_TOP_PAD
constexpr uint64_t kMmapThresholdMax = 32 << 20;
constexpr uint64_t kTrimCheckFrom = 64 << 10;  // FASTBIN_CONSOLIDATION_THRESHOLD

uint64_t page_up(uint64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }
uint64_t chunk_bytes(uint64_t bytes) { return std::max(kMinChunk, (bytes + 8 + 15) & ~uint64_t{15}); }

}  // namespace

uint64_t GlibcHeap::mapping_bytes(uint64_t bytes) { return page_up(chunk_bytes(bytes) + 8); }

void GlibcHeap::add_free(uint64_t address, uint64_t bytes) {
  free_by_address_[address] = bytes;
  free_by_size_.emplace(bytes, address);
}

void GlibcHeap::drop_free(uint64_t address, uint64_t bytes) {
  free_by_address_.erase(address);
  free_by_size_.erase({bytes, address});
}

uint64_t GlibcHeap::allocate(uint64_t bytes, uint64_t mmap_at, std::vector<HeapCall>& calls) {
  const uint64_t need = chunk_bytes(bytes);
  if (const auto fit = free_by_size_.lower_bound({need, 0}); fit != free_by_size_.end()) {
    const auto [size, address] = *fit;
    drop_free(address, size);
    const bool splits = size - need >= kMinChunk;
    if (splits) add_free(address + need, size - need);
    used_[address] = splits ? need : size;
    return address + kHeader;
  }
  if (brk_ - top_ < need + kMinChunk) {
    if (need >= mmap_threshold_) {
      const uint64_t length = mapping_bytes(bytes);
      mapped_[mmap_at] = length;
      calls.push_back({true, mmap_at, length});
      return mmap_at + kHeader;
    }
    const uint64_t grow = page_up(need + kTopPad + kMinChunk - (brk_ - top_));
    calls.push_back({true, brk_, grow});
    brk_ += grow;
  }
  const uint64_t address = top_;
  used_[address] = need;
  top_ += need;
  return address + kHeader;
}

void GlibcHeap::release(uint64_t pointer, std::vector<HeapCall>& calls) {
  uint64_t address = pointer - kHeader;
  if (const auto mapping = mapped_.find(address); mapping != mapped_.end()) {
    const uint64_t length = mapping->second;
    if (length > mmap_threshold_ && length <= kMmapThresholdMax) {
      mmap_threshold_ = length;
      trim_threshold_ = 2 * length;
    }
    calls.push_back({false, address, length});
    mapped_.erase(mapping);
    return;
  }
  const auto used = used_.find(address);
  if (used == used_.end()) return;
  uint64_t size = used->second;
  used_.erase(used);

  const auto after = free_by_address_.find(address + size);
  if (after != free_by_address_.end()) {
    const uint64_t next_size = after->second;
    drop_free(address + size, next_size);
    size += next_size;
  }
  auto before = free_by_address_.lower_bound(address);
  if (before != free_by_address_.begin()) {
    --before;
    const auto [previous, previous_size] = *before;
    if (previous + previous_size == address) {
      drop_free(previous, previous_size);
      address = previous;
      size += previous_size;
    }
  }
  if (address + size != top_) {
    add_free(address, size);
    return;
  }
  top_ = address;
  const uint64_t free_top = brk_ - top_;
  if (size < kTrimCheckFrom || free_top < trim_threshold_ || free_top <= kTopPad + kMinChunk + 1) return;
  const uint64_t extra = (free_top - kMinChunk - 1 - kTopPad) / kPage * kPage;
  if (extra == 0) return;
  brk_ -= extra;
  calls.push_back({false, brk_, extra});
}

}  // namespace oomcast::ground_truth
