// RssSampler: samples how much memory all processes have together. A thread of its own reads the kernel's counts every
// 2 to 20 ms, also during a long scan: memory that comes and goes meanwhile is found by no scan.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <thread>

#include "preload/record/capture/peak_meter.h"
#include "preload/record/kernel/guarded.h"
#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

class RssSampler {
 public:
  RssSampler() = default;
  ~RssSampler();
  RssSampler(const RssSampler&) = delete;
  RssSampler& operator=(const RssSampler&) = delete;

  /// The process is sampled from now on. The first process starts the thread. `inherited_pages`: pages that it shares
  /// with its parent since a fork, if the parent is sampled too.
  void watch(uint32_t pid, uint64_t inherited_pages = 0);
  void forget(uint32_t pid);
  void stop();
  /// The process has forked: its children count too in the next 100 samples, even if they live for less than a scan
  /// interval.
  void has_forked(uint32_t pid);

  /// The pages that scans know now: each sample keeps the latest.
  void set_known(const PeakMeter::Known& known);
  /// The anonymous pages of all processes in the latest sample, pages shared since a fork counted once.
  uint64_t last_pages() const { return last_own_pages_.load(std::memory_order_relaxed); }

  /// Peaks of anonymous pages since the last call; all 0: nothing was sampled. `highest`: pages shared since a fork
  /// counted once. `pid`: the process with most of them. `summed_pages`: the highest sum of the kernel's counts.
  /// `pages_then`: the pages of that sample, counted as in `highest`.
  struct Peak {
    PeakMeter::Sample highest;
    uint32_t pid = 0;
    uint64_t summed_pages = 0, pages_then = 0;
  };
  Peak take();
  /// The most pages of files and shared memory that a sample has seen in the process.
  uint64_t most_shared_pages(uint32_t pid);

 private:
  struct Watched {
    UniqueFd statm, children;
    uint64_t most_shared_pages = 0;
    uint64_t inherited_pages = 0;
    bool memory_gone = false;
    int samples_with_children = 0;  // that are still to come
    std::map<uint32_t, uint64_t>
        pending_children;  // children that are not watched themselves, and what they have inherited
  };

  /// Shared by the loop and the sampling thread.
  struct State {
    std::map<uint32_t, Watched> watched;
    uint64_t last_summed_pages = 0;
    Peak peak;
    bool stopped = false;
  };

  void run();
  std::chrono::milliseconds sample(State& state, std::chrono::milliseconds apart);
  /// The pages of one process in a sample: by the kernel's count, and without the inherited pages.
  struct Had {
    uint64_t counted = 0, own = 0;
  };
  static Had had(uint64_t counted_pages, uint64_t* inherited_pages);
  static bool follow_living_thread(uint32_t pid, Watched& watched);
  static Had had_by_pending_children(const State& state, Watched& watched, uint64_t parents_pages);

  Guarded<State> state_;
  std::condition_variable woken_;
  std::atomic<uint64_t> last_own_pages_{0};
  Guarded<PeakMeter::Known> known_;  // a lock of its own, so that a scan does not wait for a sample
  std::thread thread_;
};

}  // namespace oomcast::record
