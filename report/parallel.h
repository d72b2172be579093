// Spreads independent pieces of work over threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace oomcast::report {

/// Calls work(i) for each i below `count`, from at most `jobs` threads at a time (0: one per CPU), the caller's among them. Returns
/// when all are done. REQUIRES: `work` throws nothing.
template <class Work>
void for_each_in_parallel(size_t count, int jobs, Work work) {
  const size_t most = jobs > 0 ? static_cast<size_t>(jobs) : std::max(1u, std::thread::hardware_concurrency());
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
