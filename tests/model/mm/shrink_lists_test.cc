// Reclaim decides about the pages at the tail of a list: one page's life, from its first touch to its slot in swap.
#include "model/mm/shrink_lists.h"

#include <gtest/gtest.h>

#include "model/mm/lru.h"
#include "model/mm/page_alloc.h"
#include "model/mm/swap.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::LruKindIndex;
using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

HostBuilder with_swap() { return HostBuilder().plain_node(20000_pages).swap(64_MiB); }

// One batch from the inactive tail; what was sent to the disk is on it afterwards.
int64_t scan(Machine& m, int64_t pages, bool file = false, ScanControl sc = {}) {
  int64_t reclaimed = 0;
  m.run([&] {
    SwapPlug plug(m.k);
    reclaimed = shrink_inactive_list(m.k, 0, host::kRootCgroup, pages, file, sc);
    plug.flush();
  });
  return reclaimed;
}
int64_t scan_and_wait(Machine& m, int64_t pages, bool file = false) {
  const int64_t reclaimed = scan(m, pages, file);
  m.pass(1_s);
  return reclaimed;
}
void scan_active(Machine& m, int64_t pages, bool file = false) {
  m.run([&] {
    ScanControl sc;
    shrink_active_list(m.k, 0, host::kRootCgroup, pages, file, sc);
  });
}

host::PageId add_page(Machine& m, uint16_t flags) {
  host::PageId id = host::kNoPage;
  m.run([&] {
    id = new_page(m.k, alloc_page(m.k, kGfpHighUserMovable, 0), flags);
    put_on_list(m.k, id, list_for(m.host.pages[id]));
  });
  return id;
}

TEST(InactiveList, FirstTouchEarnsASecondChance) {
  Machine m(with_swap().build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 32);
  EXPECT_EQ(scan_and_wait(m, 32), 0);
  EXPECT_EQ(m.count(Vmstat::pswpout), 0);
  EXPECT_EQ(m.count(Vmstat::pgscan_anon), 32);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveAnon), 32);
}

TEST(InactiveList, AnUnusedPageIsWrittenInOnePassAndFreedInTheNext) {
  Machine m(with_swap().build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 32);
  scan_and_wait(m, 32);
  EXPECT_EQ(scan_and_wait(m, 32), 0);
  EXPECT_EQ(m.count(Vmstat::pswpout), 32);
  EXPECT_EQ(m.process(app).rss_anon, 0) << "unmapped, although the memory is not yet free";
  EXPECT_EQ(m.process(app).swap_entries, 32);
  EXPECT_EQ(scan_and_wait(m, 32), 32);
  EXPECT_EQ(m.count(Vmstat::pgrotated), 32) << "the end of the write brought it back to the tail";
  EXPECT_EQ(m.count(Vmstat::pgscan_anon), 96) << "three scans per stolen page";
  EXPECT_EQ(m.count(Vmstat::pgsteal_anon), 32);
}

TEST(InactiveList, APageUsedAgainIsActivated) {
  Machine m(with_swap().build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 32);
  scan_and_wait(m, 32);
  m.read(app, 0, 32);
  scan_and_wait(m, 32);
  EXPECT_EQ(m.count(Vmstat::pgactivate), 32);
  EXPECT_EQ(m.list(LruKindIndex::kActiveAnon), 32);
  EXPECT_EQ(m.count(Vmstat::pswpout), 0);
}

TEST(InactiveList, ThePageThatLostItsYoungBitIsWatched) {
  Machine m(with_swap().build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 7, 1);
  scan(m, 32);
  ASSERT_EQ(m.log.watches.size(), 1u);
  EXPECT_EQ(m.log.watches[0].pid, 100u);
  EXPECT_EQ(m.log.watches[0].address, 7u << kPageShift);
}

TEST(InactiveList, UnderWritebackItIsActivatedAndComesBackToTheTail) {
  Machine m(with_swap().build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 16);
  scan_and_wait(m, 32);
  scan(m, 32);                // the write starts
  EXPECT_EQ(scan(m, 32), 0);  // and is met before it has ended
  EXPECT_EQ(m.count(Vmstat::pgactivate), 16);
  EXPECT_EQ(m.list(LruKindIndex::kActiveAnon), 16);
  m.pass(1_s);
  m.lru_drain();
  EXPECT_EQ(m.list(LruKindIndex::kInactiveAnon), 16);
  EXPECT_EQ(scan(m, 32), 16);
}

