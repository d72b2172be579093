// Tests that the search finds the smallest value that is enough, also where the answers are uneven.
#include "report/fit/search.h"

#include <gmock/gmock.h>

namespace oomcast::report {
namespace {

using testing::HasSubstr;

Enough above(int64_t edge) {
  return [edge](const std::vector<int64_t>& values) -> Result<std::vector<bool>> {
    std::vector<bool> answers;
    for (int64_t value : values) answers.push_back(value >= edge);
    return answers;
  };
}

SearchResult found(const SearchRange& range, const Enough& enough) {
  auto result = smallest_enough(range, enough);
  EXPECT_TRUE(result.ok()) << result.error().message;
  return result.ok() ? result.value() : SearchResult{};
}

TEST(Search, EveryEdgeIsFoundToTheTolerance) {
  for (int64_t edge : {4097LL, 100000LL, 4096000LL, 123456789LL, 999999999LL}) {
    SearchResult result = found({4096, 1000000000, 4096, 5, 2}, above(edge));
    ASSERT_TRUE(result.smallest && result.below) << edge;
    EXPECT_GE(*result.smallest, edge);
    EXPECT_LT(*result.below, edge);
    EXPECT_LE(*result.smallest - *result.below, std::max<int64_t>(4096, edge / 1000 * 5 + 4096)) << edge;
  }
}

TEST(Search, TheAnswerDoesNotDependOnHowManyAreAskedAtATime) {
  for (int width : {1, 2, 3, 8}) {
    SearchResult result = found({0, 1 << 20, 1, 0, width}, above(777777));
    EXPECT_EQ(result.smallest, 777777) << width;
    EXPECT_EQ(result.below, 777776) << width;
  }
}

TEST(Search, TheLeastValueMayBeEnough) {
  SearchResult result = found({4096, 1 << 20, 4096, 5, 2}, above(0));
  EXPECT_EQ(result.smallest, 4096);
  EXPECT_EQ(result.below, std::nullopt);
}

TEST(Search, NotEvenTheLargestMayBeEnough) {
  EXPECT_EQ(found({4096, 1 << 20, 4096, 5, 2}, above(1 << 30)).smallest, std::nullopt);
}

TEST(Search, AHoleAboveTheAnswerMovesIt) {
  const Enough uneven = [](const std::vector<int64_t>& values) -> Result<std::vector<bool>> {
    std::vector<bool> answers;
    for (int64_t value : values) answers.push_back(value >= 10000 && !(value > 10494 && value < 10505));
    return answers;
  };
  SearchResult result = found({0, 131072, 1, 0, 1}, uneven);
  ASSERT_TRUE(result.smallest);
  EXPECT_TRUE(result.uneven);
  EXPECT_EQ(*result.smallest, 10505);
}

TEST(Search, AnErrorEndsIt) {
  auto result = smallest_enough({0, 100, 1, 0, 2}, [](const std::vector<int64_t>&) -> Result<std::vector<bool>> {
    return Error{"the trace is damaged"};
  });
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("damaged"));
}

TEST(Search, ARangeThatIsNoneIsAnError) {
  EXPECT_FALSE(smallest_enough({10, 5, 1, 0, 2}, above(1)).ok());
  EXPECT_FALSE(smallest_enough({0, 5, 0, 0, 2}, above(1)).ok());
}

}  // namespace
}  // namespace oomcast::report
