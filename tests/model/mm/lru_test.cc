// Pages get onto LRU lists and off them: batches, rotation, activation by read(), and freeing.
#include "model/mm/lru.h"

#include <gtest/gtest.h>

#include "model/mm/page_alloc.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::LruKindIndex;
using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

struct Lru : testing::Test {
  Machine m{HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent};
  host::PageId page(uint16_t flags) {
    host::PageId id = host::kNoPage;
    m.run([&] { id = new_page(m.k, alloc_page(m.k, kGfpHighUserMovable, 0), flags); });
    return id;
  }
};

TEST_F(Lru, ABatchOf61IsFifteenPages) {
  for (int i = 0; i < 14; ++i) lru_add(m.k, page(host::kPageSwapBacked), 0);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveAnon), 0);
  lru_add(m.k, page(host::kPageSwapBacked), 0);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveAnon), 15);
}

TEST_F(Lru, ABatchOf612IsThirtyOne) {
  Machine newer(HostBuilder().kernel(6, 12).plain_node(20000_pages).build(), Kswapd::kAbsent);
  newer.touch(newer.start(100), 0, 30);
  EXPECT_EQ(newer.list(LruKindIndex::kInactiveAnon), 0);
  newer.touch(1 - 1, 30, 1);
  EXPECT_EQ(newer.list(LruKindIndex::kInactiveAnon), 31);
}

TEST_F(Lru, ADrainEmptiesTheBatchOfThisCpuOnly) {
  Machine two(HostBuilder().plain_node(20000_pages).cpus(2).build(), Kswapd::kAbsent);
  two.run([&] {
    lru_add(two.k, new_page(two.k, alloc_page(two.k, kGfpHighUserMovable, 0), host::kPageSwapBacked), 0);
    lru_add(two.k, new_page(two.k, alloc_page(two.k, kGfpHighUserMovable, 0), host::kPageSwapBacked), 1);
  });
  lru_add_drain(two.k, 0);
  EXPECT_EQ(two.list(LruKindIndex::kInactiveAnon), 1);
}

TEST_F(Lru, FlagsDecideTheList) {
  host::Page page;
  const auto list = [&](uint16_t flags) {
    page.flags = flags;
    return list_for(page);
  };
  EXPECT_EQ(list(host::kPageSwapBacked), LruKindIndex::kInactiveAnon);
  EXPECT_EQ(list(host::kPageSwapBacked | host::kPageActive), LruKindIndex::kActiveAnon);
  EXPECT_EQ(list(host::kPageFile), LruKindIndex::kInactiveFile);
  EXPECT_EQ(list(host::kPageFile | host::kPageActive), LruKindIndex::kActiveFile);
  EXPECT_EQ(list(0), LruKindIndex::kInactiveFile) << "lazily freed: anonymous, but not backed by swap";
  EXPECT_EQ(list(host::kPageSwapBacked | host::kPageMlocked), LruKindIndex::kUnevictable);
}

TEST_F(Lru, AccessedOnceIsReferencedTwiceIsActive) {
  const host::PageId id = page(host::kPageFile);
  put_on_list(m.k, id, LruKindIndex::kInactiveFile);
  mark_accessed(m.k, id);
  EXPECT_EQ(m.host.pages[id].list, LruKindIndex::kInactiveFile);
  EXPECT_TRUE(m.host.pages[id].has(host::kPageReferenced));
  mark_accessed(m.k, id);
  EXPECT_EQ(m.host.pages[id].list, LruKindIndex::kActiveFile);
  EXPECT_FALSE(m.host.pages[id].has(host::kPageReferenced));
  EXPECT_EQ(m.count(Vmstat::pgactivate), 1);
  EXPECT_EQ(m.node().lruvec(host::kRootCgroup).nonresident_age, 1);
}

TEST_F(Lru, ARotatedPageGoesToTheInactiveTailEvenFromTheActiveList) {
  for (int i = 0; i < 3; ++i) put_on_list(m.k, page(host::kPageSwapBacked), LruKindIndex::kInactiveAnon);
  const host::PageId id = page(host::kPageSwapBacked | host::kPageActive);
  put_on_list(m.k, id, LruKindIndex::kActiveAnon);
  rotate_reclaimable(m.k, id, 0);
  lru_add_drain(m.k, 0);
  EXPECT_EQ(m.node().lruvec(host::kRootCgroup).list(LruKindIndex::kInactiveAnon).tail(), id);
  EXPECT_EQ(m.count(Vmstat::pgrotated), 1);
}

TEST_F(Lru, ADirtyPageIsNotRotated) {
  const host::PageId id = page(host::kPageSwapBacked | host::kPageDirty);
  put_on_list(m.k, id, LruKindIndex::kInactiveAnon);
  rotate_reclaimable(m.k, id, 0);
  lru_add_drain(m.k, 0);
  EXPECT_EQ(m.count(Vmstat::pgrotated), 0);
}

TEST_F(Lru, APageReleasedInItsBatchLeavesIt) {
  const host::PageId id = page(host::kPageSwapBacked);
  lru_add(m.k, id, 0);
  release_page(m.k, id, 0);
  lru_add_drain(m.k, 0);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveAnon), 0);
  EXPECT_EQ(m.available(), 20000);
}

TEST_F(Lru, APageReleasedWhileItWaitsForRotationLeavesThatBatchToo) {
  const host::PageId id = page(host::kPageSwapBacked);
  put_on_list(m.k, id, LruKindIndex::kInactiveAnon);
  rotate_reclaimable(m.k, id, 0);
  release_page(m.k, id, 0);
  const host::PageId reused = page(host::kPageSwapBacked | host::kPageActive);
  ASSERT_EQ(reused, id) << "ids are reused at once";
  put_on_list(m.k, reused, LruKindIndex::kActiveAnon);
  lru_add_drain(m.k, 0);
  EXPECT_EQ(m.host.pages[reused].list, LruKindIndex::kActiveAnon);
}

TEST_F(Lru, APageUnderIoIsFreedWhenItEnds) {
  const host::PageId id = page(host::kPageSwapBacked | host::kPageWriteback);
  release_page(m.k, id, 0);
  EXPECT_TRUE(m.host.pages.alive(id));
  EXPECT_TRUE(m.host.pages[id].has(host::kPageOrphan));
}

}  // namespace
}  // namespace oomcast::mm
