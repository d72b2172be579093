// The page table and the mappings of a process: where each of its pages is (nowhere yet, in memory, or swapped out).
//
// A Leaf covers 2 MiB, as a page of PTEs does. Leaves are kept in address order, so that walks go the same way on every
// machine.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "model/host/page_numbers.h"
#include "model/host/page_table.h"
#include "model/spec/mempolicy.h"

namespace oomcast::host {

enum class LockMode : uint8_t { kNone, kLocked, kOnFault };     // VM_LOCKED, with VM_LOCKONFAULT
enum class HugeAdvice : uint8_t { kNone, kWanted, kUnwanted };  // MADV_HUGEPAGE, MADV_NOHUGEPAGE

class AddressSpace {
 public:
  static constexpr uint64_t kLeafPages = PageTable::kEntries;
  struct Leaf {
    PageTable ptes;
    uint32_t used = 0;
    bool huge = false;   // one PMD maps all of it: a huge page
    bool young = false;  // the accessed bit of that PMD
  };

  Pte get(uint64_t vpn) const {
    const Leaf* leaf = find(vpn);
    return leaf ? leaf->ptes.get(vpn % kLeafPages) : Pte::none();
  }
  /// REQUIRES: has_leaf(vpn), or pte.is_none().
  void set(uint64_t vpn, Pte pte);
  bool has_leaf(uint64_t vpn) const { return find(vpn) != nullptr; }
  Leaf* leaf(uint64_t vpn) { return const_cast<Leaf*>(find(vpn)); }
  /// The leaf of the huge page that covers `vpn`; nullptr if a small page or nothing is there.
  Leaf* huge_leaf(uint64_t vpn) {
    if (huge_leaves == 0) return nullptr;
    Leaf* const found = leaf(vpn);
    return found && found->huge ? found : nullptr;
  }
  /// Leaves with `huge` set.
  int64_t huge_leaves = 0;
  /// Calls f(first vpn, Leaf&) for every huge page that overlaps [first, last). f may clear Leaf::huge.
  template <class F>
  void for_each_huge(uint64_t first_vpn, uint64_t last_vpn, F&& f) {
    if (huge_leaves == 0) return;
    for (auto it = leaves_.lower_bound(first_vpn / kLeafPages);
         it != leaves_.end() && it->first * kLeafPages < last_vpn; ++it) {
      if (it->second->huge) f(it->first * kLeafPages, *it->second);
    }
  }
  /// The first page-table page that covers `vpn` or lies behind it, with the first vpn that it covers; nullptr if there
  /// is none.
  std::pair<uint64_t, Leaf*> next_leaf(uint64_t vpn) {
    const auto it = leaves_.lower_bound(vpn / kLeafPages);
    if (it == leaves_.end()) return {0, nullptr};
    return {it->first * kLeafPages, it->second.get()};
  }
  /// Adds the missing levels for `vpn`. Returns the number of page-table pages added (PTE, PMD, PUD).
  int add_tables(uint64_t vpn);
  /// Frees leaves without entries in [first, last), and the levels above that become empty. Returns the page-table
  /// pages freed.
  int drop_empty_tables(uint64_t first_vpn, uint64_t last_vpn);
  int64_t table_pages() const { return table_pages_; }
  /// Folds some of the tables that were unfolded. REQUIRES: nobody keeps a reference to an entry.
  void fold();

  /// The vpns in [first, last) that have an entry.
  PageNumbers used(uint64_t first_vpn, uint64_t last_vpn) const;

  /// Calls f(vpn, Pte&) for every entry in [first, last) that is not none, in ascending order. f may clear the entry.
  template <class F>
  void for_each(uint64_t first_vpn, uint64_t last_vpn, F&& f) {
    for (auto it = leaves_.lower_bound(first_vpn / kLeafPages); it != leaves_.end(); ++it) {
      const uint64_t base = it->first * kLeafPages;
      if (base >= last_vpn) break;
      Leaf& leaf = *it->second;
      const uint64_t from = base < first_vpn ? first_vpn - base : 0;
      const uint64_t to = last_vpn - base < kLeafPages ? last_vpn - base : kLeafPages;
      for (uint64_t i = from; i < to && leaf.used > 0; ++i) {
        if (leaf.ptes.get(i).is_none()) continue;
        Pte& entry = opened(it->first, leaf)[i];
        f(base + i, entry);
        if (entry.is_none()) --leaf.used;
      }
      if (leaf.used == 0) leaf.ptes.close();
    }
  }

