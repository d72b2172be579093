// The pages are counted right when ranges are cleared and moved.
#include "preload/record/guest/page_states.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "preload/record/guest/address_map.h"
#include "preload/record/kernel/proc_maps.h"

namespace oomcast::record {
namespace {

TEST(PageStates, ClearingARangeForgetsOnlyIt) {
  PageStates pages;
  for (uint64_t at = 0x10000000; at < 0x10000000 + 4096 * 1000; at += 4096) EXPECT_TRUE(pages.touch(at));
  pages.clear(0x10000000 + 4096 * 100, 0x10000000 + 4096 * 900);
  EXPECT_EQ(pages.count(PageBit::kTouched), 200u);
  EXPECT_TRUE(pages.test(PageBit::kTouched, 0x10000000 + 4096 * 99));
  EXPECT_FALSE(pages.test(PageBit::kTouched, 0x10000000 + 4096 * 100));
  EXPECT_TRUE(pages.test(PageBit::kTouched, 0x10000000 + 4096 * 900));
}

TEST(PageStates, ARangeIsTouchedAsItsPagesWouldBeOneByOne) {
  for (const auto& [from, to] :
       {std::pair<uint64_t, uint64_t>{3, 5}, {0, 64}, {63, 65}, {60, 700}, {511, 513}, {512, 1024}}) {
    PageStates one_by_one, at_once;
    for (PageStates* pages : {&one_by_one, &at_once})
      for (uint64_t at = 0; at < 1100; at += 3) pages->become(at % 2 ? PageBit::kZero : PageBit::kPrefilled, at * 4096);
    for (uint64_t at = from; at < to; ++at) one_by_one.touch(at * 4096);
    at_once.touch(from * 4096, to * 4096);
    for (const PageBit bit : {PageBit::kTouched, PageBit::kPrefilled, PageBit::kZero}) {
      EXPECT_EQ(at_once.count(bit), one_by_one.count(bit)) << from;
      for (uint64_t at = 0; at < 1100; ++at)
        ASSERT_EQ(at_once.test(bit, at * 4096), one_by_one.test(bit, at * 4096)) << from << " page " << at;
    }
  }
}

TEST(PageStates, CountsWhatLiesInARange) {
  PageStates pages;
  pages.touch(0x200000 - 3 * 4096, 0x200000 + 70 * 4096);
  EXPECT_EQ(pages.count(PageBit::kTouched, 0, 0x40000000), 73u);
  EXPECT_EQ(pages.count(PageBit::kTouched, 0x200000, 0x200000 + 65 * 4096), 65u);
  EXPECT_EQ(pages.count(PageBit::kTouched, 0x200000 - 4096, 0x200000 + 4096), 2u);
  EXPECT_EQ(pages.count(PageBit::kForked, 0, 0x40000000), 0u);
  EXPECT_EQ(pages.count(PageBit::kTouched, 0x200000, 0x200000), 0u);
}

TEST(PageStates, MovesWithTheMapping) {
  PageStates pages;
  pages.touch(0x200000);
  pages.set(PageBit::kPrefilled, 0x201000, true);
  pages.move(0x200000, 0x70000000, 0x10000);
  EXPECT_TRUE(pages.blank(0x200000));
  EXPECT_TRUE(pages.test(PageBit::kTouched, 0x70000000));
  EXPECT_TRUE(pages.test(PageBit::kPrefilled, 0x70001000));
  EXPECT_EQ(pages.count(PageBit::kTouched), 1u);
}

TEST(PageStates, APrefilledPageOfAStoppedWalkIsNeitherBlankNorUnseen) {
  PageStates pages;
  pages.set(PageBit::kPrefilledArmed, 0x5000, true);
  EXPECT_FALSE(pages.blank(0x5000));
  int unseen = 0;
  pages.for_each_unseen(0x5000, 0x6000, [&](uint64_t, uint64_t) { ++unseen; });
  EXPECT_EQ(unseen, 0);
  EXPECT_TRUE(pages.touch(0x5000));
  EXPECT_EQ(pages.count(PageBit::kPrefilledArmed), 0u);
}

TEST(PageStates, UnseenRunsAreTheGapsInOrderBetweenWhateverBounds) {
  PageStates pages;
  std::set<uint64_t> seen;
  for (const uint64_t page : {0u, 5u, 63u, 64u, 130u, 511u, 512u, 513u, 700u, 3000u}) seen.insert(page);
  for (uint64_t page = 1024; page < 1024 + 192; ++page) seen.insert(page);  // whole words
  for (const uint64_t page : seen)
    pages.set(page % 2 == 0 ? PageBit::kTouched : PageBit::kPrefilled, page * 4096, true);
  for (const auto& [from, to] :
       {std::pair<uint64_t, uint64_t>{0, 4000}, {1, 3000}, {64, 65}, {100, 1100}, {1100, 1200}, {513, 513}}) {
    std::vector<std::pair<uint64_t, uint64_t>> expected, got;
    for (uint64_t page = from; page < to; ++page)
      if (seen.contains(page))
        continue;
      else if (!expected.empty() && expected.back().second == page * 4096)
        expected.back().second += 4096;
      else
        expected.emplace_back(page * 4096, (page + 1) * 4096);
    pages.for_each_unseen(from * 4096, to * 4096, [&](uint64_t start, uint64_t end) { got.emplace_back(start, end); });
    EXPECT_EQ(got, expected) << from << " to " << to;
  }
}

// Word by word this would take days.
TEST(PageStates, AReservationIsGoneThroughByWhatIsThere) {
  PageStates pages;
  pages.touch(uint64_t{1} << 40);
  int runs = 0;
  pages.for_each_unseen(0, uint64_t{1} << 56, [&](uint64_t, uint64_t) { ++runs; });
  EXPECT_EQ(runs, 2);
}

TEST(PageStates, APageIsInOneStateAtATimeAndKeepsItsWatch) {
  PageStates pages;
  pages.set(PageBit::kWatched, 0x5000, true);
  for (const PageBit state : {PageBit::kZero, PageBit::kPrefilled, PageBit::kPrefilledArmed, PageBit::kTouched}) {
    EXPECT_TRUE(pages.become(state, 0x5000));
    EXPECT_FALSE(pages.become(state, 0x5000)) << "it is in this state already";
    for (const PageBit other : {PageBit::kZero, PageBit::kPrefilled, PageBit::kPrefilledArmed, PageBit::kTouched})
      EXPECT_EQ(pages.test(other, 0x5000), other == state);
  }
  EXPECT_TRUE(pages.test(PageBit::kWatched, 0x5000));
}

TEST(PageStates, PagesAreMetInOrderHoweverFarApartTheyAre) {
  PageStates pages;
  std::vector<uint64_t> marked;
  for (const uint64_t gib : {700, 3, 90, 512, 41, 1000, 8, 7, 256, 255}) {
    const uint64_t address = gib << 30;
    pages.set(PageBit::kForked, address, true);
    marked.push_back(address);
  }
  std::sort(marked.begin(), marked.end());
  std::vector<uint64_t> met;
  pages.for_each(PageBit::kForked, 0, ~uint64_t{0}, [&](uint64_t address) { met.push_back(address); });
  EXPECT_EQ(met, marked);
}

TEST(AddressMap, JoinsWhatIsAlikeAndNothingElse) {
  AddressMap map;
  for (uint64_t at = 0; at < 8; ++at) {
    Area area;
    area.start = at * 4096;
    area.end = area.start + 4096;
    area.writable = at != 4;
    map.insert(area);
  }
  map.remove(6 * 4096, 7 * 4096);
  map.join(4096, 8 * 4096);
  std::vector<uint64_t> starts;
  for (const auto& [start, area] : map.areas()) starts.push_back(start / 4096);
  EXPECT_EQ(starts, (std::vector<uint64_t>{0, 1, 4, 5, 7}));
  EXPECT_EQ(map.find(4096)->end, 4 * 4096u);
  EXPECT_EQ(map.find(3 * 4096)->start, 4096u);
}

constexpr uint64_t kHuge = 2 << 20;

Area anonymous(uint64_t start, uint64_t end, uint64_t since_scan) {
  Area area;
  area.start = start;
  area.end = end;
  area.anonymous = area.writable = true;
  area.since_scan = since_scan;
  return area;
}

TEST(AddressMap, AMappingThatAScanHasSeenWholeHasNotGrownSince) {
  AddressMap map;
  map.insert(anonymous(kHuge, 3 * kHuge, 4));
  EXPECT_FALSE(map.may_have_grown(kHuge, 5, true));
  EXPECT_FALSE(map.may_have_grown(2 * kHuge, 5, true));
}

TEST(AddressMap, WhatIsNewOfAHeapHasGrownInSteps) {
  AddressMap map;
  map.insert(anonymous(kHuge, 3 * kHuge, 5));
  EXPECT_TRUE(map.may_have_grown(kHuge, 5, true));
  EXPECT_FALSE(map.may_have_grown(kHuge, 5, false)) << "one mapping, for all that is known made at once";
}

TEST(AddressMap, WhatHasItsReserveBehindItHasGrownInSteps) {
  AddressMap map;
  map.insert(anonymous(kHuge, 3 * kHuge, 5));
  Area reserve = anonymous(3 * kHuge, 32 * kHuge, 1);
  reserve.writable = false;
  map.insert(reserve);
  EXPECT_TRUE(map.may_have_grown(kHuge, 5, false));
}

TEST(AddressMap, AReserveThatHoldsPagesWasMadeUsableInPieces) {
  AddressMap map;
  Area reserve = anonymous(kHuge, 32 * kHuge, 1);
  reserve.writable = false;
  map.insert(reserve);
  EXPECT_TRUE(map.may_have_grown(2 * kHuge, 5, false));
}

TEST(AddressMap, WhatCameInPiecesHasGrownAndWhatCameInOneRequestHasNot) {
  AddressMap map;
  map.insert(anonymous(kHuge, kHuge + kHuge / 2, 5));
  map.insert(anonymous(kHuge + kHuge / 2, 2 * kHuge, 5));
  EXPECT_TRUE(map.may_have_grown(kHuge, 5, false));
  Area asked = anonymous(2 * kHuge, 8 * kHuge, 5);
  asked.at_once = true;
  map.insert(asked);
  EXPECT_FALSE(map.may_have_grown(4 * kHuge, 5, true));
}

TEST(AddressMap, WhereTheMappingDoesNotCoverAllOfAHugePageNothingIsDecided) {
  AddressMap map;
  map.insert(anonymous(kHuge, 2 * kHuge - 4096, 5));
  EXPECT_FALSE(map.may_have_grown(kHuge, 5, true));
  EXPECT_FALSE(map.may_have_grown(0, 5, true));
}

TEST(AddressMap, RemovingTheMiddleLeavesBothEnds) {
  AddressMap map;
  map.insert({.start = 0x1000, .end = 0x9000});
  EXPECT_EQ(map.remove(0x3000, 0x5000).size(), 1u);
  EXPECT_NE(map.find(0x2fff), nullptr);
  EXPECT_EQ(map.find(0x3000), nullptr);
  EXPECT_EQ(map.find(0x5000)->end, 0x9000u);
  EXPECT_EQ(map.gaps(0x1000, 0xa000).size(), 2u);
}

TEST(ParseMaps, ReadsNamesWithSpacesAndSkipsNonsense) {
  const auto maps = parse_maps(
      "7f00-8f00 rw-p 00001000 08:01 42   /tmp/a file\n"
      "garbage\n"
      "9000-a000 rw-p 00000000 00:00 0 \n");
  ASSERT_EQ(maps.size(), 2u);
  EXPECT_EQ(maps[0].name, "/tmp/a file");
  EXPECT_FALSE(maps[0].anonymous());
  EXPECT_TRUE(maps[1].anonymous());
}

}  // namespace
}  // namespace oomcast::record
