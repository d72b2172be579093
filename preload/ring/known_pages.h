// KnownPages: a table with one bit for each page that the recorder knows. The recorder writes it, malloc's hook reads
// it.
//
// Two levels: a 16-bit index for each GiB of the 47-bit address space, then a bitmap for that GiB. A table of 2 MiB
// steps was tried and missed nine pages in ten, as the heap grows in smaller steps.
#pragma once

#include <atomic>
#include <cstdint>

namespace oomcast::ring {

inline constexpr uint64_t kGiBShift = 30;
inline constexpr uint64_t kGiBCount = uint64_t{1} << (47 - kGiBShift);
inline constexpr uint64_t kPagesPerGiB = uint64_t{1} << (kGiBShift - 12);
inline constexpr uint64_t kBitmaps = 1024;  // GiB with a bitmap of their own; pages of any further GiB count as known

struct KnownPages {
  std::atomic<uint16_t> index[kGiBCount];  // number of the GiB's bitmap; 0: no page is known there
  std::atomic<uint64_t> bitmaps[kBitmaps][kPagesPerGiB / 64];

  /// Whether the page is known. Takes about 1 ns: two loads.
  bool contains(uint64_t address) const {
    const uint64_t gib = address >> kGiBShift;
    if (gib >= kGiBCount) return true;
    const uint16_t bitmap = index[gib].load(std::memory_order_relaxed);
    if (bitmap == 0) return false;
    if (bitmap >= kBitmaps) return true;
    const uint64_t page = (address >> 12) & (kPagesPerGiB - 1);
    return (bitmaps[bitmap][page / 64].load(std::memory_order_relaxed) >> (page % 64) & 1) != 0;
  }

  /// Bits of the pages from `page` up to `end_page` that lie in the same word. `next`: the page after them.
  static uint64_t mask_from(uint64_t page, uint64_t end_page, uint64_t* next) {
    uint64_t mask = ~uint64_t{0} << (page % 64);
    *next = (page | 63) + 1;
    if (*next <= end_page) return mask;
    *next = end_page;
    return mask & ~uint64_t{0} >> (63 - ((end_page - 1) % 64));
  }

  /// Called by the guest before it frees the range: its next use is asked about again, even if the recorder does not
  /// know of the free by then.
  void forget(uint64_t start, uint64_t end) {
    for (uint64_t page = start >> 12, next; page < end >> 12; page = next) {
      const uint64_t mask = mask_from(page, end >> 12, &next), gib = page >> (kGiBShift - 12);
      const uint16_t bitmap = gib < kGiBCount ? index[gib].load(std::memory_order_relaxed) : 0;
      if (bitmap != 0 && bitmap < kBitmaps)
        bitmaps[bitmap][(page & (kPagesPerGiB - 1)) / 64].fetch_and(~mask, std::memory_order_relaxed);
    }
  }
};

/// Writes the table, in the recorder.
class KnownPagesWriter {
 public:
  explicit KnownPagesWriter(KnownPages* table) : table_(table) {}

  /// Marks the pages of [start, end) as known or unknown.
  void set(uint64_t start, uint64_t end, bool known) {
    // At most 16 GiB at once: beyond, malloc's hook asks again page by page, which is harmless.
    if (end - start > (uint64_t{16} << kGiBShift)) end = start + (uint64_t{16} << kGiBShift);
    for (uint64_t page = start >> 12; page < end >> 12;) {
      const uint64_t gib = page >> (kGiBShift - 12);
      if (gib >= kGiBCount) return;
      uint16_t bitmap = table_->index[gib].load(std::memory_order_relaxed);
      if (bitmap == 0 || bitmap >= kBitmaps) {
        const uint64_t next_gib_page = (gib + 1) << (kGiBShift - 12);
        if (!known || bitmap >= kBitmaps) {
          page = next_gib_page;
          continue;
        }
        bitmap = bitmaps_used_ < kBitmaps ? static_cast<uint16_t>(bitmaps_used_++) : uint16_t{0xffff};
        table_->index[gib].store(bitmap, std::memory_order_relaxed);
        if (bitmap == 0xffff) {
          page = next_gib_page;
          continue;
        }
      }
      uint64_t next;
      const uint64_t mask = KnownPages::mask_from(page, end >> 12, &next);
      auto& word = table_->bitmaps[bitmap][(page & (kPagesPerGiB - 1)) / 64];
      if (known)
        word.fetch_or(mask, std::memory_order_relaxed);
      else
        word.fetch_and(~mask, std::memory_order_relaxed);
      page = next;
    }
  }

 private:
  KnownPages* table_;
  uint32_t bitmaps_used_ = 1;  // bitmap 0 stands for none
};

}  // namespace oomcast::ring
