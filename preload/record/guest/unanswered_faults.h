// UnansweredFaults: faults of one process that the kernel has not let the recorder answer, and when the recorder stops
// trying.
//
// The kernel may refuse an answer for ever: mremap() of locked memory takes faults in its new pages before the event
// can be read that ends the refusal. So each fault has a time limit, after which its memory is let go and the kernel
// serves it.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "preload/record/guest/window_fill.h"

namespace oomcast::record {

class UnansweredFaults {
 public:
  /// Half of the promised second, because the recorder may notice the end of the time late.
  static constexpr uint64_t kLongestNs = 500'000'000;
  /// Answers to the same fault, each followed by the same fault again, after which the memory is let go.
  static constexpr uint32_t kMostAnswers = 64;
  static constexpr uint64_t kFirstRestNs = 50'000,
                            kLongestRestNs = 5'000'000;  // before the next try, doubled each time

  enum class Next {
    kTryAgain,  // the fault is kept here, for a later try
    kWake,      // wake the thread: it faults again if the page is still missing
    kLetGo,     // the thread has waited too long or faulted too often there: let its memory go
  };
  /// The answer to the fault has failed with `result`.
  Next failed(const WindowFill& fill, FaultResult result, uint64_t now_ns);
  /// The thread's fault has been answered.
  void answered(uint32_t tid) { threads_.erase(tid); }

  /// Takes out the faults that are due for another try. `all`: all of them, because an event has been read that may
  /// have blocked the answers.
  std::vector<WindowFill> take(uint64_t now_ns, bool all);
  /// When the next fault is due for another try; UINT64_MAX: none is.
  uint64_t next_ns() const;
  bool empty() const { return kept_.empty(); }
  void clear();

 private:
  /// The unanswered fault of one thread. A thread waits at one page at a time.
  struct Trouble {
    uint64_t page = 0, first_ns = 0, last_ns = 0;
    uint32_t answers = 0;
    uint64_t rest_ns = kFirstRestNs;
  };
  struct Kept {
    WindowFill fill;
    uint64_t due_ns = 0;
  };
  std::unordered_map<uint32_t, Trouble> threads_;
  std::vector<Kept> kept_;
};

}  // namespace oomcast::record
