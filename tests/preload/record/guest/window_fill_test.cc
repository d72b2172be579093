// What is known of a window's pages after its answer, over a kernel of the test's own that refuses on demand.
#include "preload/record/guest/window_fill.h"

#include <gtest/gtest.h>

#include "tests/preload/record/fake_channel.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kStart = 0x100000;
constexpr uint64_t at_page(uint64_t number) { return kStart + number * kPage; }

class Fill : public testing::Test {
 protected:
  FaultResult answer(WindowFill& fill) { return carry_out(fill, channel, pages, true, &filled); }
  static WindowFill window(WindowFill::Kind kind, uint64_t count) {
    return {kStart, kStart, at_page(count), kind, 0, false, 1};
  }
  FakeChannel channel;
  PageStates pages;
  uint64_t filled = 0;
};

TEST_F(Fill, PagesBesideTheOneThatIsWaitedForArePrefilled) {
  WindowFill fill = window(WindowFill::Kind::kFill, 4);
  EXPECT_EQ(answer(fill), FaultResult::kDone);
  EXPECT_EQ(filled, 4u);
  EXPECT_FALSE(pages.test(PageBit::kPrefilled, kStart));
  EXPECT_TRUE(pages.test(PageBit::kPrefilled, at_page(3)));
  EXPECT_TRUE(channel.woken.contains(kStart));
}

TEST_F(Fill, AFillThatWasRefusedAndIsTriedAgainLeavesTouchedPagesTouched) {
  WindowFill fill = window(WindowFill::Kind::kFill, 4);
  channel.refusals = {FaultResult::kRetry};
  EXPECT_EQ(answer(fill), FaultResult::kRetry);
  EXPECT_TRUE(pages.blank(at_page(1)));
  pages.touch(at_page(1));  // by another thread, before its page has come
  EXPECT_EQ(answer(fill), FaultResult::kDone);
  EXPECT_TRUE(pages.test(PageBit::kTouched, at_page(1)));
  EXPECT_FALSE(pages.test(PageBit::kPrefilled, at_page(1)));
}

TEST_F(Fill, ZeroPagesThatCouldNotBeArmedAreArmedBeforeAnybodyIsWoken) {
  WindowFill fill = window(WindowFill::Kind::kZero, 4);
  channel.refusals = {FaultResult::kDone, FaultResult::kRetry};
  EXPECT_EQ(answer(fill), FaultResult::kRetry);
  EXPECT_TRUE(channel.woken.empty());
  EXPECT_FALSE(pages.test(PageBit::kZero, kStart));
  EXPECT_EQ(answer(fill), FaultResult::kDone);
  EXPECT_TRUE(channel.armed.contains(at_page(3)));
  EXPECT_TRUE(channel.woken.contains(kStart));
  EXPECT_TRUE(pages.test(PageBit::kZero, at_page(3)));
}

TEST_F(Fill, AWindowOverTheMappingsEndBringsThePageAlone) {
  WindowFill fill = window(WindowFill::Kind::kFill, 4);
  channel.mapped_end = at_page(2);
  EXPECT_EQ(answer(fill), FaultResult::kDone);
  EXPECT_EQ(channel.there, std::set<uint64_t>{kStart});
}

TEST_F(Fill, WithoutMemoryNothingIsTakenForThere) {
  WindowFill fill = window(WindowFill::Kind::kFill, 4);
  channel.refusals = {FaultResult::kNoMemory};
  EXPECT_EQ(answer(fill), FaultResult::kNoMemory);
  EXPECT_EQ(filled, 0u);
  for (uint64_t i = 0; i < 4; ++i) EXPECT_TRUE(pages.blank(at_page(i)));
}

}  // namespace
}  // namespace oomcast::record
