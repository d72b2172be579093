// FreeAdvice: the calls of madvise(MADV_FREE) that hooks have noted, because the REMOVE event of MADV_FREE looks like
// that of MADV_DONTNEED.
//
// A thread notes the call before it makes it. The events come during the call, one for each registered mapping, in
// order of their addresses. A note whose events never come must not stay: a later MADV_DONTNEED of the same memory
// would be taken for MADV_FREE.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>

namespace oomcast::record {

class FreeAdvice {
 public:
  /// A thread may have gone on to its next calls before the event of the first is read: at most so many calls are kept.
  static constexpr size_t kOfOneThread = 8;
  static constexpr size_t kMostThreads = 4096;

  void expect(uint32_t tid, uint64_t start, uint64_t end) {
    if (of_thread_.size() >= kMostThreads) of_thread_.clear();  // the numbers come from the guest
    auto& mine = of_thread_[tid];
    if (mine.size() == kOfOneThread) mine.pop_front();
    mine.emplace_back(start, end);
  }
  /// The kernel has refused the thread's last call.
  void withdraw(uint32_t tid) {
    const auto at = of_thread_.find(tid);
    if (at == of_thread_.end()) return;
    at->second.pop_back();
    if (at->second.empty()) of_thread_.erase(at);
  }
  /// The thread is not in madvise(): all of its events have been read.
  void end_call(uint32_t tid) { of_thread_.erase(tid); }
  void clear() { of_thread_.clear(); }
  bool empty() const { return of_thread_.empty(); }

  /// Whether the event of [start, end) belongs to a note. `more(from, to)`: whether further events of the noted range
  /// can come.
  template <class More>
  bool take(uint64_t start, uint64_t end, More more) {
    for (auto thread = of_thread_.begin(); thread != of_thread_.end(); ++thread) {
      auto& mine = thread->second;
      const auto at = std::find_if(mine.begin(), mine.end(),
                                   [&](const auto& one) { return start >= one.first && end <= one.second; });
      if (at == mine.end()) continue;
      at->first = end;
      if (end == at->second || !more(end, at->second)) mine.erase(at);
      if (mine.empty()) of_thread_.erase(thread);
      return true;
    }
    return false;
  }

 private:
  std::unordered_map<uint32_t, std::deque<std::pair<uint64_t, uint64_t>>> of_thread_;
};

}  // namespace oomcast::record
