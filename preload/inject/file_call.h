// Counts in the shared area how long the guest was in calls that read or write files, for the recorder to take out.
#pragma once

#include <algorithm>

#include "preload/inject/agent.h"
#include "preload/inject/clock.h"
#include "preload/inject/counted.h"
#include "preload/inject/raw_syscall.h"

namespace oomcast::inject {

/// A call that takes no longer is a copy: all of it was spent on a CPU. Asking for a thread's CPU time costs as much.
inline constexpr uint64_t kCopyNs = 20'000;

/// Counts the time of one call from here to end(). No destructor: a cancelled thread unwinds through us.
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
    // The first long one after short ones has not asked at its beginning.
    const uint64_t cpu = cpu_ns_ != 0 ? std::max(thread_cpu_ns(), cpu_ns_) - cpu_ns_ : wall < kCopyNs ? wall : kCopyNs;
    // Of a child, where a signal's handler has forked and come back, this is another area, and nothing in it is ours.
    ring::FileCalls& calls = agent_shared->file_calls.of(current_tid());
    if (calls.tid.load(std::memory_order_relaxed) != current_tid()) return;
    calls.wall_ns.fetch_add(wall, std::memory_order_relaxed);
    calls.cpu_ns.fetch_add(cpu, std::memory_order_relaxed);
    calls.since_ns.store(0, std::memory_order_release);
  }

 private:
  /// 0 where tracking is over: a filter may forbid to ask.
  static uint64_t thread_cpu_ns() {
    const Counted counted;
    return counted.tracking() ? clock_ns(CLOCK_THREAD_CPUTIME_ID) : 0;
  }

  uint64_t wall_ns_ = 0, cpu_ns_ = 0;
};

}  // namespace oomcast::inject
