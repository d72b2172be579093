// Parts divide a sweep without a gap and without an overlap, and are named as people and engines name them.
#include "report/fleet/part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oomcast::report {
namespace {

using testing::HasSubstr;

TEST(Part, IsWrittenAsKOfN) {
  auto part = parse_part("3/10");
  ASSERT_TRUE(part.ok());
  EXPECT_EQ(part->number, 3u);
  EXPECT_EQ(part->parts, 10u);
}

TEST(Part, MistakesAreNamed) {
  for (const std::string text : {"", "3", "/", "3/", "/3", "0/3", "4/3", "1/0", "-1/3", "1/3x", "1 /3", "a/b", "1/2/3",
                                 "99999999999999999999999/3"})
    EXPECT_THAT(parse_part(text).ok() ? "" : parse_part(text).error().message, HasSubstr("--part " + text + ": "));
}

TEST(Part, EveryCombinationIsInOnePartAndNoPartIsEmpty) {
  for (size_t combinations = 1; combinations <= 40; ++combinations)
    for (size_t parts = 1; parts <= combinations; ++parts) {
      size_t next = 0;
      for (size_t number = 1; number <= parts; ++number) {
        const SweepRange range = range_of({number, parts}, combinations);
        EXPECT_EQ(range.first, next);
        EXPECT_GE(range.count, combinations / parts);
        EXPECT_LE(range.count, combinations / parts + 1);
        next += range.count;
      }
      EXPECT_EQ(next, combinations);
    }
}

TEST(Part, NumbersThatFollowEachOtherAreARange) {
  EXPECT_EQ(numbers_text({}), "");
  EXPECT_EQ(numbers_text({4}), "4");
  EXPECT_EQ(numbers_text({1, 3, 4, 5, 9, 10}), "1,3-5,9-10");
}

TEST(Part, ThereAreNeverMoreThanAnArrayMayHave) {
  EXPECT_EQ(default_parts(1), 1u);
  EXPECT_EQ(default_parts(64), 7u);
  EXPECT_EQ(default_parts(10000), 1000u);
}

}  // namespace
}  // namespace oomcast::report
