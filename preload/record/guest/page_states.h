// PageStates: the state of each page of one process, eight bits a page, stored per 2 MiB that have any.
//
// touched: counted as resident anonymous memory. prefilled: filled by the recorder beside a fault, or a zero page that
// can be written without a fault; not known to be touched. prefilled-armed: prefilled by a walk that has stopped, and
// write-protected. zero: read only; the shared zero page is mapped, write-protected. A page is at most one of these
// four. watched: write-protected, because the sink wants to know of the next write. forked: shared with another process
// since a fork; the next write copies it. borrowed: forked, and known to the sink as the other process's page only
// (capture/fork_copies.h). stashed: out (capture/stash.h); the bit stays when the other bits are cleared.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "preload/record/kernel/pages.h"

namespace oomcast::record {

/// A call of PAGEMAP_SCAN costs 8 us, and 130 ns per present page, or 13 ns if it does not ask whether the page is a
/// file's.
inline constexpr uint64_t kScanCallNs = 8000, kScanPageNs = 130, kScanAnonymousNs = 13;
inline constexpr uint64_t kAlongAnyKind = kScanCallNs / kScanPageNs * kPage,
                          kAlongAnonymous = kScanCallNs / kScanAnonymousNs * kPage;

/// The end of the ranges from `first` on that are worth one call: the gaps between them are smaller than `along`, the
/// bytes that cost as much to scan as a call. REQUIRES: in order.
inline size_t end_of_close_ones(const std::vector<PageRange>& ranges, size_t first, uint64_t along) {
  size_t last = first + 1;
  while (last < ranges.size() && ranges[last].first - ranges[last - 1].second < along) ++last;
  return last;
}

/// Calls f(from, to) for the parts of `runs` that lie in the range. REQUIRES: in order.
template <class F>
void for_each_inside(const std::vector<PageRange>& runs, PageRange range, F f) {
  auto run = std::upper_bound(runs.begin(), runs.end(), range.first,
                              [](uint64_t at, const PageRange& other) { return at < other.second; });
  for (; run != runs.end() && run->first < range.second; ++run)
    f(std::max(run->first, range.first), std::min(run->second, range.second));
}

enum class PageBit : int { kTouched = 0, kPrefilled, kPrefilledArmed, kZero, kWatched, kForked, kBorrowed, kStashed };
inline constexpr int kPageBits = 8, kStashedBit = static_cast<int>(PageBit::kStashed);  // the last one

class PageStates {
 public:
  bool test(PageBit bit, uint64_t address) const {
    const Chunk* chunk = find(address);
    return chunk != nullptr && (chunk->words(bit)[word_of(address)] >> bit_of(address) & 1) != 0;
  }

  /// True when the page has no state at all: it can be filled.
  bool blank(uint64_t address) const {
    const Chunk* chunk = find(address);
    if (chunk == nullptr) return true;
    const int word = word_of(address);
    const uint64_t any = chunk->bits[0][word] | chunk->bits[1][word] | chunk->bits[2][word] | chunk->bits[3][word] |
                         chunk->words(PageBit::kStashed)[static_cast<size_t>(word)];
    return (any >> bit_of(address) & 1) == 0;
  }

  void set(PageBit bit, uint64_t address, bool on) {
    Chunk& chunk = chunks_[address >> kChunkShift];
    uint64_t& word = chunk.words(bit)[static_cast<size_t>(word_of(address))];
    const uint64_t mask = uint64_t{1} << bit_of(address);
    if (((word & mask) != 0) == on) return;
    word ^= mask;
    counts_[static_cast<size_t>(bit)] += on ? 1 : uint64_t(-1);
  }

  /// Makes the page touched, prefilled, prefilled-armed or zero, instead of another of these. True if it was not that
  /// before.
  bool become(PageBit state, uint64_t address) {
    if (test(state, address)) return false;
    for (const PageBit bit : {PageBit::kTouched, PageBit::kPrefilled, PageBit::kPrefilledArmed, PageBit::kZero})
      set(bit, address, bit == state);
    return true;
  }
  bool touch(uint64_t address) { return become(PageBit::kTouched, address); }
  /// All of [start, end) at once.
  void touch(uint64_t start, uint64_t end) {
    for (uint64_t word_start = start; word_start < end; word_start = ((word_start >> kWordShift) + 1) << kWordShift) {
      Chunk& chunk = chunks_[word_start >> kChunkShift];
      const auto word = static_cast<size_t>(word_of(word_start));
      const uint64_t mask = mask_of(word_start >> kWordShift << kWordShift, start, end);
      for (const PageBit bit : {PageBit::kTouched, PageBit::kPrefilled, PageBit::kPrefilledArmed, PageBit::kZero}) {
        uint64_t& bits = chunk.words(bit)[word];
        const uint64_t now = bit == PageBit::kTouched ? bits | mask : bits & ~mask;
        counts_[static_cast<size_t>(bit)] +=
            static_cast<uint64_t>(std::popcount(now)) - static_cast<uint64_t>(std::popcount(bits));
        bits = now;
      }
    }
  }

