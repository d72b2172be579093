// Tests that places in lists keep to their own list and count as numbers do.
#include "model/base/index.h"

#include <gtest/gtest.h>

#include <type_traits>
#include <vector>

namespace oomcast {
namespace {

using Shelf = Index<struct ShelfTag, int8_t>;
using Drawer = Index<struct DrawerTag, int8_t>;
enum class Colour : uint8_t { kRed, kGreen };

template <class List, class Place>
constexpr bool can_look_up = requires(List list, Place place) {
  list[place];
};

TEST(Index, OpensItsOwnListAndNoOther) {
  static_assert(can_look_up<IndexVector<Shelf, int>, Shelf>);
  static_assert(!can_look_up<IndexVector<Shelf, int>, Drawer>);
  static_assert(!std::is_convertible_v<Shelf, int>);
  IndexVector<Shelf, int> books{10, 20};
  EXPECT_EQ(books[0], 10);
  EXPECT_EQ(books[Shelf::from(size_t{1})], 20);
}

TEST(Index, VisitsAllPlacesInOrder) {
  const IndexVector<Shelf, int> books{10, 20, 30};
  std::vector<int> seen;
  for (const Shelf shelf : books.indices()) seen.push_back(shelf.value() * 100 + books[shelf]);
  EXPECT_EQ(seen, (std::vector<int>{10, 120, 230}));
  EXPECT_EQ(books.last().value(), 2);
  EXPECT_EQ(books.index_of(*(books.begin() + 1)).value(), 1);
}

TEST(Index, KnowsThePlaceThatIsNone) {
  constexpr Shelf none = -1;
  EXPECT_LT(none, Shelf());
  EXPECT_FALSE((IndexVector<Shelf, int>{1, 2}.contains(none)));
  EXPECT_TRUE((IndexVector<Shelf, int>{1, 2}.contains(1)));
  EXPECT_FALSE((IndexVector<Shelf, int>{1, 2}.contains(2)));
}

TEST(Index, AddressesAnArrayByAnEnumeration) {
  IndexArray<Colour, int, 2> paint;
  paint[Colour::kGreen] = 7;
  int sum = 0;
  for (const Colour colour : paint.indices()) sum += paint[colour] + static_cast<int>(colour);
  EXPECT_EQ(sum, 8);
}

}  // namespace
}  // namespace oomcast
