// A Result carries either its value or its sentence.
#include "model/base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace oomcast {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error{std::to_string(number) + " is odd, try an even number"};
  return number / 2;
}

Result<void> need_even(int number) {
  if (auto result = half(number); !result) return result.error();
  return {};
}

TEST(Result, HoldsTheValueWhenItWorked) {
  const auto result = half(8);
  ASSERT_TRUE(result);
  EXPECT_EQ(result.value(), 4);
}

TEST(Result, HoldsTheSentenceWhenItDidNot) {
  const auto result = half(7);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message, "7 is odd, try an even number");
}

TEST(Result, AnErrorTravelsThroughAStepThatGivesNothingBack) {
  EXPECT_TRUE(need_even(2));
  EXPECT_EQ(need_even(3).error().message, "3 is odd, try an even number");
}

TEST(Result, AMoveOnlyValueCanBeTakenOut) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 5);
}

}  // namespace
}  // namespace oomcast
