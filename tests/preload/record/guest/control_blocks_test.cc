// Which pages hold the control blocks of a process's threads, and when the kernel is asked again.
#include "preload/record/guest/control_blocks.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <thread>

#include "preload/record/kernel/clocks.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kMillisecondNs = 1'000'000;
constexpr uint32_t kPid = 42;

class ControlBlocksTest : public testing::Test {
 protected:
  std::optional<std::vector<uint64_t>> heads = std::vector<uint64_t>{0x7000'1000 + 736};
  uint64_t last_number = 100;
  int asked = 0;
  ControlBlocks blocks{{[this](uint32_t) {
                          ++asked;
                          return heads;
                        },
                        [this] { return last_number; }}};
};

TEST_F(ControlBlocksTest, TheBlockLiesAroundTheHeadOfTheList) {
  EXPECT_TRUE(blocks.refresh(kPid, kMillisecondNs));
  EXPECT_TRUE(blocks.holds(0x7000'1000));
  EXPECT_TRUE(blocks.holds(0x7000'0000)) << "where the block begins is known to some hundred bytes only";
  EXPECT_FALSE(blocks.holds(0x7000'2000));
}

TEST_F(ControlBlocksTest, ABlockMayReachIntoTheNextPage) {
  heads = std::vector<uint64_t>{0x7000'1f00};
  EXPECT_TRUE(blocks.refresh(kPid, kMillisecondNs));
  EXPECT_TRUE(blocks.holds(0x7000'1000));
  EXPECT_TRUE(blocks.holds(0x7000'2000));
}

TEST_F(ControlBlocksTest, TheKernelIsAskedAgainWhereAThreadWasMadeAnywhere) {
  for (int ms = 1; ms <= 5; ++ms) blocks.refresh(kPid, ms * kMillisecondNs);
  const int asked_before = asked;
  blocks.refresh(kPid, 6 * kMillisecondNs);
  EXPECT_EQ(asked, asked_before);
  ++last_number;
  heads->push_back(0x7100'1800);
  blocks.refresh(kPid, 7 * kMillisecondNs);
  EXPECT_EQ(asked, asked_before + 1);
  EXPECT_TRUE(blocks.holds(0x7100'1000));
}

TEST_F(ControlBlocksTest, AThreadThatWasNumberedAndNotYetListedIsFoundAMomentLater) {
  blocks.refresh(kPid, 10 * kMillisecondNs);
  heads->push_back(0x7100'1800);
  blocks.refresh(kPid, 11 * kMillisecondNs);
  EXPECT_TRUE(blocks.holds(0x7100'1000));
}

TEST_F(ControlBlocksTest, AThreadWithoutAListMayHaveItsNumberAnywhere) {
  heads.reset();
  EXPECT_FALSE(blocks.refresh(kPid, kMillisecondNs));
  heads = std::vector<uint64_t>{0x7000'1400};
  EXPECT_TRUE(blocks.refresh(kPid, 2 * kMillisecondNs));
}

TEST(ControlBlocksOfThisProcess, EveryThreadsBlockIsKnown) {
  ControlBlocks blocks;
  std::thread([&] {
    ASSERT_TRUE(blocks.refresh(static_cast<uint32_t>(::getpid()), monotonic_ns()));
    EXPECT_TRUE(blocks.holds(page_down(static_cast<uint64_t>(::pthread_self()))));
  }).join();
  EXPECT_TRUE(blocks.holds(page_down(static_cast<uint64_t>(::pthread_self()))));
}

}  // namespace
}  // namespace oomcast::record
