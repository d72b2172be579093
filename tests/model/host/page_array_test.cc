// Runs of equal pages are folded to save memory, and every access finds them as if they were not.
#include "model/host/page_array.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>
#include <vector>

#include "model/host/lruvec.h"

namespace oomcast::host {
namespace {

struct Pages : testing::Test {
  PageArray pages;
  LruList list;
  std::vector<Page> remembered;

  // A page of the memory of process 7, newest on the list.
  PageId add(uint64_t vpn) {
    const PageId id = pages.create();
    Page& page = pages[id];
    page.set_owner(7);
    page.set_vpn(vpn);
    page.flags = kPageSwapBacked;
    page.mapcount = 1;
    page.list = LruKindIndex::kInactiveAnon;
    list.push_head(pages, id);
    return id;
  }
  void free(PageId id) {
    list.remove(pages, id);
    pages[id].list = LruKindIndex::kNone;
    pages.destroy(id);
  }
  // As often as it takes, until nothing more is folded.
  void fold() {
    for (int i = 0; i < 3000; ++i) {
      const PageId id = pages.create();
      pages.destroy(id);
      pages.fold();
    }
  }
  void remember() {
    remembered.clear();
    for (PageId id = 0; id < pages.size(); ++id) remembered.push_back(std::as_const(pages)[id]);
  }
  void expect_as_remembered() {
    for (PageId id = 0; id < remembered.size(); ++id) {
      const Page now = std::as_const(pages)[id];
      ASSERT_EQ(std::memcmp(&now, &remembered[id], sizeof now), 0) << "page " << id;
    }
  }
};

TEST_F(Pages, ThatLieInARowAreFolded) {
  for (uint64_t vpn = 0; vpn < 5000; ++vpn) add(vpn);
  remember();
  fold();
  EXPECT_EQ(pages.folded_pages(), 4608u) << "the rest is being filled or the head of the list";
  expect_as_remembered();
  for (PageId id = 0; id < 4608; id += 100) EXPECT_EQ(pages[id].vpn, id) << "unfolded";
  expect_as_remembered();
}

TEST_F(Pages, InDescendingOrderToo) {
  for (uint64_t vpn = 5000; vpn > 0; --vpn) add(vpn);
  for (PageId id = 0; id < 5000; ++id) free(id);
  for (uint64_t vpn = 0; vpn < 5000; ++vpn) add(vpn);  // gets the numbers from the last one down
  remember();
  fold();
  EXPECT_GT(pages.folded_pages(), 4000u);
  expect_as_remembered();
}

TEST_F(Pages, ThatAreMixedUpAreNotFolded) {
  for (uint64_t i = 0; i < 5000; ++i) add(i * 7919 % 5003);
  fold();
  EXPECT_EQ(pages.folded_pages(), 0u);
}

TEST_F(Pages, OfTwoProgramsInTurnAreFoldedInRuns) {
  for (uint64_t vpn = 0; vpn < 5000; ++vpn) add(vpn / 64 % 2 == 0 ? vpn : 1'000'000 + vpn);
  remember();
  fold();
  EXPECT_GT(pages.folded_pages(), 4000u);
  expect_as_remembered();
}

TEST_F(Pages, AreTakenOffTheListFolded) {
  for (uint64_t vpn = 0; vpn < 5000; ++vpn) add(vpn);
  fold();
  free(1000);
  EXPECT_FALSE(pages.alive(1000));
  EXPECT_EQ(std::as_const(pages)[999].prev, 1001u);
  EXPECT_EQ(std::as_const(pages)[1001].next, 999u);
  int64_t linked = 0;
  for (PageId id = list.head(); id != kNoPage; id = std::as_const(pages)[id].next) ++linked;
  EXPECT_EQ(linked, 4999);
}

TEST_F(Pages, ThatAreGoneTakeNoMemoryEither) {
  for (uint64_t vpn = 0; vpn < 5000; ++vpn) add(vpn);
  for (PageId id = 0; id < 4900; ++id) free(id);
  fold();
  EXPECT_GT(pages.folded_pages(), 4000u);
  EXPECT_FALSE(pages.alive(17));
  add(1);
  EXPECT_EQ(pages.size(), 5000u) << "their numbers are used again";
}

TEST_F(Pages, StayOpenWhileSomebodyKeepsAReference) {
  for (uint64_t vpn = 0; vpn < 5000; ++vpn) add(vpn);
  const PageArray::InUse in_use(pages);
  EXPECT_FALSE(pages.fold());
  EXPECT_EQ(pages.folded_pages(), 0u);
  EXPECT_TRUE(pages.fold(1)) << "but it may be oneself";
}

TEST_F(Pages, UnderWriteAreLeftAlone) {
  for (uint64_t vpn = 0; vpn < 5000; ++vpn) add(vpn);
  pages[700].set(kPageWriteback);
  fold();
  EXPECT_EQ(pages.folded_pages(), 4608u - 512u);
}

}  // namespace
}  // namespace oomcast::host
