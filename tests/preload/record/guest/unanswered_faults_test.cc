// A fault is answered, or its memory is let go, within a second, whatever the kernel says and however often.
#include "preload/record/guest/unanswered_faults.h"

#include <gtest/gtest.h>

namespace oomcast::record {
namespace {

using Next = UnansweredFaults::Next;

constexpr uint64_t kPageA = 0x10000, kPageB = 0x20000, kSecondNs = 1'000'000'000, kMillisecondNs = 1'000'000;

WindowFill fault_of(uint32_t tid, uint64_t page = kPageA) {
  WindowFill fill;
  fill.page = fill.start = page;
  fill.end = page + kPage;
  fill.tid = tid;
  return fill;
}

/// Fails a thread's fault with `result` at each try of the recorder's loop, on a clock of the test's own. Returns when
/// the memory was let go, UINT64_MAX if that was not within ten seconds.
uint64_t let_go_after_ns(UnansweredFaults& faults, FaultResult result, uint64_t round_ns) {
  Next next = faults.failed(fault_of(1), result, 0);
  for (uint64_t now = 0; now < 10 * kSecondNs; now += round_ns) {
    if (next == Next::kLetGo) return now;
    if (next == Next::kWake)
      next = faults.failed(fault_of(1), result, now);  // it faults again
    else
      for (const WindowFill& fill : faults.take(now, false)) next = faults.failed(fill, result, now);
  }
  return UINT64_MAX;
}

class NeverAnswered : public testing::TestWithParam<FaultResult> {};

TEST_P(NeverAnswered, ItsMemoryIsLetGoWithinASecond) {
  for (const uint64_t round_ns : {50'000ull, 1'000'000ull, 20'000'000ull, 300'000'000ull}) {
    UnansweredFaults faults;
    EXPECT_LE(let_go_after_ns(faults, GetParam(), round_ns), kSecondNs) << round_ns;
    EXPECT_TRUE(faults.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Results, NeverAnswered,
                         testing::Values(FaultResult::kRetry, FaultResult::kNoMemory, FaultResult::kGone,
                                         FaultResult::kAlreadyThere));

TEST(UnansweredFaults, OneThatIsRefusedForNowIsTriedAgainMoreAndMoreSeldom) {
  UnansweredFaults faults;
  uint64_t now = 0;
  int tries = 1;
  Next next = faults.failed(fault_of(1), FaultResult::kRetry, now);
  while (next == Next::kTryAgain) {
    ASSERT_GT(faults.next_ns(), now) << "tried again without a rest";
    now = faults.next_ns();
    for (const WindowFill& fill : faults.take(now, false)) next = faults.failed(fill, FaultResult::kRetry, now);
    ++tries;
  }
  EXPECT_EQ(next, Next::kLetGo);
  EXPECT_LT(tries, 150) << "the recorder spins";
}

TEST(UnansweredFaults, AnEventThatWasReadMakesThemAllDue) {
  UnansweredFaults faults;
  faults.failed(fault_of(1, kPageA), FaultResult::kRetry, 0);
  faults.failed(fault_of(2, kPageB), FaultResult::kRetry, 0);
  EXPECT_TRUE(faults.take(0, false).empty());
  EXPECT_EQ(faults.take(0, true).size(), 2u);
  EXPECT_TRUE(faults.empty());
  EXPECT_EQ(faults.next_ns(), UINT64_MAX);
}

TEST(UnansweredFaults, ATimeWithoutTriesLetsNothingGo) {
  // The recorder was stopped, or had no CPU.
  UnansweredFaults faults;
  faults.failed(fault_of(1), FaultResult::kRetry, 0);
  const std::vector<WindowFill> due = faults.take(900 * kMillisecondNs, false);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(faults.failed(due[0], FaultResult::kRetry, 900 * kMillisecondNs), Next::kTryAgain);
}

TEST(UnansweredFaults, ThreadsThatMeetAtOnePageAreNoTrouble) {
  // One of a thousand is answered; for the others the page is there already.
  UnansweredFaults faults;
  for (uint32_t tid = 1; tid <= 1000; ++tid)
    EXPECT_EQ(faults.failed(fault_of(tid), FaultResult::kAlreadyThere, tid), Next::kWake) << tid;
}

TEST(UnansweredFaults, AThreadThatWasAnsweredBeginsAnew) {
  UnansweredFaults faults;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(faults.failed(fault_of(1), FaultResult::kAlreadyThere, static_cast<uint64_t>(i) * kMillisecondNs),
              Next::kWake)
        << i;
    faults.answered(1);
  }
}

TEST(UnansweredFaults, AThreadThatWalksOnOverPagesThatAreThereIsNoTrouble) {
  UnansweredFaults faults;
  for (uint64_t i = 0; i < 1000; ++i)
    EXPECT_EQ(faults.failed(fault_of(1, kPageA + i * kPage), FaultResult::kAlreadyThere, i * kMillisecondNs),
              Next::kWake)
        << i;
}

}  // namespace
}  // namespace oomcast::record