  /// vma->swap_readahead_info: what VMA-based swap readahead remembers between faults.
  struct SwapReadahead {
    uint64_t vpn = 0;  // of the last fault
    int64_t window = 0;
    int64_t hits = 4;
  };
  struct Mapping {
    uint64_t end = 0;          // byte address
    bool accountable = false;  // private and writable, not MAP_NORESERVE: counts in Committed_AS
    bool no_reserve = false;   // VM_NORESERVE: mprotect() to writable does not make it accountable
    bool anonymous = false;
    bool shared = false, executable = false;
    bool data = false;  // private, writable, no stack: counts against RLIMIT_DATA
    HugeAdvice huge = HugeAdvice::kNone;
    LockMode lock = LockMode::kNone;
    Mempolicy policy{};  // set by mbind()
    FileIndex file = kNoFile;
    int64_t file_shift = 0;  // page index in the file minus vpn
    SwapReadahead swap_readahead{};
    uint64_t page_index(uint64_t vpn) const { return vpn + static_cast<uint64_t>(file_shift); }
    uint64_t vpn_of(uint64_t page_index) const { return page_index - static_cast<uint64_t>(file_shift); }
    bool same_kind(const Mapping& other) const {
      return accountable == other.accountable && no_reserve == other.no_reserve && anonymous == other.anonymous &&
             shared == other.shared && executable == other.executable && data == other.data && huge == other.huge &&
             lock == other.lock && policy == other.policy && file == other.file && file_shift == other.file_shift;
    }
  };
  /// Mappings by start address. They never overlap. Adjacent anonymous mappings with equal properties are one
  /// (vma_merge()).
  std::map<uint64_t, Mapping> mappings;
  SwapReadahead swap_readahead_elsewhere;  // for pages in no known mapping
  /// The mapping that contains the byte `address`, or nullptr.
  std::pair<const uint64_t, Mapping>* mapping_at(uint64_t address) {
    auto next = mappings.upper_bound(address);
    return next == mappings.begin() || address >= std::prev(next)->second.end ? nullptr : &*std::prev(next);
  }
  int64_t mapped_bytes = 0;
  int64_t committed_pages = 0;
  int64_t data_pages = 0;                  // mm->data_vm
  int64_t locked_pages = 0;                // mm->locked_vm
  LockMode lock_future = LockMode::kNone;  // for new mappings: mm->def_flags
  bool has_policies = false;               // a mapping may have a policy set by mbind()
  void map(uint64_t start, uint64_t bytes, Mapping kind);
  void unmap(uint64_t start, uint64_t bytes);
  /// A copy of the mapping that contains `address`, with its start.
  std::optional<std::pair<uint64_t, Mapping>> mapping_at(uint64_t address) const {
    const auto next = mappings.upper_bound(address);
    if (next == mappings.begin() || std::prev(next)->second.end <= address) return std::nullopt;
    return std::pair(std::prev(next)->first, std::prev(next)->second);
  }
  /// The mapping that contains `address`; nullptr if there is none.
  const Mapping* mapping_of(uint64_t address) const;
  /// Whether a locked mapping contains the page.
  bool locked_at(uint64_t vpn) const {
    if (locked_pages == 0) return false;
    const Mapping* const mapping = mapping_of(vpn << 12);
    return mapping != nullptr && mapping->lock != LockMode::kNone;
  }
  /// Calls f(Mapping&) for every mapping in the range. Splits mappings at its ends (split_vma()).
  template <class F>
  void change(uint64_t start, uint64_t bytes, F&& f) {
    const uint64_t end = page_end(start + bytes);
    start = page_start(start);
    split(start);
    split(end);
    for (auto it = mappings.lower_bound(start); it != mappings.end() && it->first < end; ++it) {
      count(*it, -1);
      f(it->second);
      count(*it, 1);
    }
    merge(start, end);
  }

 private:
  static constexpr uint64_t page_start(uint64_t address) { return address & ~uint64_t{0xfff}; }
  static constexpr uint64_t page_end(uint64_t address) { return page_start(address + 0xfff); }
  // Adds the mapping to the sums (sign 1), or takes it off (sign -1).
  void count(const std::pair<const uint64_t, Mapping>& entry, int64_t sign) {
    const int64_t pages = static_cast<int64_t>((entry.second.end - entry.first) >> 12) * sign;
    mapped_bytes += pages << 12;
    if (entry.second.accountable) committed_pages += pages;
    if (entry.second.data) data_pages += pages;
    if (entry.second.lock != LockMode::kNone) locked_pages += pages;
  }
  PageTable& opened(uint64_t leaf_index, Leaf& leaf) {
    if (leaf.ptes.is_open()) return leaf.ptes;
    loose_.push_back(leaf_index);
    ++opened_;
    return leaf.ptes;
  }
  void split(uint64_t address);
  void merge(uint64_t first, uint64_t last);
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
  std::vector<uint64_t> loose_;         // leaves with unfolded tables; some may be freed by now
  size_t next_loose_ = 0, opened_ = 0;  // opened_: tables unfolded since the last fold()
  std::map<uint64_t, int> pmds_;        // 1 GiB index -> leaves below it
  std::map<uint64_t, int> puds_;        // 512 GiB index -> PMD pages below it
  int64_t table_pages_ = 0;
  mutable uint64_t cached_index_ = 0;
  mutable Leaf* cached_ = nullptr;
};

}  // namespace oomcast::host
