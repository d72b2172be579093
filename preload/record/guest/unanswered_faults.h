// Faults of one process that the kernel has not let the recorder answer, and when the recorder stops trying.
//
// The kernel may refuse an answer for ever: mremap() of locked memory faults in what is new before the event that would
// end the refusal can be read. So each thread's fault has a time limit. After it the memory is let go, and the kernel
// serves it.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "preload/record/guest/window_fill.h"

namespace oomcast::record {

class UnansweredFaults {
 public:
  /// Half of what is promised: the recorder may come late to see that the time is over.
  static constexpr uint64_t kLongestNs = 500'000'000;
  /// Answers in a row after which a thread has met the same fault again.
  static constexpr uint32_t kMostAnswers = 64;
  static constexpr uint64_t kFirstRestNs = 50'000,
                            kLongestRestNs = 5'000'000;  // before the next try, doubled each time

  enum class Next {
    kTryAgain,  // kept here, and due later
    kWake,      // the thread is to be woken: it faults again if it still has to
    kLetGo,     // it has waited too long, or met the same fault too often: its memory is to be let go
  };
  /// The answer has not been kDone.
  Next failed(const WindowFill& fill, FaultResult result, uint64_t now_ns);
  /// The thread's fault has been answered.
  void answered(uint32_t tid) { threads_.erase(tid); }

  /// Those to try again now. `all`: an event has been read, which may have been what was in the way.
  std::vector<WindowFill> take(uint64_t now_ns, bool all);
  /// When the next one is to be tried again; UINT64_MAX if none is.
  uint64_t next_ns() const;
  bool empty() const { return kept_.empty(); }
  void clear();

 private:
  /// Of a thread that has met trouble at `page`; it waits at one page at a time.
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
