// The pages of zswap's pools: how many entries share one, and which goes first.
#include "model/mm/zpool.h"

#include <gtest/gtest.h>

#include "tests/support/zswap_machine.h"

namespace oomcast::mm {
namespace {

using host::Zpool;
using support::zswap_host;
using support::ZswapMachine;

host::ZswapSpec pool_of(Zpool zpool, int stored_percent) {
  host::ZswapSpec spec;
  spec.zpool = zpool;
  spec.stored_percent = stored_percent;
  return spec;
}

TEST(Zpool, SoManyEntriesShareAPage) {
  EXPECT_EQ(entries_per_page(pool_of(Zpool::kZbud, 20)), 2);
  EXPECT_EQ(entries_per_page(pool_of(Zpool::kZbud, 48)), 2);
  EXPECT_EQ(entries_per_page(pool_of(Zpool::kZbud, 50)), 1);  // of 64 chunks the header takes one
  EXPECT_EQ(entries_per_page(pool_of(Zpool::kZ3fold, 20)), 3);
  EXPECT_EQ(entries_per_page(pool_of(Zpool::kZ3fold, 40)), 2);
  EXPECT_EQ(entries_per_page(pool_of(Zpool::kZbud, 100)), 1);
}

TEST(Zpool, ZbudTakesAPageForTwoHoweverSmallTheyAre) {
  host::HostSpec spec = zswap_host(Zpool::kZbud);
  spec.zswap.stored_percent = 5;
  ZswapMachine m(spec);
  m.touch(m.app, 0, 100);
  m.squeeze(2);
  EXPECT_EQ(m.pool(), 50);
}

TEST(Zpool, APageWithRoomIsFilledBeforeANewOneIsTaken) {
  ZswapMachine m(zswap_host(Zpool::kZbud));
  std::map<host::SlotId, host::ZswapEntry> entries;
  m.run([&] {
    for (host::SlotId slot = 0; slot < 4; ++slot) EXPECT_TRUE(zpool_malloc(m.k, slot, entries[slot]));
    EXPECT_EQ(m.pool(), 2);
    zpool_free(m.k, 0, entries[0]);
    EXPECT_EQ(m.pool(), 2);
    EXPECT_TRUE(zpool_malloc(m.k, 4, entries[4]));
    EXPECT_EQ(entries[4].pool_page, entries[1].pool_page);
    EXPECT_EQ(m.pool(), 2);
    zpool_free(m.k, 2, entries[2]);
    zpool_free(m.k, 3, entries[3]);
    EXPECT_EQ(m.pool(), 1);
  });
}

TEST(Zpool, ThePageFilledLongestAgoIsReclaimedFirst) {
  ZswapMachine m(zswap_host(Zpool::kZbud));
  std::map<host::SlotId, host::ZswapEntry> entries;
  m.run([&] {
    for (host::SlotId slot = 0; slot < 6; ++slot) zpool_malloc(m.k, slot, entries[slot]);
    zpool_free(m.k, 0, entries[0]);
    zpool_malloc(m.k, 6, entries[6]);  // beside 1: that page is the youngest now
    const auto page = begin_reclaim(m.k);
    ASSERT_TRUE(page);
    EXPECT_EQ(*page, entries[2].pool_page);
    zpool_free(m.k, 2, entries[2]);
    EXPECT_FALSE(end_reclaim(m.k, *page));  // 3 is still there
    zpool_malloc(m.k, 7, entries[7]);
    EXPECT_EQ(entries[7].pool_page, *page);
    EXPECT_EQ(*begin_reclaim(m.k), entries[4].pool_page);
  });
}

}  // namespace
}  // namespace oomcast::mm