TEST(InactiveList, ATouchWhileThePageIsBeingWrittenTakesItBack) {
  Machine m(with_swap().build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 1);
  scan_and_wait(m, 32);
  scan(m, 32);
  m.touch(app, 0, 1);
  EXPECT_EQ(m.process(app).rss_anon, 1);
  EXPECT_EQ(m.count(Vmstat::pgmajfault), 0) << "it is still in the swap cache";
  m.pass(1_s);
  EXPECT_TRUE(m.in_memory(app, 0));
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST(InactiveList, WhatFindsNoSlotIsActivated) {
  Machine m(HostBuilder().plain_node(20000_pages).swap(to_bytes(16_pages)).build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 32);
  scan_and_wait(m, 32);
  scan_and_wait(m, 32);
  EXPECT_EQ(m.count(Vmstat::pswpout), 16);
  EXPECT_EQ(m.host.free_swap(), 0);
  EXPECT_EQ(m.list(LruKindIndex::kActiveAnon), 16);
}

TEST(InactiveList, TakesThirtyTwoPagesAtMost) {
  Machine m(HostBuilder().plain_node(20000_pages).page_cache(1000_pages).build(), Kswapd::kAbsent);
  EXPECT_EQ(scan(m, 100, true), 32);
  EXPECT_EQ(m.count(Vmstat::pgscan_file), 32);
}

TEST(InactiveList, CleanPageCacheIsFreedAtOnce) {
  Machine m(HostBuilder().plain_node(20000_pages).page_cache(1000_pages).build(), Kswapd::kAbsent);
  const int64_t available = m.available();
  EXPECT_EQ(scan(m, 32, true), 32);
  EXPECT_EQ(m.available(), available + 32);
  EXPECT_EQ(m.count(Vmstat::pgsteal_direct), 32);
  EXPECT_EQ(m.count(Vmstat::pgsteal_file), 32);
}

// Superblocks and group descriptors of what is mounted: each futile round before an OOM kill scans them again.
TEST(InactiveList, WhatAFileSystemHoldsOfItsDeviceIsActivatedTimeAndAgain) {
  host::HostSpec spec = HostBuilder().plain_node(20000_pages).page_cache(100_pages).build();
  spec.buffers = 15_pages;
  Machine m(spec, Kswapd::kAbsent);
  for (int i = 0; i < 4; ++i) scan(m, 32, true);
  EXPECT_EQ(m.count(Vmstat::pgsteal_file), 85);
  EXPECT_EQ(m.count(Vmstat::pgactivate), 15);
  scan_active(m, 32, true);
  EXPECT_EQ(scan(m, 32, true), 0);
  EXPECT_EQ(m.count(Vmstat::pgactivate), 30);
  EXPECT_EQ(m.count(Vmstat::pgscan_file), 115);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST(InactiveList, OfManyPagesOfDevicesAFewAreHeldTheActiveFirst) {
  host::HostSpec spec = HostBuilder().plain_node(20000_pages).page_cache(100_pages, 10_pages).build();
  spec.buffers = 60_pages;
  Machine m(spec, Kswapd::kAbsent);
  for (int i = 0; i < 4; ++i) scan(m, 32, true);
  EXPECT_EQ(m.count(Vmstat::pgsteal_file), 94);
  scan_active(m, 32, true);
  EXPECT_EQ(scan(m, 32, true), 0);
}

TEST(InactiveList, KswapdAndTasksAreCountedApart) {
  Machine m(HostBuilder().plain_node(20000_pages).page_cache(1000_pages).build(), Kswapd::kAbsent);
  ScanControl sc;
  sc.by_kswapd = true;
  scan(m, 10, true, sc);
  scan(m, 20, true);
  EXPECT_EQ(m.count(Vmstat::pgscan_kswapd), 10);
  EXPECT_EQ(m.count(Vmstat::pgscan_direct), 20);
  EXPECT_EQ(m.count(Vmstat::pgsteal_kswapd), 10);
  EXPECT_EQ(m.count(Vmstat::pgsteal_direct), 20);
}

TEST(InactiveList, PagesOfHigherZonesAreSkippedToTheHeadButCounted) {
  Machine m(HostBuilder().plain_node(20000_pages).page_cache(100_pages).build(), Kswapd::kAbsent);
  ScanControl sc;
  sc.highest_zone = host::ZoneKind::kDma;
  EXPECT_EQ(scan(m, 32, true, sc), 0);
  EXPECT_EQ(m.count(Vmstat::pgskip_dma32), 100) << "one batch walks the whole list";
  EXPECT_EQ(m.count(Vmstat::pgscan_file), 100);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveFile), 100);
}

TEST(InactiveList, MappedPagesStayWhenUnmappingIsForbidden) {
  Machine m(with_swap().build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 8);
  ScanControl sc;
  sc.may_unmap = false;
  scan(m, 32, false, sc);
  EXPECT_TRUE(m.page(app, 0).has(host::kPageYoung)) << "it was not scanned";
  EXPECT_EQ(m.list(LruKindIndex::kInactiveAnon), 8);
}

