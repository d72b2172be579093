// The note of a call tells MADV_FREE from MADV_DONTNEED, and does not outlive the call.
#include "preload/record/guest/free_advice.h"

#include <gtest/gtest.h>

namespace oomcast::record {
namespace {

constexpr auto kNothingMore = [](uint64_t, uint64_t) { return false; };
constexpr auto kMoreComes = [](uint64_t, uint64_t) { return true; };

TEST(FreeAdvice, ItsEventIsTakenOnce) {
  FreeAdvice advice;
  advice.expect(1, 0x1000, 0x5000);
  EXPECT_TRUE(advice.take(0x1000, 0x5000, kMoreComes));
  EXPECT_FALSE(advice.take(0x1000, 0x5000, kMoreComes));
  EXPECT_TRUE(advice.empty());
}

TEST(FreeAdvice, OneCallOverSeveralMappingsGivesAnEventForEach) {
  FreeAdvice advice;
  advice.expect(1, 0x1000, 0x5000);
  EXPECT_TRUE(advice.take(0x1000, 0x2000, kMoreComes));
  EXPECT_FALSE(advice.take(0x1000, 0x2000, kMoreComes)) << "given back since";
  EXPECT_TRUE(advice.take(0x3000, 0x5000, kMoreComes));
  EXPECT_TRUE(advice.empty());
}

TEST(FreeAdvice, WhereTheLastMappingIsNotRegisteredNothingStays) {
  FreeAdvice advice;
  advice.expect(1, 0x1000, 0x5000);
  EXPECT_TRUE(advice.take(0x1000, 0x2000, kNothingMore));
  EXPECT_TRUE(advice.empty());
  EXPECT_FALSE(advice.take(0x3000, 0x4000, kNothingMore));
}

TEST(FreeAdvice, AThreadThatHasGoneOnHasNone) {
  FreeAdvice advice;
  advice.expect(1, 0x1000, 0x5000);
  advice.expect(2, 0x8000, 0x9000);
  advice.end_call(1);
  EXPECT_FALSE(advice.take(0x1000, 0x5000, kMoreComes));
  EXPECT_TRUE(advice.take(0x8000, 0x9000, kMoreComes));
}

TEST(FreeAdvice, OneThatTheKernelRefusedIsWithdrawn) {
  FreeAdvice advice;
  advice.expect(1, 0x1000, 0x2000);
  advice.expect(1, 0x5000, 0x6000);
  advice.withdraw(1);
  advice.withdraw(3);
  EXPECT_FALSE(advice.take(0x5000, 0x6000, kMoreComes));
  EXPECT_TRUE(advice.take(0x1000, 0x2000, kMoreComes));
}

TEST(FreeAdvice, AMillionCallsWithoutEventsLeaveRoomForTheNext) {
  FreeAdvice advice;
  for (uint64_t i = 0; i < 1'000'000; ++i) advice.expect(static_cast<uint32_t>(i % 10), i << 12, (i + 1) << 12);
  advice.expect(3, 0x1000, 0x2000);
  EXPECT_TRUE(advice.take(0x1000, 0x2000, kMoreComes));
  for (uint32_t tid = 0; tid < 1'000'000; ++tid) advice.expect(tid, 0x1000, 0x2000);
  advice.expect(3, 0x7000, 0x8000);
  EXPECT_TRUE(advice.take(0x7000, 0x8000, kMoreComes));
}

}  // namespace
}  // namespace oomcast::record
