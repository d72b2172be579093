// Page tables keep where each page of a process is. Page tables that are folded say the same as open ones.
#include "model/host/address_space.h"

#include <gtest/gtest.h>

#include <vector>

namespace oomcast::host {
namespace {

struct PageTables : testing::Test {
  AddressSpace space;
  void map(uint64_t vpn, Pte pte) {
    space.add_tables(vpn);
    space.set(vpn, pte);
  }
  void fold() {
    for (int i = 0; i < 100; ++i) space.fold();
  }
  bool open(uint64_t vpn) { return space.leaf(vpn)->ptes.is_open(); }
};

TEST_F(PageTables, AnEntryIsWhatWasPutThere) {
  EXPECT_TRUE(Pte::none().is_none());
  EXPECT_TRUE(Pte::zero_page().is_zero_page());
  EXPECT_TRUE(Pte::present(0).is_present());
  EXPECT_EQ(Pte::present(0x7ffffffd).page(), 0x7ffffffdu);
  EXPECT_TRUE(Pte::present(0x7ffffffd).is_present());
  EXPECT_TRUE(Pte::swapped(0).is_swapped());
  EXPECT_EQ(Pte::swapped(0x7fffffff).slot(), 0x7fffffffu);
}

TEST_F(PageTables, OfPagesInARowAreFoldedAndSayTheSame) {
  for (uint32_t i = 0; i < 512; ++i)
    map(i, i < 300 ? Pte::present(1000 + i) : i < 400 ? Pte::zero_page() : Pte::swapped(900 - i));
  fold();
  EXPECT_FALSE(open(0));
  EXPECT_EQ(space.get(299).page(), 1299u);
  EXPECT_TRUE(space.get(399).is_zero_page());
  EXPECT_EQ(space.get(511).slot(), 389u);
  space.set(5, Pte::none());
  EXPECT_TRUE(open(0)) << "an entry was written";
  EXPECT_EQ(space.get(6).page(), 1006u);
  EXPECT_EQ(space.get(511).slot(), 389u);
}

TEST_F(PageTables, ThatAreMixedUpStayOpen) {
  for (uint32_t i = 0; i < 512; ++i) map(i, Pte::present(i * 7 % 512));
  fold();
  EXPECT_TRUE(open(0));
}

TEST_F(PageTables, AreReadWithoutUnfolding) {
  for (uint32_t i = 0; i < 512; i += 2) map(i + 10 * 512, Pte::present(i / 2));
  for (uint32_t i = 0; i < 100; ++i) map(i, Pte::present(1000 + i));
  fold();
  std::vector<uint64_t> vpns;
  for (const uint64_t vpn : space.used(50, 10 * 512 + 4)) vpns.push_back(vpn);
  EXPECT_EQ(vpns.size(), 52u);
  EXPECT_EQ(vpns.front(), 50u);
  EXPECT_EQ(vpns.back(), 10u * 512 + 2);
  EXPECT_FALSE(open(0));
}

TEST_F(PageTables, ThatAreEmptiedGo) {
  for (uint32_t i = 0; i < 100; ++i) map(i, Pte::present(1000 + i));
  fold();
  uint64_t seen = 0;
  space.for_each(0, 512, [&](uint64_t vpn, Pte& pte) {
    seen += pte.page() == 1000 + vpn ? 1 : 0;
    pte = Pte::none();
  });
  EXPECT_EQ(seen, 100u);
  EXPECT_EQ(space.drop_empty_tables(0, 512), 3);
  fold();
  EXPECT_FALSE(space.has_leaf(0));
}

}  // namespace
}  // namespace oomcast::host
