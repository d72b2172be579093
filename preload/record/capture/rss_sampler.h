// Samples how much all processes had together at once. A thread of its own reads their counts every few milliseconds,
// also while the loop is busy with a scan that takes long: what has come and gone meanwhile no scan finds.
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

  /// From now on the process counts, as one that has had nothing so far. The first one starts the thread.
  /// `inherited_pages`: that it shares with its parent since a fork, as far as the parent counts too.
  void watch(uint32_t pid, uint64_t inherited_pages = 0);
  void forget(uint32_t pid);
  void stop();
  /// It has forked: for a while its children count too, those that live for less than a scan among them.
  void has_forked(uint32_t pid);

  /// What scans know by now: each sample keeps what was known at its time.
  void set_known(const PeakMeter::Known& known);
  /// The anonymous pages that all had in the latest sample, what a fork shares counted once.
  uint64_t last_pages() const { return last_own_pages_.load(std::memory_order_relaxed); }

  /// The most anonymous pages that all had at once, since the last call, and who had most of them; 0: nothing was
  /// sampled. What a forked child shares with its parent counts once in `highest`. `summed_pages` is the kernel's
  /// counts simply added up, the highest sum, and `pages_then` what a sample for `highest` would have had at that time.
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

  /// What the loop and the sampling thread share.
  struct State {
    std::map<uint32_t, Watched> watched;
    uint64_t last_summed_pages = 0;
    Peak peak;
    bool stopped = false;
  };

  void run();
  std::chrono::milliseconds sample(State& state, std::chrono::milliseconds apart);
  /// What one process had in a sample: by the kernel's count, and without what it has inherited.
  struct Had {
    uint64_t counted = 0, own = 0;
  };
  static Had had(uint64_t counted_pages, uint64_t* inherited_pages);
  static bool follow_living_thread(uint32_t pid, Watched& watched);
  static Had had_by_pending_children(const State& state, Watched& watched, uint64_t parents_pages);

  Guarded<State> state_;
  std::condition_variable woken_;
  std::atomic<uint64_t> last_own_pages_{0};
  Guarded<PeakMeter::Known> known_;  // of its own: held for a copy only, a scan does not wait for a sample
  std::thread thread_;
};

}  // namespace oomcast::record
