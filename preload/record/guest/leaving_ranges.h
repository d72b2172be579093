// LeavingRanges: memory that counts as freed and may still be present, so that scans leave it out.
//
// The kernel sends an event before it frees memory. Where no event reports frees, the program asks for a scan before a
// free, and the memory counts as freed from the recorder's answer on. In both cases the next scan may come before the
// free is done.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

namespace oomcast::record {

class LeavingRanges {
 public:
  /// After an answer. Longer than a runnable thread waits for a CPU on a busy machine: present pages count as touched
  /// again then.
  static constexpr uint64_t kLongestNs = 200'000'000;

  /// After an event: no other event tells when the woken thread has freed the memory. A new touch there is found that
  /// much later.
  static constexpr uint64_t kAfterEventNs = 20'000'000;

  void add(uint64_t start, uint64_t end, uint64_t now_ns, uint64_t longest_ns = kLongestNs) {
    Range& range = ranges_[start];
    range = {std::max(range.end, end), now_ns + longest_ns};
  }
  /// The program reports that the memory is freed.
  void gone(uint64_t start, uint64_t end) { ranges_.erase(ranges_.lower_bound(start), ranges_.lower_bound(end)); }
  void expire(uint64_t now_ns) {
    std::erase_if(ranges_, [now_ns](const auto& one) { return one.second.until_ns <= now_ns; });
  }
  void clear() { ranges_.clear(); }

  /// Calls f(start, end) for the parts of [from, to) that are not leaving.
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
