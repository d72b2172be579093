// Counted: counts the threads that are inside system calls of the library, so that a thread that seals the process can
// wait for them.
#pragma once

#include <atomic>
#include <cstdint>

#include "preload/inject/agent.h"

namespace oomcast::inject {

extern std::atomic<uint32_t> threads_counted;

/// A scope with system calls. The sealing thread (give_way.cc) first ends tracking and then reads the count. A counted
/// thread first raises the count and then checks for tracking. All four operations are sequentially consistent: with a
/// weaker order each could miss the other, and the filter would kill the process inside the scope.
class Counted {
 public:
  Counted() { threads_counted.fetch_add(1, std::memory_order_seq_cst); }
  ~Counted() {
    // The count is 0 already in a child that a signal handler has forked inside the scope.
    uint32_t now = threads_counted.load(std::memory_order_relaxed);
    while (now != 0 && !threads_counted.compare_exchange_weak(now, now - 1, std::memory_order_release)) {
    }
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  /// False: no system call may be made for tracking.
  bool tracking() const { return agent_tracking.load(std::memory_order_seq_cst); }
  /// True: the process is under a seccomp filter, or will be at once.
  bool sealed() const { return agent_sealed.load(std::memory_order_seq_cst); }
};

}  // namespace oomcast::inject
