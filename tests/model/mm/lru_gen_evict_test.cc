// Eviction frees pages of the oldest generation and moves young and protected ones on; and how long one pass lasts.
#include <gtest/gtest.h>

#include "model/mm/lru.h"
#include "model/mm/lru_gen.h"
#include "model/mm/node_reclaim.h"
#include "model/mm/page_alloc.h"
#include "model/mm/page_cache.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::kGenAnon;
using host::kGenFile;
using host::LruKindIndex;
using host::PageId;
using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

HostBuilder multi_gen() { return HostBuilder().kernel(6, 12).multi_gen().plain_node(20000_pages); }
host::LruGen& gens(Machine& m) { return *m.node().lruvec(host::kRootCgroup).gens; }

// One pass over the node, and the disk gets its time.
int64_t shrink(Machine& m, ScanControl sc = {}) {
  m.run([&] { shrink_node(m.k, 0, sc); });
  m.pass(1_s);
  m.lru_drain();
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
  return sc.nr_reclaimed;
}
ScanControl at_priority(int priority) {
  ScanControl sc;
  sc.priority = priority;
  return sc;
}
void age(Machine& m) {
  m.run([&] {
    ScanControl sc;
    lru_add_drain(m.k, 0);
    ASSERT_TRUE(try_to_inc_max_seq(m.k, 0, host::kRootCgroup, gens(m).max_seq, true, sc));
  });
}
PageId add_file_page(Machine& m, uint16_t flags = 0) {
  PageId id = host::kNoPage;
  m.run([&] {
    id = new_page(m.k, alloc_page(m.k, kGfpHighUserMovable, 0), static_cast<uint16_t>(host::kPageFile | flags));
    put_on_list(m.k, id, LruKindIndex::kInactiveFile);
  });
  return id;
}

TEST(Eviction, ATasksOwnPassTakesABatchOf64) {
  Machine m(multi_gen().page_cache(1000_pages).build(), Kswapd::kAbsent);
  gens(m).min_seq = {1, 1};
  EXPECT_EQ(shrink(m), 0) << "a 4096th of 1000 pages is none";
  EXPECT_EQ(shrink(m, at_priority(4)), 64);
  EXPECT_EQ(m.count(Vmstat::pgscan_direct), 64);
  EXPECT_EQ(m.count(Vmstat::pgsteal_file), 64);
}

TEST(Eviction, EmptyGenerationsAreGivenUpBeforeAnythingIsFound) {
  Machine m(multi_gen().page_cache(1000_pages).build(), Kswapd::kAbsent);
  EXPECT_EQ(shrink(m, at_priority(4)), 64);
  EXPECT_EQ(gens(m).min_seq[kGenFile], 1u);
}

TEST(Eviction, WithTwoGenerationsNothingGoesBeforeItIsAged) {
  Machine m(multi_gen().page_cache(0_pages, 1000_pages).build(), Kswapd::kAbsent);
  gens(m).min_seq = {2, 2};
  EXPECT_EQ(shrink(m), 0) << "at the default priority nobody ages";
  EXPECT_EQ(gens(m).max_seq, 3u);
  EXPECT_EQ(shrink(m, at_priority(11)), 0) << "the pass that ages takes nothing";
  EXPECT_EQ(gens(m).max_seq, 4u);
}

TEST(Eviction, WithoutSwapOnlyFilesGo) {
  Machine m(multi_gen().page_cache(100_pages).build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 1000);
  for (int i = 0; i < 8; ++i) shrink(m, at_priority(4));
  EXPECT_EQ(m.count(Vmstat::pgsteal_file), 100);
  EXPECT_EQ(m.count(Vmstat::pgscan_anon), 0);
}

TEST(Eviction, AnUnusedPageIsWrittenAndGoesFromTheTailOfTheOldest) {
  Machine m(multi_gen().swap(64_MiB).build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 310);
  gens(m).min_seq = {2, 2};
  age(m);
  age(m);
  gens(m).min_seq = {3, 3};
  EXPECT_EQ(shrink(m, at_priority(3)), 0);
  EXPECT_EQ(m.count(Vmstat::pswpout), 64);
  EXPECT_EQ(m.count(Vmstat::pgrotated), 64);
  EXPECT_EQ(shrink(m, at_priority(3)), 64);
  EXPECT_EQ(m.count(Vmstat::pgscan_anon), 128) << "two scans per stolen page";
}

TEST(Eviction, AYoungPageEarnsItsNeighboursTheYoungestGeneration) {
  Machine m(multi_gen().swap(64_MiB).build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 310);
  gens(m).min_seq = {2, 2};
  age(m);
  age(m);
  gens(m).min_seq = {3, 3};
  m.read(app, 60, 68);
  shrink(m, at_priority(3));
  EXPECT_EQ(m.count(Vmstat::pswpout), 60) << "those of the batch that were not used";
  EXPECT_EQ(m.count(Vmstat::pgscan_anon), 64);
  EXPECT_EQ(m.count(Vmstat::pgactivate), 28) << "pages 64 to 91: half a window beyond page 60";
  EXPECT_EQ(gens(m).size_of_generation(host::gen_of_seq(gens(m).max_seq), kGenAnon), 4 + 28);
}

