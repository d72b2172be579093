// One page-table page: 512 entries, folded into runs while they follow each other.
//
// A program's memory mostly has pages with ascending numbers (page_array.h), so that a few runs describe 512 entries.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/base/check.h"
#include "model/host/page.h"

namespace oomcast::host {

/// A page-table entry: none, the shared zero page, a PageId or, with the top bit set, a SlotId.
class Pte {
 public:
  constexpr Pte() = default;
  static constexpr Pte none() { return Pte(0); }
  static constexpr Pte zero_page() { return Pte(1); }
  static constexpr Pte present(PageId id) {
    OOMCAST_CHECK(id < kSwapped - kFirstPage);
    return Pte(id + kFirstPage);
  }
  static constexpr Pte swapped(SlotId id) { return Pte(id | kSwapped); }

  constexpr bool is_none() const { return raw_ == 0; }
  constexpr bool is_zero_page() const { return raw_ == 1; }
  constexpr bool is_present() const { return raw_ >= kFirstPage && raw_ < kSwapped; }
  constexpr bool is_swapped() const { return raw_ >= kSwapped; }
  constexpr PageId page() const { return raw_ - kFirstPage; }
  constexpr SlotId slot() const { return raw_ & ~kSwapped; }

 private:
  friend class PageTable;
  static constexpr uint32_t kFirstPage = 2, kSwapped = 1u << 31;
  explicit constexpr Pte(uint32_t raw) : raw_(raw) {}
  uint32_t raw_ = 0;
};

class PageTable {
 public:
  static constexpr uint32_t kEntries = 512;

  Pte get(uint64_t index) const { return open_ ? (*open_)[index] : folded(index); }
  /// An entry to write to. The reference is valid until the next fold() or close().
  Pte& operator[](uint64_t index) {
    if (!open_) unfold();
    return (*open_)[index];
  }
  bool is_open() const { return open_ != nullptr; }
  /// Folds the table. False: too many runs, and it stays as it is. REQUIRES: is_open().
  bool fold();
  /// Frees the memory of the entries. REQUIRES: all entries are none.
  void close() {
    open_.reset();
    runs_ = {};
  }

 private:
  struct Run {
    uint32_t first = 0;  // raw
    uint16_t entries = 1;
    int16_t step = 0;  // from one entry to the next, -1, 0 or 1
  };
  Pte folded(uint64_t index) const;
  void unfold();

  std::unique_ptr<std::array<Pte, kEntries>> open_;  // null: folded
  std::vector<Run> runs_;                            // in order; entries behind the last run are none
};

}  // namespace oomcast::host
