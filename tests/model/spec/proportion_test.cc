// An amount is divided in proportion, and nothing of it is lost or invented.
#include "model/spec/proportion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace oomcast::host {
namespace {

using testing::ElementsAre;

TEST(Proportion, RoundsDownAndDoesNotOverflow) {
  EXPECT_EQ(proportion(int64_t{10}, 2, 3), 6);
  EXPECT_EQ(proportion(int64_t{1} << 60, int64_t{1} << 60, int64_t{1} << 60), int64_t{1} << 60);
  EXPECT_EQ(proportion(Pages(10), Pages(1), Pages(4)), Pages(2));
}

TEST(Proportion, APartOfNothingIsNothing) { EXPECT_EQ(proportion(int64_t{10}, 2, 0), 0); }

TEST(Shares, FollowTheRoomThatEachHas) { EXPECT_THAT(shares(30, {10, 20, 30}), ElementsAre(5, 10, 15)); }

TEST(Shares, WhatRoundingLeavesGoesToTheLastThatHaveRoom) {
  EXPECT_THAT(shares(5, {3, 3, 3}), ElementsAre(1, 1, 3));
  EXPECT_THAT(shares(8, {3, 3, 3, 0}), ElementsAre(2, 3, 3, 0));
}

TEST(Shares, NobodyGetsMoreThanThereIsRoomFor) {
  EXPECT_THAT(shares(60, {10, 20}), ElementsAre(10, 20));
  EXPECT_THAT(shares(5, {}), ElementsAre());
}

TEST(Shares, AddUpToTheTotal) {
  const std::vector<int64_t> rooms = {7, 0, 13, 1, 999, 4};
  for (int64_t total = 0; total <= 1024; ++total) {
    const std::vector<int64_t> parts = shares(total, rooms);
    EXPECT_EQ(std::accumulate(parts.begin(), parts.end(), int64_t{0}), total);
  }
}

}  // namespace
}  // namespace oomcast::host
