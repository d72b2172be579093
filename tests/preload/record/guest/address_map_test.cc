// Mappings of one process: split, replaced and joined. A property recounts them page by page.
#include "preload/record/guest/address_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace oomcast::record {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr uint64_t kPageBytesHere = 4096, kHuge = uint64_t{2} << 20;

Area area(uint64_t start, uint64_t end) {
  Area made;
  made.start = start;
  made.end = end;
  made.writable = made.anonymous = true;
  return made;
}

TEST(AddressMap, FindsTheAreaOfAnAddress) {
  AddressMap map;
  map.insert(area(0x1000, 0x3000));
  EXPECT_EQ(map.find(0xfff), nullptr);
  ASSERT_NE(map.find(0x2fff), nullptr);
  EXPECT_EQ(map.find(0x2fff)->start, 0x1000u);
  EXPECT_EQ(map.find(0x3000), nullptr);
}

TEST(AddressMap, AnAreaTakesThePlaceOfWhatItCovers) {
  AddressMap map;
  map.insert(area(0x1000, 0x5000));
  Area readable = area(0x2000, 0x3000);
  readable.writable = false;
  map.insert(readable);
  EXPECT_EQ(map.areas().size(), 3u);
  EXPECT_TRUE(map.find(0x1000)->writable);
  EXPECT_FALSE(map.find(0x2000)->writable);
  EXPECT_EQ(map.find(0x3000)->end, 0x5000u);
}

TEST(AddressMap, AnEmptyAreaIsNone) {
  AddressMap map;
  map.insert(area(0x2000, 0x2000));
  EXPECT_THAT(map.areas(), IsEmpty());
}

TEST(AddressMap, WhatIsTakenOutIsGivenInPieces) {
  AddressMap map;
  map.insert(area(0x1000, 0x3000));
  map.insert(area(0x4000, 0x6000));
  const std::vector<Area> removed = map.remove(0x2000, 0x5000);
  ASSERT_EQ(removed.size(), 2u);
  EXPECT_EQ(removed[0].start, 0x2000u);
  EXPECT_EQ(removed[0].end, 0x3000u);
  EXPECT_EQ(removed[1].end, 0x5000u);
  EXPECT_THAT(map.gaps(0x1000, 0x6000), ElementsAre(Pair(0x2000, 0x5000)));
}

TEST(AddressMap, EqualNeighboursBecomeOneThatCameInSteps) {
  AddressMap map;
  Area first = area(0x1000, 0x2000), second = area(0x2000, 0x3000);
  first.at_once = second.at_once = true;
  first.since_scan = 3;
  second.since_scan = 7;
  map.insert(first);
  map.insert(second);
  map.join(0, 0x10000);
  ASSERT_EQ(map.areas().size(), 1u);
  EXPECT_EQ(map.find(0x1000)->end, 0x3000u);
  EXPECT_FALSE(map.find(0x1000)->at_once);
  EXPECT_EQ(map.find(0x1000)->since_scan, 7u);
}

TEST(AddressMap, NeighboursThatDifferStayApart) {
  AddressMap map;
  map.insert(area(0x1000, 0x2000));
  Area stack = area(0x2000, 0x3000);
  stack.stack = true;
  map.insert(stack);
  map.insert(area(0x4000, 0x5000));  // like the first, and not beside it
  map.join(0, 0x10000);
  EXPECT_EQ(map.areas().size(), 3u);
}

TEST(AddressMap, AHugePageIsPossibleWhereTheMappingWasWholeAtItsFirstTouch) {
  AddressMap map;
  Area whole = area(kHuge, 4 * kHuge);
  whole.at_once = true;
  whole.since_scan = 5;
  map.insert(whole);
  EXPECT_FALSE(map.may_have_grown(2 * kHuge, 5, false)) << "one request has made it whole";
  EXPECT_FALSE(map.may_have_grown(2 * kHuge, 6, false)) << "a scan has seen it whole";
  map.find(2 * kHuge)->at_once = false;
  EXPECT_FALSE(map.may_have_grown(2 * kHuge, 5, false));
  EXPECT_TRUE(map.may_have_grown(2 * kHuge, 5, true)) << "the heap grows by its break";
}

TEST(AddressMap, AReserveBehindAMappingIsWhatItGrowsInto) {
  AddressMap map;
  Area usable = area(kHuge, 2 * kHuge), reserve = area(2 * kHuge, 9 * kHuge);
  usable.since_scan = 5;
  reserve.writable = false;
  map.insert(usable);
  EXPECT_FALSE(map.may_have_grown(kHuge, 5, false));
  map.insert(reserve);
  EXPECT_TRUE(map.may_have_grown(kHuge, 5, false));
  EXPECT_FALSE(map.may_have_grown(8 * kHuge + kPageBytesHere, 5, false)) << "no mapping covers all of it";
}

// Random insertions and removals, against a table of pages.
TEST(AddressMap, AgreesWithATableOfPages) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    AddressMap map;
    std::map<uint64_t, bool> pages;  // writable, by page
    for (int step = 0; step < 60; ++step) {
      const uint64_t start = random() % 64, end = start + random() % 16;
      if (random() % 3 == 0) {
        uint64_t gone = 0, there = 0;
        for (const Area& piece : map.remove(start * kPageBytesHere, end * kPageBytesHere)) gone += piece.bytes();
        for (uint64_t page = start; page < end; ++page) there += pages.erase(page);
        ASSERT_EQ(gone, there * kPageBytesHere);
      } else {
        Area one = area(start * kPageBytesHere, end * kPageBytesHere);
        one.writable = random() % 2 == 0;
        map.insert(one);
        for (uint64_t page = start; page < end; ++page) pages[page] = one.writable;
      }
      if (random() % 4 == 0) map.join(0, 100 * kPageBytesHere);
      uint64_t covered = 0;
      for (uint64_t page = 0; page < 90; ++page) {
        const Area* const found = map.find(page * kPageBytesHere + 17);
        ASSERT_EQ(found != nullptr, pages.contains(page)) << "page " << page;
        if (found != nullptr) {
          ASSERT_EQ(found->writable, pages[page]) << "page " << page;
        }
        covered += found != nullptr ? 1 : 0;
      }
      uint64_t free = 0;
      for (const auto& [from, to] : map.gaps(0, 90 * kPageBytesHere)) free += (to - from) / kPageBytesHere;
      ASSERT_EQ(covered + free, 90u);
    }
  }
}

}  // namespace
}  // namespace oomcast::record
