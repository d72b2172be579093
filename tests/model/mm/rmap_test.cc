// Page tables that map a page are found. Mappers that come and go, young bits, and unmapping all of them at once.
#include "model/mm/rmap.h"

#include <gtest/gtest.h>

#include "model/mm/fault.h"
#include "model/mm/lru.h"
#include "model/mm/page_alloc.h"
#include "model/mm/swap.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;
using Mappers = std::vector<std::pair<host::ProcessIndex, uint64_t>>;

struct Rmap : testing::Test {
  Machine m{HostBuilder().plain_node(20000_pages).swap(1_MiB).build(), Kswapd::kAbsent};
  host::ProcessIndex a = m.start(100), b = m.start(101), c = m.start(102);

  Mappers mappers(host::PageId id) {
    Mappers all;
    for_each_mapper(m.host, m.host.pages[id], [&](host::ProcessIndex process, uint64_t vpn) {
      all.push_back({process, vpn});
    });
    std::sort(all.begin(), all.end());
    return all;
  }
  host::PageId page() {
    host::PageId id = host::kNoPage;
    m.run([&] { id = new_page(m.k, alloc_page(m.k, kGfpHighUserMovable, 0), host::kPageSwapBacked); });
    return id;
  }
  // A page that a, b and c map, as after two forks.
  host::PageId shared() {
    m.touch(a, 7, 1);
    m.run([&] {
      copy_address_space(m.k, a, b);
      copy_address_space(m.k, b, c);
    });
    return m.process(a).space.get(7).page();
  }
};

TEST_F(Rmap, EveryMapperIsFound) {
  const host::PageId id = page();
  add_mapper(m.k, id, a, 1);
  add_mapper(m.k, id, b, 2);
  add_mapper(m.k, id, a, 3);
  EXPECT_EQ(mappers(id), (Mappers{{a, 1}, {a, 3}, {b, 2}}));
  EXPECT_EQ(m.host.pages[id].mapcount, 3);
}

TEST_F(Rmap, WhenTheFirstMapperLeavesAnotherTakesItsPlace) {
  const host::PageId id = page();
  add_mapper(m.k, id, a, 1);
  add_mapper(m.k, id, b, 2);
  add_mapper(m.k, id, c, 3);
  EXPECT_EQ(remove_mapper(m.k, id, a, 1), 2);
  EXPECT_EQ(mappers(id), (Mappers{{b, 2}, {c, 3}}));
  EXPECT_NE(m.host.pages[id].owner, host::kNoProcess);
}

TEST_F(Rmap, OneInTheMiddleCanLeave) {
  const host::PageId id = page();
  for (uint64_t vpn : {1, 2, 3, 4}) add_mapper(m.k, id, a, vpn);
  EXPECT_EQ(remove_mapper(m.k, id, a, 3), 3);
  EXPECT_EQ(mappers(id), (Mappers{{a, 1}, {a, 2}, {a, 4}}));
}

TEST_F(Rmap, EntriesOfThoseWhoLeftAreUsedAgain) {
  const host::PageId id = page();
  add_mapper(m.k, id, a, 0);
  for (int round = 0; round < 100; ++round) {
    add_mapper(m.k, id, b, 2);
    remove_mapper(m.k, id, b, 2);
  }
  EXPECT_LE(m.host.sharers.size(), 2u);
}

TEST_F(Rmap, AYoungPageIsReportedOnceAndWatchedInEveryProcess) {
  const host::PageId id = shared();
  EXPECT_EQ(clear_young(m.k, m.host.pages[id]), 1);
  EXPECT_EQ(m.log.watches.size(), 3u);
  EXPECT_EQ(clear_young(m.k, m.host.pages[id]), 0);
  EXPECT_EQ(m.log.watches.size(), 3u);
}

TEST_F(Rmap, UnmappingLeavesASwapEntryInEveryProcess) {
  const host::PageId id = shared();
  m.run([&] {
    ASSERT_TRUE(add_to_swap(m.k, id));
    try_to_unmap(m.k, id);
  });
  const host::SlotId slot = m.host.pages[id].slot;
  for (host::ProcessIndex process : {a, b, c}) {
    ASSERT_TRUE(m.swapped(process, 7));
    EXPECT_EQ(m.process(process).space.get(7).slot(), slot);
    EXPECT_EQ(m.process(process).rss_anon, 0);
    EXPECT_EQ(m.process(process).swap_entries, 1);
  }
  EXPECT_EQ(m.host.slot(slot).map_count, 3);
  EXPECT_EQ(m.host.pages[id].mapcount, 0);
  EXPECT_EQ(m.host.guest_anon, 0);
  EXPECT_EQ(m.host.guest_swapped, 1);
}

TEST_F(Rmap, AForkedProcessThatNeverTookItsCopyBackDoesNotCountTheSlotTwice) {
  const host::PageId id = shared();
  m.run([&] {
    ASSERT_TRUE(add_to_swap(m.k, id));
    try_to_unmap(m.k, id);
  });
  m.read(a, 7, 1);  // b and c still hold entries
  m.run([&] { try_to_unmap(m.k, id); });
  EXPECT_EQ(m.host.guest_anon, 0);
  EXPECT_EQ(m.host.guest_swapped, 1);
}

TEST_F(Rmap, ALazilyFreedPageVanishesFromEveryProcess) {
  const host::PageId id = shared();
  m.run([&] { unmap_lazyfree(m.k, id); });
  for (host::ProcessIndex process : {a, b, c}) {
    EXPECT_TRUE(m.process(process).space.get(7).is_none());
    EXPECT_EQ(m.process(process).rss_anon, 0);
  }
  EXPECT_EQ(m.host.guest_anon, 0);
}

}  // namespace
}  // namespace oomcast::mm
