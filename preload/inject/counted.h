// Counts the threads that make system calls of the library's own, so that a thread which seals the process can wait for
// them.
#pragma once

#include <atomic>
#include <cstdint>

#include "preload/inject/agent.h"

namespace oomcast::inject {

extern std::atomic<uint32_t> threads_counted;

/// For a scope that makes system calls. A thread that seals (give_way.cc) first says that tracking is over and then
/// reads the count; one that is counted first raises it and then asks whether tracking is over. All four are
/// sequentially consistent: with anything less both could see what stood before, and the filter would kill in the
/// middle of the scope.
class Counted {
 public:
  Counted() { threads_counted.fetch_add(1, std::memory_order_seq_cst); }
  ~Counted() {
    // In a child that a signal's handler has forked in the middle the count is zero already.
    uint32_t now = threads_counted.load(std::memory_order_relaxed);
    while (now != 0 && !threads_counted.compare_exchange_weak(now, now - 1, std::memory_order_release)) {
    }
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  /// False: no system call may be made for the sake of tracking.
  bool tracking() const { return agent_tracking.load(std::memory_order_seq_cst); }
  /// True: the process is, or is about to be, under a filter.
  bool sealed() const { return agent_sealed.load(std::memory_order_seq_cst); }
};

}  // namespace oomcast::inject
