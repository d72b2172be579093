// Spreads independent work over threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace oomcast::report {

/// Returns `jobs`, or the number of CPUs if `jobs` is 0.
inline int cores_for(int jobs) {
  return jobs > 0 ? jobs : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

/// The cores that several searches share. A search that runs alone may use all of them.
class Cores {
 public:
  explicit Cores(int jobs) : all_(cores_for(jobs)), free_(all_) {}
  int all() const { return all_; }
  /// Takes the free cores, at most `most`. Returns their number, which may be 0.
  int take(int most) {
    int free = free_.load();
    int taken = 0;
    do taken = std::clamp(most, 0, free);
    while (!free_.compare_exchange_weak(free, free - taken));
    return taken;
  }
  void give_back(int cores) { free_ += cores; }

 private:
  const int all_;
  std::atomic<int> free_;
};

class TakenCores {
 public:
  TakenCores(Cores& cores, int most) : cores_(cores), count_(cores.take(most)) {}
  ~TakenCores() { cores_.give_back(count_); }
  TakenCores(const TakenCores&) = delete;
  TakenCores& operator=(const TakenCores&) = delete;
  int count() const { return count_; }

 private:
  Cores& cores_;
  const int count_;
};

/// Calls work(i) for each i below `count`, on at most `jobs` threads (0: one per CPU), of which the caller's is one.
/// Returns when all calls have returned. REQUIRES: `work` does not throw.
template <class Work>
void for_each_in_parallel(size_t count, int jobs, Work work) {
  const auto most = static_cast<size_t>(cores_for(jobs));
  std::atomic<size_t> next{0};
  const auto take_turns = [&] {
    for (size_t i; (i = next.fetch_add(1)) < count;) work(i);
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min(most, count); ++i) threads.emplace_back(take_turns);
  take_turns();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace oomcast::report