TEST(InactiveList, LockedPagesAreLeftAlone) {
  Machine m(with_swap().build(), Kswapd::kAbsent);
  const host::PageId id = add_page(m, host::kPageFile | host::kPageLocked);
  EXPECT_EQ(scan(m, 32, true), 0);
  EXPECT_EQ(m.host.pages[id].list, LruKindIndex::kInactiveFile);
}

TEST(InactiveList, AFilePageReadOnceIsReclaimedAlthoughItWasReferenced) {
  Machine m(with_swap().build(), Kswapd::kAbsent);
  add_page(m, host::kPageFile | host::kPageReferenced);
  EXPECT_EQ(scan(m, 32, true), 1);
}

TEST(InactiveList, DirectReclaimDoesNotWriteDirtyFilePages) {
  Machine m(with_swap().build(), Kswapd::kAbsent);
  const host::PageId id = add_page(m, host::kPageFile | host::kPageDirty);
  EXPECT_EQ(scan(m, 32, true), 0);
  EXPECT_EQ(m.count(Vmstat::nr_vmscan_immediate_reclaim), 1);
  EXPECT_EQ(m.host.pages[id].list, LruKindIndex::kActiveFile);
  EXPECT_TRUE(m.host.pages[id].has(host::kPageReclaim)) << "to be rotated when the flusher has written it";
}

TEST(InactiveList, LazilyFreedPagesGoWithoutIO) {
  Machine m(with_swap().build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 32);
  m.run([&] { lazyfree_range(m.k, app, 0, 32); });
  EXPECT_EQ(m.list(LruKindIndex::kInactiveFile), 32);
  EXPECT_EQ(scan(m, 32, true), 32);
  EXPECT_EQ(m.count(Vmstat::pglazyfreed), 32);
  EXPECT_EQ(m.count(Vmstat::pswpout), 0);
  EXPECT_EQ(m.process(app).rss_anon, 0);
  EXPECT_EQ(m.process(app).swap_entries, 0);
}

TEST(InactiveList, AWriteTakesALazilyFreedPageBack) {
  Machine m(with_swap().build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 32);
  m.run([&] { lazyfree_range(m.k, app, 0, 32); });
  m.touch(app, 0, 8);
  for (int i = 0; i < 3; ++i) scan(m, 32, true);
  EXPECT_EQ(m.process(app).rss_anon, 8);
  EXPECT_EQ(m.count(Vmstat::pglazyfreed), 24);
  EXPECT_EQ(m.list(LruKindIndex::kActiveAnon), 8);
}

TEST(InactiveList, WhatStoodOnTheHostBeforeIsOlderThanAnythingTouched) {
  Machine m(with_swap().process(50, "idle", to_bytes(64_pages)).build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 64);
  for (int i = 0; i < 2; ++i) scan_and_wait(m, 32);
  EXPECT_TRUE(m.page(app, 0).has(host::kPageYoung)) << "64 pages of the other process came first";
  EXPECT_EQ(m.count(Vmstat::pgscan_anon), 64);
}

TEST(InactiveList, AnOtherProcessIsSwappedOutLikeTheProgram) {
  Machine m(with_swap().process(50, "idle", to_bytes(32_pages)).build(), Kswapd::kAbsent);
  for (int i = 0; i < 3; ++i) scan_and_wait(m, 32);
  EXPECT_EQ(m.host.processes[0].rss_anon, 0);
  EXPECT_EQ(m.host.processes[0].swap_entries, 32);
  EXPECT_EQ(m.host.guest_swapped, 0);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST(ActiveList, PagesMoveToTheInactiveHeadEvenIfReferenced) {
  Machine m(with_swap().build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 32);
  scan_and_wait(m, 32);
  m.read(app, 0, 32);
  scan_and_wait(m, 32);
  m.read(app, 0, 32);
  ASSERT_EQ(m.list(LruKindIndex::kActiveAnon), 32);
  scan_active(m, 20);
  EXPECT_EQ(m.list(LruKindIndex::kActiveAnon), 12);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveAnon), 20);
  EXPECT_EQ(m.count(Vmstat::pgrefill), 20);
  EXPECT_EQ(m.count(Vmstat::pgdeactivate), 20);
}

TEST(ActiveList, ADeactivatedPageBelongedToTheWorkingSet) {
  Machine m(HostBuilder().plain_node(20000_pages).page_cache(0_pages, 8_pages).build(), Kswapd::kAbsent);
  scan_active(m, 8, true);
  for (host::PageId id = 0; id < m.host.pages.size(); ++id) {
    EXPECT_TRUE(m.host.pages[id].has(host::kPageWorkingset));
    EXPECT_FALSE(m.host.pages[id].has(host::kPageActive));
  }
  EXPECT_EQ(m.list(LruKindIndex::kInactiveFile), 8);
}

}  // namespace
}  // namespace oomcast::mm
