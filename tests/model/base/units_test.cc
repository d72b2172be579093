// The unit types keep pages, bytes and nanoseconds apart.
#include "model/base/units.h"

#include <gtest/gtest.h>

#include <functional>
#include <type_traits>

namespace oomcast {
namespace {

using namespace literals;

TEST(Units, PagesAndBytesDoNotMix) {
  static_assert(!std::is_convertible_v<Pages, Bytes>);
  static_assert(!std::is_convertible_v<int64_t, Pages>);
  static_assert(!std::is_invocable_v<std::plus<>, Pages, Bytes>);
}

TEST(Units, AGibibyteIs262144Pages) {
  EXPECT_EQ(to_pages(1_GiB), 262144_pages);
  EXPECT_EQ(to_bytes(262144_pages), 1_GiB);
}

TEST(Units, ARestOfLessThanAPageIsDropped) { EXPECT_EQ(to_pages(Bytes(8191)), 1_pages); }

TEST(Units, DividingTwoQuantitiesGivesAPlainNumber) { EXPECT_EQ(10_pages / 3_pages, 3); }

TEST(Units, SecondsAreNanoseconds) { EXPECT_EQ((2_s).count(), 2'000'000'000); }

TEST(Units, QuantitiesAreOrdered) {
  EXPECT_LT(3_pages, 4_pages);
  EXPECT_EQ(-(3_pages) + 3_pages, Pages());
}

TEST(Units, ANodeIdIsNoNodeUntilItIsSet) { EXPECT_LT(NodeId{}, NodeId{0}); }

}  // namespace
}  // namespace oomcast
