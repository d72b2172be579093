// Tests which limits a program that sizes itself is shown, with programs that are a line of arithmetic.
#include "report/fit/self_sizing.h"

#include <gtest/gtest.h>

#include <functional>

namespace oomcast::report {
namespace {

constexpr int64_t kMiB = 1 << 20, kNoLimit = int64_t{1} << 40;

/// Needs so much when it is shown that limit; nothing: it ends otherwise than without a limit.
using SizedProgram = std::function<std::optional<int64_t>(int64_t shown)>;

SelfSizing settle(const SizedProgram& needs) {
  SelfSizing sizing(*needs(kNoLimit));
  while (const auto limit = sizing.next()) sizing.note(*limit, needs(*limit));
  return sizing;
}

/// 40 MiB and a part of the limit in per cent, at most 300 MiB.
SizedProgram takes_part(int percent) {
  return [percent](int64_t shown) { return 40 * kMiB + std::min(300 * kMiB, shown / 100 * percent); };
}

TEST(SelfSizing, FindsTheLimitThatTheProgramNeedsWhenItIsShownIt) {
  for (const int percent : {10, 25, 50, 60, 75}) {
    const SelfSizing found = settle(takes_part(percent));
    const int64_t right = 40 * kMiB * 100 / (100 - percent);
    EXPECT_TRUE(found.settled()) << percent << " %";
    EXPECT_NEAR(static_cast<double>(found.answer()) / static_cast<double>(right), 1, 0.05) << percent << " %";
    EXPECT_GE(found.answer() + 4096, right) << "smaller than what it needs";
  }
}

TEST(SelfSizing, AProgramThatOnlyAsksIsRecordedTwice) {
  const SelfSizing found = settle([](int64_t) { return 100 * kMiB; });
  EXPECT_TRUE(found.settled());
  EXPECT_EQ(found.answer(), 100 * kMiB);
  EXPECT_EQ(found.recordings(), 2);
}

TEST(SelfSizing, AProgramThatNeedsAlittleMoreThisTimeIsRecordedTwice) {
  const SelfSizing found = settle([](int64_t shown) { return shown == kNoLimit ? 100 * kMiB : 101 * kMiB; });
  EXPECT_TRUE(found.settled());
  EXPECT_EQ(found.answer(), 101 * kMiB);
  EXPECT_EQ(found.recordings(), 2);
}

TEST(SelfSizing, ALimitUnderWhichTheProgramGivesUpIsNotEnough) {
  const SelfSizing found = settle([](int64_t shown) -> std::optional<int64_t> {
    if (shown < 180 * kMiB) return std::nullopt;
    return 60 * kMiB + std::min(300 * kMiB, shown / 2);
  });
  EXPECT_GE(found.answer(), 60 * kMiB + 90 * kMiB);
  EXPECT_LE(found.answer(), 190 * kMiB);
}

/// Needs 60 MiB whatever it is shown, and ends with an error of its own under less than so much.
SizedProgram gives_up_below(int64_t least) {
  return [least](int64_t shown) { return shown < least ? std::nullopt : std::optional<int64_t>(60 * kMiB); };
}

TEST(SelfSizing, AProgramThatGivesUpFarAboveItsNeedGetsTheLimitUnderWhichItDoesNot) {
  // Java with its default heap of a part of the limit. The need was taken for the answer once.
  for (const int64_t least : {66 * kMiB, 81 * kMiB, 120 * kMiB, 200 * kMiB, 240 * kMiB}) {
    const SelfSizing found = settle(gives_up_below(least));
    EXPECT_GE(found.answer(), least);
    EXPECT_LE(found.answer(), least * 104 / 100);
    EXPECT_TRUE(found.gives_up_at());
  }
}

TEST(SelfSizing, AProgramThatGivesUpUnderAnyLimitHasNoAnswerThatIsSettled) {
  const SelfSizing found = settle(gives_up_below(kNoLimit));
  EXPECT_FALSE(found.settled());
}

TEST(SelfSizing, ThereIsAnEndWhateverTheProgramDoes) {
  int64_t turn = 0;
  const SelfSizing found = settle([&turn](int64_t shown) -> std::optional<int64_t> {
    return shown == kNoLimit ? 100 * kMiB : ++turn % 2 == 0 ? shown * 2 : shown / 2;
  });
  EXPECT_LE(found.recordings(), SelfSizing::kMostRecordings);
}

}  // namespace
}  // namespace oomcast::report
