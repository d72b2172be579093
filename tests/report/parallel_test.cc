// Work is spread over threads, and cores that are free go to whoever can use them.
#include "report/parallel.h"

#include <gtest/gtest.h>

namespace oomcast::report {
namespace {

TEST(Cores, WhoIsAloneMayUseAllOfThem) {
  Cores cores(4);
  const TakenCores own(cores, 1);
  EXPECT_EQ(own.count(), 1);
  {
    const TakenCores more(cores, 100);
    EXPECT_EQ(more.count(), 3);
    const TakenCores none(cores, 1);
    EXPECT_EQ(none.count(), 0);
  }
  EXPECT_EQ(TakenCores(cores, 2).count(), 2) << "they were given back";
  EXPECT_EQ(TakenCores(cores, -1).count(), 0);
}

TEST(Parallel, EachPieceIsWorkedOnOnce) {
  for (int jobs : {1, 2, 16}) {
    std::vector<std::atomic<int>> times(100);
    for_each_in_parallel(times.size(), jobs, [&](size_t i) { ++times[i]; });
    for (const auto& each : times) EXPECT_EQ(each, 1) << jobs;
  }
}

}  // namespace
}  // namespace oomcast::report
