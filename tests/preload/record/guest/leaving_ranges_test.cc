// Scans leave out memory that is being given back, until the free is done.
#include "preload/record/guest/leaving_ranges.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace oomcast::record {
namespace {

using Parts = std::vector<std::pair<uint64_t, uint64_t>>;

Parts outside(const LeavingRanges& leaving, uint64_t from, uint64_t to) {
  Parts parts;
  leaving.for_each_outside(from, to, [&](uint64_t start, uint64_t end) { parts.emplace_back(start, end); });
  return parts;
}

TEST(LeavingRanges, WhatLeavesIsCutOut) {
  LeavingRanges leaving;
  EXPECT_EQ(outside(leaving, 0, 100), (Parts{{0, 100}}));
  leaving.add(20, 30, 0);
  leaving.add(50, 200, 0);
  EXPECT_EQ(outside(leaving, 0, 100), (Parts{{0, 20}, {30, 50}}));
  EXPECT_EQ(outside(leaving, 25, 40), (Parts{{30, 40}}));
  EXPECT_EQ(outside(leaving, 60, 90), Parts{});
  EXPECT_EQ(outside(leaving, 200, 300), (Parts{{200, 300}}));
}

TEST(LeavingRanges, RangesOfTwoThreadsMayOverlap) {
  LeavingRanges leaving;
  leaving.add(10, 60, 0);
  leaving.add(20, 30, 0);
  EXPECT_EQ(outside(leaving, 0, 100), (Parts{{0, 10}, {60, 100}}));
}

TEST(LeavingRanges, GoneByWordOrByTime) {
  LeavingRanges leaving;
  leaving.add(10, 20, 1000);
  leaving.add(30, 40, 2000);
  leaving.gone(10, 20);
  EXPECT_EQ(outside(leaving, 0, 50), (Parts{{0, 30}, {40, 50}}));
  leaving.expire(2000 + LeavingRanges::kLongestNs - 1);
  EXPECT_EQ(outside(leaving, 30, 40), Parts{});
  leaving.expire(2000 + LeavingRanges::kLongestNs);
  EXPECT_EQ(outside(leaving, 30, 40), (Parts{{30, 40}}));
}

TEST(LeavingRanges, OfAnEventLeaveSoon) {
  LeavingRanges leaving;
  leaving.add(10, 20, 1000, LeavingRanges::kAfterEventNs);
  leaving.expire(1000 + LeavingRanges::kAfterEventNs - 1);
  EXPECT_EQ(outside(leaving, 10, 20), Parts{});
  leaving.expire(1000 + LeavingRanges::kAfterEventNs);
  EXPECT_EQ(outside(leaving, 10, 20), (Parts{{10, 20}}));
}

}  // namespace
}  // namespace oomcast::record
