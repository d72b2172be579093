// What --vary says is read as ranges and lists, and combined with the last variation fastest.
#include "report/variation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oomcast::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> values(const std::string& text) {
  auto variation = parse_variation(text);
  EXPECT_TRUE(variation.ok()) << variation.error().message;
  return variation.ok() ? variation->values : std::vector<std::string>{};
}

TEST(Variation, ARangeOfSizesDoubles) { EXPECT_THAT(values("memory=1G..8G"), ElementsAre("1G", "2G", "4G", "8G")); }
TEST(Variation, AStepAdds) { EXPECT_THAT(values("memory=512M..2G:512M"), ElementsAre("512M", "1G", "1536M", "2G")); }
TEST(Variation, PlainNumbersStayPlain) {
  EXPECT_THAT(values("vm.swappiness=0..100:50"), ElementsAre("0", "50", "100"));
  EXPECT_THAT(values("vm.min_free_kbytes=1024..4096"), ElementsAre("1024", "2048", "4096"));
}
TEST(Variation, AListIsTakenAsItIs) { EXPECT_THAT(values("vm.swappiness=0,60,100"), ElementsAre("0", "60", "100")); }

TEST(Variation, MistakesAreNamed) {
  for (const std::string text : {"memory", "=1", "memory=", "memory=1,,2", "memory=4G..1G", "memory=x..1G",
                                 "memory=0..1G", "memory=1G..2G:0", "memory=1..64T:1"})
    EXPECT_THAT(parse_variation(text).ok() ? "" : parse_variation(text).error().message,
                HasSubstr("--vary " + text + ": "));
}

TEST(Variation, AHostIsAPathAndNeverARange) {
  EXPECT_THAT(values("host=../a.json,../b.json"), ElementsAre("../a.json", "../b.json"));
}

TEST(Combinations, AreNumberedWithTheLastVariationFastest) {
  auto all = Combinations::of({{"host", {"a", "b"}}, {"memory", {"1G", "2G", "4G"}}});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->count(), 6u);
  EXPECT_THAT(all->values(0), ElementsAre("a", "1G"));
  EXPECT_THAT(all->values(2), ElementsAre("a", "4G"));
  EXPECT_THAT(all->values(3), ElementsAre("b", "1G"));
  EXPECT_EQ(all->host_at(), 0u);
}

TEST(Combinations, OfNothingAreOne) {
  auto one = Combinations::of({});
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(one->count(), 1u);
  EXPECT_TRUE(one->values(0).empty());
}

TEST(Combinations, TooManyAreRefused) {
  const std::vector<std::string> many(200, "1");
  EXPECT_FALSE(Combinations::of({{"a", many}, {"b", many}}).ok());
}

}  // namespace
}  // namespace oomcast::report
