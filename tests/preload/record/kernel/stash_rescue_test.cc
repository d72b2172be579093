// The helper of a stash has ended: what lies in the stash is copied back from outside.
#include "preload/record/kernel/stash_rescue.h"

#include <gmock/gmock.h>

#include <array>

#include "tests/preload/record/fake_channel.h"
#include "tests/preload/record/fake_memory.h"
#include "tests/preload/record/fake_stash.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kHome = 0x10'0000'0000;

class StashRescueTest : public testing::Test {
 protected:
  /// Brings back the page at kHome. Returns whether the stash is done with it.
  bool bring_back(uint64_t distance = 0) {
    const std::array ranges{PageRange(kHome, kHome + kPage)};
    return rescue.back(ranges, distance, StashChannel::Waiters::kWoken).value()[0];
  }
  void put_into_stash() { memory.touch(rescue.place_of(kHome), 1); }

  FakeStash::Kernel kernel;
  FakeMemory memory;
  FakeChannel all, heap;
  StashRescue rescue{std::make_unique<FakeStash>(kernel), memory, all, heap};
};

TEST_F(StashRescueTest, APageOfTheStashIsCopiedToItsPlace) {
  put_into_stash();
  EXPECT_TRUE(bring_back());
  EXPECT_THAT(all.copied, testing::ElementsAre(testing::Pair(kHome, 1)));
}

TEST_F(StashRescueTest, APageThatWasMovedSinceIsCopiedToItsNewPlace) {
  put_into_stash();
  EXPECT_TRUE(bring_back(16 * kPage));
  EXPECT_THAT(all.copied, testing::ElementsAre(testing::Pair(kHome + 16 * kPage, 1)));
}

TEST_F(StashRescueTest, WhatIsNotInTheStashNeedsNoCopy) {
  EXPECT_TRUE(bring_back()) << "it was back already when the helper ended";
  EXPECT_THAT(all.copied, testing::IsEmpty());
}

TEST_F(StashRescueTest, APageOfTheHeapGoesThroughTheHeapsUserfaultfd) {
  put_into_stash();
  all.refusals = {FaultResult::kGone};
  EXPECT_TRUE(bring_back());
  EXPECT_THAT(all.copied, testing::IsEmpty());
  EXPECT_TRUE(heap.copied.contains(kHome));
}

TEST_F(StashRescueTest, AnUnreadEventKeepsThePageOut) {
  put_into_stash();
  all.refusals = {FaultResult::kRetry};
  EXPECT_FALSE(bring_back());
  all.refusals = {FaultResult::kGone};
  heap.refusals = {FaultResult::kRetry};
  EXPECT_FALSE(bring_back());
  EXPECT_TRUE(bring_back());
}

TEST_F(StashRescueTest, APageWithoutAPlaceIsGone) {
  put_into_stash();
  all.refusals = heap.refusals = {FaultResult::kGone};
  EXPECT_TRUE(bring_back()) << "the program has unmapped it";
}

TEST_F(StashRescueTest, NoPageGoesOutAnyMore) {
  const std::array ranges{PageRange(kHome, kHome + kPage)};
  EXPECT_TRUE(rescue.out(ranges).value().none());
  EXPECT_FALSE(rescue.alive());
}

}  // namespace
}  // namespace oomcast::record