  /// Clears all bits of [start, end) but kStashed.
  void clear(uint64_t start, uint64_t end) {
    if ((end - start) >> kChunkShift > chunks_.size()) {
      for (auto at = chunks_.begin(); at != chunks_.end();) {
        const uint64_t base = at->first << kChunkShift;
        if (base < end && base + kChunkBytes > start) clear_in(at->second, base, start, end);
        at = at->second.empty() ? chunks_.erase(at) : std::next(at);
      }
      return;
    }
    for (uint64_t key = start >> kChunkShift; key <= (end - 1) >> kChunkShift && start < end; ++key) {
      const auto at = chunks_.find(key);
      if (at == chunks_.end()) continue;
      clear_in(at->second, key << kChunkShift, start, end);
      if (at->second.empty()) chunks_.erase(at);
    }
  }

  void clear_all() {
    chunks_.clear();
    counts_ = {};
  }

  /// Moves the states of [from, from + bytes) to `to`, for mremap(). The stash moves its own bit.
  void move(uint64_t from, uint64_t to, uint64_t bytes) {
    PageStates moved;
    each(from, from + bytes, [&](uint64_t address, const Chunk& chunk) {
      for (int bit = 0; bit < kStashedBit; ++bit)
        if (chunk.bits[static_cast<size_t>(bit)][static_cast<size_t>(word_of(address))] >> bit_of(address) & 1)
          moved.set(static_cast<PageBit>(bit), address - from + to, true);
    });
    clear(from, from + bytes);
    clear(to, to + bytes);
    moved.each(to, to + bytes, [&](uint64_t address, const Chunk& chunk) {
      for (int bit = 0; bit < kStashedBit; ++bit)
        if (chunk.bits[static_cast<size_t>(bit)][static_cast<size_t>(word_of(address))] >> bit_of(address) & 1)
          set(static_cast<PageBit>(bit), address, true);
    });
  }

  /// Calls f(from, to) for the runs of [start, end) that are neither touched nor prefilled, in order.
  template <class F>
  void for_each_unseen(uint64_t start, uint64_t end, F f) const {
    uint64_t run = start;
    const auto seen_to = [&](uint64_t from, uint64_t to) {
      if (run < from) f(run, from);
      run = to;
    };
    for (const uint64_t key : keys_between(start, end)) {
      const Chunk& chunk = chunks_.find(key)->second;
      for (size_t word = 0; word < 8; ++word) {
        const uint64_t word_start = (key << kChunkShift) + (word << kWordShift),
                       word_end = word_start + (uint64_t{1} << kWordShift);
        if (word_end <= start || word_start >= end) continue;
        const uint64_t seen = (chunk.words(PageBit::kTouched)[word] | chunk.words(PageBit::kPrefilled)[word] |
                               chunk.words(PageBit::kPrefilledArmed)[word]) &
                              mask_of(word_start, start, end);
        if (seen == ~uint64_t{0})
          seen_to(word_start, word_end);
        else
          for (uint64_t left = seen; left != 0; left &= left - 1) {
            const uint64_t page = word_start + (static_cast<uint64_t>(std::countr_zero(left)) << kPageShift);
            seen_to(page, page + static_cast<uint64_t>(kPageBytes));
          }
      }
    }
    if (run < end) f(run, end);
  }

  /// Gives the pages of [start, end) that have bit `from` bit `to` as well.
  void copy_bit(PageBit from, PageBit to, uint64_t start, uint64_t end) {
    for_each_word(*this, start, end, [&](Chunk& chunk, size_t word, uint64_t, uint64_t mask) {
      const uint64_t added = chunk.words(from)[word] & ~chunk.words(to)[word] & mask;
      chunk.words(to)[word] |= added;
      counts_[static_cast<size_t>(to)] += static_cast<uint64_t>(std::popcount(added));
    });
  }

  /// Takes the bit from all pages.
  void clear_bit(PageBit bit) {
    for (auto& [key, chunk] : chunks_) chunk.words(bit).fill(0);
    counts_[static_cast<size_t>(bit)] = 0;
  }

  uint64_t count(PageBit bit) const { return counts_[static_cast<size_t>(bit)]; }
  uint64_t count(PageBit bit, uint64_t start, uint64_t end) const {
    if (count(bit) == 0) return 0;
    uint64_t pages = 0;
    for (const uint64_t key : keys_between(start, end)) {
      const Chunk& chunk = chunks_.find(key)->second;
      for (size_t word = 0; word < 8; ++word) {
        const uint64_t word_start = (key << kChunkShift) + (word << kWordShift),
                       word_end = word_start + (uint64_t{1} << kWordShift);
        if (word_end > start && word_start < end)
          pages += static_cast<uint64_t>(std::popcount(chunk.words(bit)[word] & mask_of(word_start, start, end)));
      }
    }
    return pages;
  }

  /// Calls f(address) for each page of [start, end) with the bit, in order.
  template <class F>
  void for_each(PageBit bit, uint64_t start, uint64_t end, F f) const {
    if (count(bit) == 0) return;
    for_each_word(*this, start, end, [&](const Chunk& chunk, size_t word, uint64_t word_start, uint64_t mask) {
      for (uint64_t left = chunk.words(bit)[word] & mask; left != 0; left &= left - 1)
        f(word_start + (static_cast<uint64_t>(std::countr_zero(left)) << kPageShift));
    });
  }