TEST(Eviction, WhatAWalkPromotedIsSortedAndNotScanned) {
  Machine m(multi_gen().swap(64_MiB).build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 6200);
  gens(m).min_seq = {2, 2};
  age(m);
  m.read(app, 0, 6200);
  age(m);
  gens(m).min_seq = {3, 3};
  shrink(m);
  EXPECT_EQ(m.count(Vmstat::pgrefill), kMaxLruBatch) << "so many are scanned under the lock";
  EXPECT_EQ(m.count(Vmstat::pgscan_anon), 0);
}

TEST(Eviction, AProtectedTierMovesToTheNextGeneration) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  for (int i = 0; i < 10; ++i) add_file_page(m, host::kPageReferenced | host::kPageWorkingset);
  for (int i = 0; i < 10; ++i) add_file_page(m);
  gens(m).min_seq = {1, 1};
  gens(m).avg_total[kGenFile] = {1000, 1000, 0, 0};
  gens(m).avg_refaulted[kGenFile] = {0, 900, 0, 0};
  EXPECT_EQ(shrink(m, at_priority(0)), 10);
  EXPECT_EQ(m.count(Vmstat::pgrefill), 10);
  EXPECT_EQ(gens(m).size_of_generation(2, kGenFile), 10);
}

TEST(Eviction, Swappiness200TakesAnonymousPagesFirstAnd1Files) {
  for (const int swappiness : {1, 200}) {
    Machine m(multi_gen().swap(64_MiB).page_cache(1000_pages).set("vm.swappiness", swappiness).build(),
              Kswapd::kAbsent);
    const auto app = m.start(100);
    m.touch(app, 0, 620);
    gens(m).min_seq = {1, 1};
    for (int i = 0; i < 3; ++i) age(m);
    shrink(m, at_priority(5));
    EXPECT_EQ(m.count(Vmstat::pgscan_anon), swappiness == 200 ? 64 : 0);
    EXPECT_EQ(m.count(Vmstat::pgscan_file), swappiness == 200 ? 0 : 64);
  }
}

TEST(Eviction, Swappiness0NeverTakesAnonymousPages) {
  Machine m(multi_gen().swap(64_MiB).page_cache(64_pages).set("vm.swappiness", 0).build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 620);
  for (int i = 0; i < 16; ++i) shrink(m, at_priority(2));
  EXPECT_EQ(m.count(Vmstat::pgscan_anon), 0);
}

TEST(Eviction, WithFewSwapSlotsLeftAnonymousPagesStay) {
  Machine m(multi_gen().swap(to_bytes(63_pages)).build(), Kswapd::kAbsent);
  ScanControl sc;
  EXPECT_EQ(lru_gen_swappiness(m.k, host::kRootCgroup, sc), 0);
}

TEST(Eviction, APassThatMayNotWriteDoesNothing) {
  Machine m(multi_gen().page_cache(1000_pages).build(), Kswapd::kAbsent);
  gens(m).min_seq = {1, 1};
  ScanControl sc;
  sc.may_writepage = false;
  EXPECT_EQ(shrink(m, sc), 0);
  sc = {};
  sc.may_unmap = false;
  EXPECT_EQ(shrink(m, sc), 0);
  EXPECT_EQ(m.count(Vmstat::pgscan_direct), 0);
}

TEST(Eviction, KswapdStopsAFewPagesAboveTheHighMark) {
  Machine m(multi_gen().page_cache(10000_pages).build(), Kswapd::kAbsent);
  gens(m).min_seq = {1, 1};
  ScanControl sc;
  sc.by_kswapd = true;
  sc.nr_to_reclaim = 1000;
  sc.priority = 1;
  m.run([&] {
    ASSERT_TRUE(should_abort_scan(m.k, 0, sc)) << "there is plenty";
    sc.highest_zone = host::ZoneKind::kMovable;
    m.zone().free = m.zone().high_mark() + kMinLruBatch;
    EXPECT_FALSE(should_abort_scan(m.k, 0, sc));
    ++m.zone().free;
    EXPECT_TRUE(should_abort_scan(m.k, 0, sc));
  });
}

TEST(Eviction, AGroupAtItsLimitIsScannedToTheEndOfItsShare) {
  Machine m(multi_gen().limit(8_MiB).build(), Kswapd::kAbsent);
  ScanControl sc;
  sc.target_cgroup = 1;
  sc.nr_reclaimed = 1000;
  EXPECT_FALSE(should_abort_scan(m.k, 0, sc));
}

}  // namespace
}  // namespace oomcast::mm
