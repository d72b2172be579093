// FileCall: counts in the shared area how long a thread is in calls that read or write files. The recorder subtracts
// it.
#pragma once

#include <algorithm>

#include "preload/inject/agent.h"
#include "preload/inject/clock.h"
#include "preload/inject/counted.h"
#include "preload/inject/raw_syscall.h"

namespace oomcast::inject {

/// A call of at most this time in ns is a copy from the page cache, all on a CPU. Reading the CPU clock costs as much.
inline constexpr uint64_t kCopyNs = 20'000;

/// Counts the time from here to end(). Without a destructor: a cancelled thread unwinds through this frame.
class FileCall {
 public:
  FileCall() {
    const uint32_t tid = current_tid();
    ring::FileCalls& calls = agent_shared->file_calls.of(tid);
    if (calls.tid.load(std::memory_order_relaxed) != tid) {
      calls.wall_ns.store(0, std::memory_order_relaxed);
      calls.cpu_ns.store(0, std::memory_order_relaxed);
      calls.tid.store(tid, std::memory_order_release);
    }
    if (thread_state.file_calls_last) cpu_ns_ = thread_cpu_ns();
    wall_ns_ = clock_ns(CLOCK_MONOTONIC);
    calls.since_ns.store(wall_ns_, std::memory_order_release);
  }

  void end() {
    if (!tracking_now()) return;
    const uint64_t wall = clock_ns(CLOCK_MONOTONIC) - wall_ns_;
    thread_state.file_calls_last = wall > kCopyNs;
    // The first long call after short ones has no CPU time from its beginning.
    const uint64_t cpu = cpu_ns_ != 0 ? std::max(thread_cpu_ns(), cpu_ns_) - cpu_ns_ : wall < kCopyNs ? wall : kCopyNs;
    // In a child that a signal handler has forked inside the call, this is another area, which has no entry of this
    // call.
    ring::FileCalls& calls = agent_shared->file_calls.of(current_tid());
    if (calls.tid.load(std::memory_order_relaxed) != current_tid()) return;
    calls.wall_ns.fetch_add(wall, std::memory_order_relaxed);
    calls.cpu_ns.fetch_add(cpu, std::memory_order_relaxed);
    calls.since_ns.store(0, std::memory_order_release);
  }

 private:
  /// 0 if tracking is over: a filter may forbid the call.
  static uint64_t thread_cpu_ns() {
    const Counted counted;
    return counted.tracking() ? clock_ns(CLOCK_THREAD_CPUTIME_ID) : 0;
  }

  uint64_t wall_ns_ = 0, cpu_ns_ = 0;
};

}  // namespace oomcast::inject
