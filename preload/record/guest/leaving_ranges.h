// Keeps what is being given back and may still be there: the kernel reports it before it does it. Where no event
// reports unmaps, the program asks for a scan before it gives memory back, and the memory counts as gone from our
// answer on: the answered thread may not have done it yet when the next scan comes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

namespace oomcast::record {

class LeavingRanges {
 public:
  /// Longer than a busy machine keeps a runnable thread waiting. Then what is there is there.
  static constexpr uint64_t kLongestNs = 200'000'000;

  /// From the kernel's event on: the thread has been woken, and no event says when it has done it. What it touches
  /// there meanwhile is met that much later.
  static constexpr uint64_t kAfterEventNs = 20'000'000;

  void add(uint64_t start, uint64_t end, uint64_t now_ns, uint64_t longest_ns = kLongestNs) {
    Range& range = ranges_[start];
    range = {std::max(range.end, end), now_ns + longest_ns};
  }
  /// It has been done, by the program's word.
  void gone(uint64_t start, uint64_t end) { ranges_.erase(ranges_.lower_bound(start), ranges_.lower_bound(end)); }
  void expire(uint64_t now_ns) {
    std::erase_if(ranges_, [now_ns](const auto& one) { return one.second.until_ns <= now_ns; });
  }
  void clear() { ranges_.clear(); }

  /// Calls f(start, end) for the parts of [from, to) that stay.
  template <class F>
  void for_each_outside(uint64_t from, uint64_t to, F f) const {
    for (const auto& [start, range] : ranges_) {
      if (range.end <= from) continue;
      if (start >= to) break;
      if (start > from) f(from, start);
      from = std::max(from, range.end);
    }
    if (from < to) f(from, to);
  }

 private:
  struct Range {
    uint64_t end = 0, until_ns = 0;
  };
  std::map<uint64_t, Range> ranges_;  // by start
};

}  // namespace oomcast::record
