// The smallest value that is enough is found with few questions, and nothing is said that was not asked.
#include "report/proof/value_search.h"

#include <gtest/gtest.h>

#include <vector>

namespace oomcast::report {
namespace {

/// Everything from `enough` on is enough.
struct Threshold {
  int64_t enough = 0;
  int answers = 1 << 20;  // after so many there is no time left
  std::vector<int64_t> asked = {};
  AskValue ask() {
    return [this](int64_t value) -> std::optional<bool> {
      if (static_cast<int>(asked.size()) == answers) return std::nullopt;
      asked.push_back(value);
      return value >= enough;
    };
  }
};

SearchedValue from(int64_t now, int64_t most, int64_t step = 1, int64_t guess = 0) {
  SearchedValue search;
  search.name = search.key = "memory.max";
  search.now = now;
  search.most = most;
  search.step = step;
  search.guess = guess;
  search.tolerance_permille = 0;
  return search;
}

TEST(ValueSearch, FindsTheThresholdToAStep) {
  for (int64_t enough : {101, 150, 777, 1000}) {
    Threshold threshold{enough};
    const FoundValue found = find_value(from(100, 1000), threshold.ask());
    EXPECT_EQ(found.smallest, enough);
    EXPECT_EQ(found.below, enough - 1);
    EXPECT_EQ(found.given, enough);
    EXPECT_TRUE(found.finished);
  }
}

TEST(ValueSearch, AGoodGuessTakesThreeQuestions) {
  Threshold threshold{4096};
  const FoundValue found = find_value(from(1000, 100000, 100, 4100), threshold.ask());
  EXPECT_EQ(found.smallest, 4100);
  EXPECT_LE(threshold.asked.size(), 6u);
}

TEST(ValueSearch, WhatWorksNowIsNeverAsked) {
  Threshold threshold{0};
  find_value(from(100, 1000), threshold.ask());
  for (int64_t value : threshold.asked) EXPECT_GT(value, 100);
}

TEST(ValueSearch, NothingIsEnough) {
  Threshold threshold{5000};
  const FoundValue found = find_value(from(100, 1000), threshold.ask());
  EXPECT_FALSE(found.smallest);
  EXPECT_EQ(threshold.asked.back(), 1000);
}

TEST(ValueSearch, TheSpreadIsAddedAndAsked) {
  Threshold threshold{500};
  SearchedValue search = from(100, 1000);
  search.spread = 30;
  const FoundValue found = find_value(search, threshold.ask());
  EXPECT_EQ(found.smallest, 500);
  EXPECT_EQ(found.given, 530);
  EXPECT_EQ(threshold.asked.back(), 530);
}

TEST(ValueSearch, AHoleWhereTheGivenValueFailsIsLeftBehind) {
  SearchedValue search = from(100, 1000);
  search.spread = 30;
  const FoundValue found = find_value(search, [](int64_t value) -> std::optional<bool> { return value >= 500 && (value < 520 || value > 560); });
  ASSERT_TRUE(found.given);
  EXPECT_GT(*found.smallest, 560);
}

TEST(ValueSearch, WithoutTimeItSaysHowFarItGot) {
  Threshold threshold{500, 4};
  const FoundValue found = find_value(from(100, 10000, 1, 800), threshold.ask());
  EXPECT_FALSE(found.finished);
  EXPECT_EQ(found.given, found.smallest);
  EXPECT_GE(*found.smallest, 500);
  Threshold none{500, 0};
  EXPECT_FALSE(find_value(from(100, 10000), none.ask()).smallest);
}

TEST(ValueSearch, TheLargestLimitThatProtectsOthers) {
  SearchedValue search = from(1000, 10, 10);
  search.largest = true;
  const FoundValue found = find_value(search, [](int64_t value) -> std::optional<bool> { return value <= 437; });
  EXPECT_EQ(found.smallest, 430);
  EXPECT_EQ(found.below, 440);
}

}  // namespace
}  // namespace oomcast::report
