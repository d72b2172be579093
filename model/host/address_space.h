// Where is each page of a process: nowhere yet, in memory, or swapped out? Its page table and its mappings.
//
// A leaf covers 2 MiB, as a PTE page does; leaves are kept in address order so that walks are the same everywhere.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "model/host/page.h"

namespace oomcast::host {

/// What a page-table entry holds.
class Pte {
 public:
  constexpr Pte() = default;
  static constexpr Pte none() { return Pte(0); }
  static constexpr Pte zero_page() { return Pte(1); }
  static constexpr Pte present(PageId id) { return Pte((uint64_t{id} << 2) | 2); }
  static constexpr Pte swapped(SlotId id) { return Pte((uint64_t{id} << 2) | 3); }

  constexpr bool is_none() const { return raw_ == 0; }
  constexpr bool is_zero_page() const { return raw_ == 1; }
  constexpr bool is_present() const { return (raw_ & 3) == 2; }
  constexpr bool is_swapped() const { return (raw_ & 3) == 3; }
  constexpr PageId page() const { return static_cast<PageId>(raw_ >> 2); }
  constexpr SlotId slot() const { return static_cast<SlotId>(raw_ >> 2); }

 private:
  explicit constexpr Pte(uint64_t raw) : raw_(raw) {}
  uint64_t raw_ = 0;
};

class AddressSpace {
 public:
  static constexpr uint64_t kLeafPages = 512;
  struct Leaf {
    std::array<Pte, kLeafPages> ptes;
    uint32_t used = 0;
  };

  Pte get(uint64_t vpn) const {
    const Leaf* leaf = find(vpn);
    return leaf ? leaf->ptes[vpn % kLeafPages] : Pte::none();
  }
  /// REQUIRES: has_leaf(vpn), or pte.is_none().
  void set(uint64_t vpn, Pte pte);
  bool has_leaf(uint64_t vpn) const { return find(vpn) != nullptr; }
  /// Adds the missing levels for `vpn`; gives how many page-table pages that took (PTE, PMD, PUD).
  int add_tables(uint64_t vpn);
  /// Frees leaves without entries in [first, last); gives the page-table pages freed.
  int drop_empty_tables(uint64_t first_vpn, uint64_t last_vpn);
  int64_t table_pages() const { return table_pages_; }

  /// Calls f(vpn, Pte&) for every entry in [first, last) that is not none, ascending. f may clear the entry.
  template <class F>
  void for_each(uint64_t first_vpn, uint64_t last_vpn, F&& f) {
    for (auto it = leaves_.lower_bound(first_vpn / kLeafPages); it != leaves_.end(); ++it) {
      const uint64_t base = it->first * kLeafPages;
      if (base >= last_vpn) break;
      Leaf& leaf = *it->second;
      const uint64_t from = base < first_vpn ? first_vpn - base : 0;
      const uint64_t to = last_vpn - base < kLeafPages ? last_vpn - base : kLeafPages;
      for (uint64_t i = from; i < to && leaf.used > 0; ++i) {
        if (leaf.ptes[i].is_none()) continue;
        f(base + i, leaf.ptes[i]);
        if (leaf.ptes[i].is_none()) --leaf.used;
      }
    }
  }

  /// vma->swap_readahead_info: what reading by address remembers between faults.
  struct SwapReadahead {
    uint64_t vpn = 0;        // last fault
    int64_t window = 0;
    int64_t hits = 4;
  };
  struct Mapping {
    uint64_t end = 0;        // byte address
    bool accountable = false;  // private and writable, not MAP_NORESERVE: counts in Committed_AS
    bool anonymous = false;
    bool shared = false, executable = false;  // of a file mapping
    FileIndex file = kNoFile;
    int64_t file_shift = 0;    // page index in the file less page number in the address space
    SwapReadahead swap_readahead;
    uint64_t page_index(uint64_t vpn) const { return vpn + static_cast<uint64_t>(file_shift); }
  };
  /// Mappings by start address. Ranges never overlap.
  std::map<uint64_t, Mapping> mappings;
  SwapReadahead swap_readahead_elsewhere;  // of pages in no known mapping
  /// The mapping that holds the byte, or null.
  std::pair<const uint64_t, Mapping>* mapping_at(uint64_t address) {
    auto next = mappings.upper_bound(address);
    return next == mappings.begin() || address >= std::prev(next)->second.end ? nullptr : &*std::prev(next);
  }
  int64_t mapped_bytes = 0;
  int64_t committed_pages = 0;
  void map(uint64_t start, uint64_t bytes, bool accountable, bool anonymous);
  void unmap(uint64_t start, uint64_t bytes);
  /// The mapping that `address` lies in, with its start.
  std::optional<std::pair<uint64_t, Mapping>> mapping_at(uint64_t address) const {
    const auto next = mappings.upper_bound(address);
    if (next == mappings.begin() || std::prev(next)->second.end <= address) return std::nullopt;
    return std::pair(std::prev(next)->first, std::prev(next)->second);
  }

 private:
  const Leaf* find(uint64_t vpn) const {
    const uint64_t index = vpn / kLeafPages;
    if (cached_ && cached_index_ == index) return cached_;
    const auto it = leaves_.find(index);
    if (it == leaves_.end()) return nullptr;
    cached_index_ = index;
    cached_ = it->second.get();
    return cached_;
  }

  std::map<uint64_t, std::unique_ptr<Leaf>> leaves_;
  std::map<uint64_t, int> pmds_;  // 1 GiB index -> leaves below it
  std::map<uint64_t, int> puds_;  // 512 GiB index -> PMD pages below it
  int64_t table_pages_ = 0;
  mutable uint64_t cached_index_ = 0;
  mutable Leaf* cached_ = nullptr;
};

}  // namespace oomcast::host
