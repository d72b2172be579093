// A thread stays on one CPU, and so do those that it starts.
#include "preload/record/kernel/one_cpu.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

namespace oomcast::record {
namespace {

int cpus_allowed() {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -1;
}

TEST(OneCpu, BindsThreadsThatAreStartedMeanwhile) {
  const int everywhere = cpus_allowed();
  int inside = 0;
  {
    const OneCpu bound;
    std::thread([&] { inside = cpus_allowed(); }).join();
  }
  EXPECT_EQ(inside, 1);
  EXPECT_EQ(cpus_allowed(), everywhere);
}

}  // namespace
}  // namespace oomcast::record