 private:
  static constexpr int kChunkShift = 21, kWordShift = 18;  // 2 MiB and, a bit a page, 64 pages
  static constexpr uint64_t kChunkBytes = uint64_t{1} << kChunkShift;
  struct Chunk {
    std::array<std::array<uint64_t, 8>, kPageBits> bits{};
    std::array<uint64_t, 8>& words(PageBit bit) { return bits[static_cast<size_t>(bit)]; }
    const std::array<uint64_t, 8>& words(PageBit bit) const { return bits[static_cast<size_t>(bit)]; }
    bool empty() const {
      for (const auto& words : bits)
        for (const uint64_t word : words)
          if (word != 0) return false;
      return true;
    }
  };

  /// The bits of the word at `word_start` that stand for pages of [start, end).
  static uint64_t mask_of(uint64_t word_start, uint64_t start, uint64_t end) {
    const uint64_t word_end = word_start + (uint64_t{1} << kWordShift);
    uint64_t mask = ~uint64_t{0};
    if (start > word_start) mask &= ~uint64_t{0} << ((start - word_start) >> kPageShift);
    if (end < word_end) mask &= ~uint64_t{0} >> ((word_end - end) >> kPageShift);
    return mask;
  }
  static int word_of(uint64_t address) { return static_cast<int>(address >> kWordShift & 7); }
  static int bit_of(uint64_t address) { return static_cast<int>(address >> kPageShift & 63); }
  /// The numbers of the pieces of [start, end) that have any state, in order. A reservation of terabytes has few of
  /// them.
  std::vector<uint64_t> keys_between(uint64_t start, uint64_t end) const {
    std::vector<uint64_t> keys;
    if (start >= end) return keys;
    const uint64_t first = start >> kChunkShift, last = (end - 1) >> kChunkShift;
    if (last - first > chunks_.size()) {
      for (const auto& [key, chunk] : chunks_)
        if (key >= first && key <= last) keys.push_back(key);
      std::sort(keys.begin(), keys.end());
      return keys;
    }
    for (uint64_t key = first; key <= last; ++key)
      if (chunks_.contains(key)) keys.push_back(key);
    return keys;
  }
  const Chunk* find(uint64_t address) const {
    const auto at = chunks_.find(address >> kChunkShift);
    return at == chunks_.end() ? nullptr : &at->second;
  }

  void clear_in(Chunk& chunk, uint64_t base, uint64_t start, uint64_t end) {
    for (int word = 0; word < 8; ++word) {
      const uint64_t word_start = base + (static_cast<uint64_t>(word) << kWordShift);
      const uint64_t word_end = word_start + (uint64_t{1} << kWordShift);
      if (word_end <= start || word_start >= end) continue;
      const uint64_t mask = mask_of(word_start, start, end);
      for (int bit = 0; bit < kStashedBit; ++bit) {
        uint64_t& bits = chunk.bits[static_cast<size_t>(bit)][static_cast<size_t>(word)];
        counts_[static_cast<size_t>(bit)] -= static_cast<uint64_t>(std::popcount(bits & mask));
        bits &= ~mask;
      }
    }
  }

  /// Calls f(chunk, word number, its first page, mask of the pages inside) for each 64 pages of [start, end) that have
  /// any state, in order.
  template <class States, class F>
  static void for_each_word(States& states, uint64_t start, uint64_t end, F f) {
    auto& chunks = states.chunks_;
    const auto in_chunk = [&](uint64_t base, auto& chunk) {
      for (size_t word = 0; word < 8; ++word) {
        const uint64_t word_start = base + (word << kWordShift), word_end = word_start + (uint64_t{1} << kWordShift);
        if (word_end > start && word_start < end) f(chunk, word, word_start, mask_of(word_start, start, end));
      }
    };
    for (const uint64_t key : states.keys_between(start, end))
      if (const auto at = chunks.find(key); at != chunks.end()) in_chunk(key << kChunkShift, at->second);
  }

  template <class F>
  void each(uint64_t start, uint64_t end, F f) const {
    const auto in_chunk = [&](uint64_t base, const Chunk& chunk) {
      for (uint64_t address = base < start ? start : base; address < end && address < base + kChunkBytes;
           address += static_cast<uint64_t>(kPageBytes))
        f(address, chunk);
    };
    if ((end - start) >> kChunkShift > chunks_.size()) {
      for (const auto& [key, chunk] : chunks_)
        if ((key << kChunkShift) < end && ((key + 1) << kChunkShift) > start) in_chunk(key << kChunkShift, chunk);
      return;
    }
    for (uint64_t key = start >> kChunkShift; start < end && key <= (end - 1) >> kChunkShift; ++key)
      if (const auto at = chunks_.find(key); at != chunks_.end()) in_chunk(key << kChunkShift, at->second);
  }

  std::unordered_map<uint64_t, Chunk> chunks_;
  std::array<uint64_t, kPageBits> counts_{};
};

}  // namespace oomcast::record
