// The smallest value that is enough is found with few questions, whatever is asked at a time; nothing is said that was
// not asked.
#include "report/smallest_enough.h"

#include <gmock/gmock.h>

#include <set>

namespace oomcast::report {
namespace {

/// Answers as `enough` says, and remembers what it was asked.
struct Oracle {
  std::function<bool(int64_t)> enough;
  int answers = 1 << 20;  // after so many there is no time left
  std::vector<int64_t> asked = {};

  Enough ask() {
    return [this](const std::vector<int64_t>& values) {
      std::vector<std::optional<bool>> replies;
      for (int64_t value : values) {
        const bool time_left = static_cast<int>(asked.size()) < answers;
        if (time_left) asked.push_back(value);
        replies.push_back(time_left ? std::optional(enough(value)) : std::nullopt);
      }
      return replies;
    };
  }
};

Oracle above(int64_t edge) {
  return {[edge](int64_t value) { return value >= edge; }};
}

SearchRange from(int64_t fails, int64_t most) {
  SearchRange range;
  range.least = fails;
  range.least_fails = true;
  range.most = most;
  range.granule = 1;
  range.tolerance_permille = 0;
  range.width = 1;
  return range;
}

SearchResult found(const SearchRange& range, Oracle oracle) { return smallest_enough(range, oracle.ask()); }

TEST(SmallestEnough, EveryEdgeIsFoundToTheTolerance) {
  for (int64_t edge : {4097LL, 100000LL, 4096000LL, 123456789LL, 999999999LL}) {
    const SearchResult result = found({4096, 1000000000}, above(edge));
    ASSERT_TRUE(result.smallest && result.below) << edge;
    EXPECT_TRUE(result.finished);
    EXPECT_GE(*result.smallest, edge);
    EXPECT_LT(*result.below, edge);
    EXPECT_LE(*result.smallest - *result.below, std::max<int64_t>(4096, edge / 1000 * 5 + 4096)) << edge;
  }
}

TEST(SmallestEnough, TheResultDoesNotDependOnHowManyAreAskedAtATime) {
  const auto ragged = [](int64_t value) { return value >= 777777 && value % 1000 > 300; };
  for (int64_t guess : {0, 500000, 900000}) {
    SearchRange range = from(1000, 1 << 24);
    range.guess = guess;
    range.spread = 12345;
    const SearchResult one = found(range, {ragged});
    for (int width : {2, 3, 4, 8, 64}) {
      range.width = width;
      const SearchResult many = found(range, {ragged});
      EXPECT_EQ(many.smallest, one.smallest) << guess << " " << width;
      EXPECT_EQ(many.below, one.below) << guess << " " << width;
      EXPECT_EQ(many.given, one.given) << guess << " " << width;
      EXPECT_EQ(many.asked, one.asked) << guess << " " << width;
      EXPECT_EQ(many.uneven, one.uneven) << guess << " " << width;
    }
  }
}

TEST(SmallestEnough, ManyAtATimeTakeFewerRounds) {
  SearchRange range = from(1000, 1 << 24);
  const auto rounds_of = [&](int width) {
    Oracle oracle = above(777777);
    int rounds = 0;
    range.width = width;
    const Enough ask = oracle.ask();
    smallest_enough(range, [&](const std::vector<int64_t>& values) {
      ++rounds;
      return ask(values);
    });
    return rounds;
  };
  EXPECT_LT(rounds_of(3) * 3, rounds_of(1) * 2);
}

TEST(SmallestEnough, NoValueIsAskedTwice) {
  for (int width : {1, 4}) {
    SearchRange range = from(1000, 1 << 20);
    range.width = width;
    Oracle oracle = above(54321);
    smallest_enough(range, oracle.ask());
    EXPECT_EQ(std::set<int64_t>(oracle.asked.begin(), oracle.asked.end()).size(), oracle.asked.size()) << width;
  }
}

TEST(SmallestEnough, AValueThatIsLeftForLaterIsAskedAgain) {
  SearchRange range = from(1000, 1 << 20);
  range.width = 4;
  const SearchResult result = smallest_enough(range, [](const std::vector<int64_t>& values) {
    return std::vector<std::optional<bool>>{values.front() >= 54321};
  });
  EXPECT_EQ(result.smallest, 54321);
}

TEST(SmallestEnough, AGoodGuessTakesFewQuestions) {
  SearchRange range = from(1000, 100000);
  range.granule = 100;
  range.guess = 4100;
  Oracle oracle = above(4096);
  EXPECT_EQ(smallest_enough(range, oracle.ask()).smallest, 4100);
  EXPECT_LE(oracle.asked.size(), 6u);
}

TEST(SmallestEnough, WhatIsKnownToFailIsNeverAsked) {
  Oracle oracle = above(0);
  smallest_enough(from(100, 1000), oracle.ask());
  for (int64_t value : oracle.asked) EXPECT_GT(value, 100);
}

TEST(SmallestEnough, TheLeastValueMayBeEnough) {
  const SearchResult result = found({4096, 1 << 20}, above(0));
  EXPECT_EQ(result.smallest, 4096);
  EXPECT_EQ(result.below, std::nullopt);
  EXPECT_TRUE(result.finished);
}

TEST(SmallestEnough, NotEvenTheLargestMayBeEnough) {
  Oracle oracle = above(5000);
  const SearchResult result = smallest_enough(from(100, 1000), oracle.ask());
  EXPECT_EQ(result.smallest, std::nullopt);
  EXPECT_EQ(result.below, 1000);
  EXPECT_EQ(oracle.asked.back(), 1000);
}

TEST(SmallestEnough, TheSpreadIsAddedAndAsked) {
  SearchRange range = from(100, 1000);
  range.spread = 30;
  Oracle oracle = above(500);
  const SearchResult result = smallest_enough(range, oracle.ask());
  EXPECT_EQ(result.smallest, 500);
  EXPECT_EQ(result.given, 530);
  EXPECT_EQ(oracle.asked.back(), 530);
}

TEST(SmallestEnough, AHoleWhereTheHandedOverValueFailsIsLeftBehind) {
  SearchRange range = from(100, 1000);
  range.spread = 30;
  range.guess = 510;
  const SearchResult result =
      found(range, {[](int64_t value) { return value >= 500 && (value < 520 || value > 560); }});
  EXPECT_EQ(result.smallest, 561);
  EXPECT_EQ(result.given, 591);
  EXPECT_TRUE(result.uneven);
}

TEST(SmallestEnough, AHoleAboveTheAnswerMovesIt) {
  SearchRange range = from(0, 131072);
  range.above_permille = {1020, 1050, 1100, 1250};
  const SearchResult result =
      found(range, {[](int64_t value) { return value >= 10000 && !(value > 10494 && value < 10505); }});
  EXPECT_EQ(result.smallest, 10505);
  EXPECT_TRUE(result.uneven);
}

TEST(SmallestEnough, WithoutTimeItSaysHowFarItGot) {
  SearchRange range = from(100, 10000);
  range.guess = 800;
  Oracle four = above(500);
  four.answers = 4;
  const SearchResult result = smallest_enough(range, four.ask());
  EXPECT_FALSE(result.finished);
  EXPECT_EQ(result.given, result.smallest);
  EXPECT_GE(*result.smallest, 500);
  Oracle none = above(500);
  none.answers = 0;
  EXPECT_EQ(smallest_enough(range, none.ask()).smallest, std::nullopt);
}

TEST(SmallestEnough, TheFirstQuestionIsCountedWhereItIsTheLast) {
  SearchRange range = from(100, 1000);
  range.least_fails = false;
  const SearchResult result = found(range, above(50));
  EXPECT_EQ(result.smallest, 100);
  EXPECT_EQ(result.asked, 1);
}

}  // namespace
}  // namespace oomcast::report
