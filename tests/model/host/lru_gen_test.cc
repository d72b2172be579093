// The lists of generations hold together, wherever a page is taken out; and a filter forgets nothing.
#include "model/host/lru_gen.h"

#include <gtest/gtest.h>

namespace oomcast::host {
namespace {

struct Three {
  PageArray pages;
  LruGen gens;
  PageId ids[3];
  Three() {
    for (PageId& id : ids) {
      id = pages.create();
      pages[id].set(kPageSwapBacked);
      gens.link_head(pages, id, 2);
    }
  }
  GenList& list() { return gens.lists[2][kGenAnon][ZoneKind::kDma]; }
};

TEST(GenList, PagesLeaveFromEitherEndAndTheMiddle) {
  for (int first = 0; first < 3; ++first) {
    Three t;
    t.gens.unlink(t.pages, t.ids[first]);
    const PageId head = first == 2 ? t.ids[1] : t.ids[2], tail = first == 0 ? t.ids[1] : t.ids[0];
    EXPECT_EQ(t.list().head, head);
    EXPECT_EQ(t.list().tail, tail);
    EXPECT_EQ(t.pages[head].next, tail);
    EXPECT_EQ(t.pages[tail].prev, head);
  }
}

TEST(GenList, APageWithAYoungerNumberIsTakenOffTheListThatItStandsOn) {
  Three t;
  t.pages[t.ids[0]].list = static_cast<LruKindIndex>(3);
  for (const PageId id : t.ids) t.gens.unlink(t.pages, id);
  EXPECT_TRUE(t.list().empty());
  EXPECT_TRUE(t.gens.lists[3][kGenAnon][ZoneKind::kDma].empty());
}

TEST(BloomFilter, BeforeItsFirstRoundEverythingIsWorthAVisit) {
  BloomFilter filter;
  EXPECT_TRUE(filter.test(7));
  filter.reset();
  EXPECT_FALSE(filter.test(7));
}

TEST(BloomFilter, WhatWasAddedIsFoundAndLittleElse) {
  BloomFilter filter;
  filter.reset();
  for (uint64_t item = 0; item < 2000; ++item) filter.add(item << 9);
  int others = 0;
  for (uint64_t item = 0; item < 2000; ++item) {
    EXPECT_TRUE(filter.test(item << 9));
    others += filter.test((item + 5000) << 9) ? 1 : 0;
  }
  EXPECT_LT(others, 200);
  filter.reset();
  EXPECT_FALSE(filter.test(0));
}

}  // namespace
}  // namespace oomcast::host
