// A first touch gets a huge page of 2 MiB, which is split, freed or reclaimed again.
#include "model/mm/huge_memory.h"

#include <gtest/gtest.h>

#include "model/mm/free_blocks.h"
#include "model/mm/rmap.h"
#include "model/mm/shrink_lists.h"
#include "model/mm/swap.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::AddressSpace;
using host::HugeAdvice;
using host::kHugePages;
using host::ThpDefrag;
using host::ThpMode;
using host::Vmstat;
using support::anonymous;
using support::HostBuilder;
using support::Machine;
using namespace oomcast::literals;

HostBuilder host_with(ThpMode mode, ThpDefrag defrag = ThpDefrag::kMadvise) {
  return HostBuilder().plain_node(20000_pages).huge_pages(mode, defrag);
}

host::ProcessIndex start_with(Machine& m, int64_t pages, HugeAdvice advice = HugeAdvice::kNone, uint64_t first = 0) {
  const auto app = m.start(100);
  m.process(app).space.map(first << kPageShift, static_cast<uint64_t>(pages) << kPageShift, anonymous(advice));
  return app;
}

TEST(HugeFault, OneTouchBringsTwoMegabytesAndOneFault) {
  Machine m(host_with(ThpMode::kAlways).build());
  const auto app = start_with(m, 4096);
  EXPECT_EQ(m.touch(app, 700, 1), 1);
  EXPECT_EQ(m.process(app).rss_anon, 512);
  EXPECT_EQ(m.process(app).touched_pages, 1);
  EXPECT_EQ(m.touch(app, 512, 512), 512);
  EXPECT_EQ(m.process(app).rss_anon, 512);
  EXPECT_EQ(m.process(app).touched_pages, 512);
  EXPECT_EQ(m.count(Vmstat::pgfault), 1);
  EXPECT_EQ(m.count(Vmstat::thp_fault_alloc), 1);
  m.expect_sound();
}

TEST(HugeFault, OnlyWhereTheModeAndTheAdviceAllowIt) {
  const auto huge = [](ThpMode mode, HugeAdvice advice) {
    Machine m(host_with(mode).build());
    const auto app = start_with(m, 512, advice);
    m.touch(app, 0, 1);
    return m.process(app).rss_anon == 512;
  };
  EXPECT_FALSE(huge(ThpMode::kNever, HugeAdvice::kWanted));
  EXPECT_FALSE(huge(ThpMode::kMadvise, HugeAdvice::kNone));
  EXPECT_TRUE(huge(ThpMode::kMadvise, HugeAdvice::kWanted));
  EXPECT_TRUE(huge(ThpMode::kAlways, HugeAdvice::kNone));
  EXPECT_FALSE(huge(ThpMode::kAlways, HugeAdvice::kUnwanted));
}

TEST(HugeFault, NotWhereTheProcessHasSwitchedThemOff) {
  Machine m(host_with(ThpMode::kAlways).build());
  const auto app = start_with(m, 512);
  m.process(app).thp_disabled = true;
  m.touch(app, 0, 1);
  EXPECT_EQ(m.process(app).rss_anon, 1);
}

TEST(HugeFault, OnlyInRangesThatOneMappingCovers) {
  Machine m(host_with(ThpMode::kAlways).build());
  const auto app = start_with(m, 1000, HugeAdvice::kNone, 100);
  m.touch(app, 100, 1);   // 0..511 begins before the mapping
  m.touch(app, 1099, 1);  // 1024..1535 ends behind it
  EXPECT_EQ(m.process(app).rss_anon, 2);
  m.touch(app, 600, 1);
  EXPECT_EQ(m.process(app).rss_anon, 2 + 512);
}

TEST(HugeFault, NotWhereSmallPagesHaveBeenBefore) {
  Machine m(host_with(ThpMode::kMadvise).build());
  const auto app = start_with(m, 512);
  m.touch(app, 0, 1);
  m.process(app).space.change(0, 512 << kPageShift, [](auto& mapping) { mapping.huge = HugeAdvice::kWanted; });
  m.touch(app, 1, 1);
  EXPECT_EQ(m.process(app).rss_anon, 2) << "the page table is there already";
}

TEST(HugeFault, AReadTakesNoMemory) {
  Machine m(host_with(ThpMode::kAlways).build());
  const auto app = start_with(m, 512);
  m.read(app, 0, 512);
  EXPECT_EQ(m.process(app).rss_anon, 0);
  EXPECT_EQ(m.count(Vmstat::pgfault), 1);
  m.touch(app, 3, 1);
  EXPECT_EQ(m.process(app).rss_anon, 1);
}

TEST(HugeFault, FallsBackToSmallPagesWhenNoBlockIsWhole) {
  host::HostSpec spec = host_with(ThpMode::kAlways).build();
  spec.nodes[0].zones[0].free_blocks = {20000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  Machine m(spec);
  const auto app = start_with(m, 1024);
  EXPECT_EQ(m.touch(app, 0, 1024), 1024);
  EXPECT_EQ(m.process(app).rss_anon, 1024);
  EXPECT_EQ(m.count(Vmstat::thp_fault_alloc), 0);
  EXPECT_EQ(m.count(Vmstat::thp_fault_fallback), 2) << "once for each page table that was missing";
}

TEST(HugeFault, CompactionMakesABlockForWhoAskedForIt) {
  host::HostSpec spec = host_with(ThpMode::kMadvise).build();
  spec.nodes[0].zones[0].free_blocks = {20000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  Machine m(spec);
  const auto app = start_with(m, 512, HugeAdvice::kWanted);
  m.touch(app, 0, 1);
  EXPECT_EQ(m.process(app).rss_anon, 512);
  EXPECT_EQ(m.count(Vmstat::compact_success), 1);
  EXPECT_EQ(m.count(Vmstat::allocstall_movable), 0);
}

TEST(HugeFault, AFullHostServesTheRestInSmallPagesAndThenKills) {
  Machine m(host_with(ThpMode::kAlways).set("vm.min_free_kbytes", 512).build());
  const auto app = start_with(m, 40000);
  const int64_t used = m.touch(app, 0, 40000);
  EXPECT_GT(used, 19000);
  EXPECT_GT(m.count(Vmstat::thp_fault_fallback), 0);
  EXPECT_EQ(m.outcome.oom_kills.size(), 1u);
}

TEST(HugeFault, StaysOnTheOwnNodeUnlessEffortIsAsked) {
  const auto on_the_other = [](ThpMode mode, ThpDefrag defrag) {
    Machine m(HostBuilder().plain_node(4000_pages).plain_node(20000_pages).huge_pages(mode, defrag).build());
    const auto app = start_with(m, 8192);
    m.touch(app, 0, 8192);
    int64_t huge = m.zone(1).huge_blocks;
    for (const host::Pcp& pcp : m.zone(1).pcp) huge -= pcp.huge_blocks;
    return huge;
  };
  EXPECT_EQ(on_the_other(ThpMode::kAlways, ThpDefrag::kMadvise), 0);
  EXPECT_GT(on_the_other(ThpMode::kAlways, ThpDefrag::kAlways), 0);
}

TEST(HugePage, GivenBackWholeItsBlockIsWholeAgain) {
  Machine m(host_with(ThpMode::kAlways).build());
  const auto app = start_with(m, 512);
  const int64_t before = whole_free_blocks(m.zone());
  m.touch(app, 0, 1);
  EXPECT_LT(whole_free_blocks(m.zone()), before);
  m.run([&] { zap_range(m.k, app, 0, 512); });
  drain_all_pages(m.host);
  EXPECT_EQ(whole_free_blocks(m.zone()), before);
  EXPECT_FALSE(m.process(app).space.has_leaf(0)) << "its page table goes with it";
  m.touch(app, 0, 1);
  EXPECT_EQ(m.count(Vmstat::thp_fault_alloc), 2);
}

TEST(HugePage, UnmappedInPartItIsSplitAndTheRestStays) {
  Machine m(host_with(ThpMode::kAlways).build());
  const auto app = start_with(m, 512);
  m.touch(app, 0, 1);
  m.run([&] { zap_range(m.k, app, 100, 200); });
  EXPECT_EQ(m.process(app).rss_anon, 412);
  EXPECT_EQ(m.count(Vmstat::thp_split_pmd), 1);
  EXPECT_EQ(m.process(app).space.huge_leaves, 0);
  m.expect_sound();
}

TEST(HugePage, OneUseIsAUseOfAllItsPages) {
  Machine m(host_with(ThpMode::kAlways).build());
  const auto app = start_with(m, 512);
  m.touch(app, 0, 1);
  const auto young_pages = [&] {
    int young = 0;
    for (uint64_t vpn = 0; vpn < 512; ++vpn)
      young += clear_young(m.k, m.host.pages[m.process(app).space.get(vpn).page()]);
    return young;
  };
  EXPECT_EQ(young_pages(), 512);
  EXPECT_EQ(young_pages(), 0);
  m.read(app, 77, 1);
  EXPECT_EQ(young_pages(), 512);
}

TEST(HugePage, GoesThroughReclaimAsAWhole) {
  Machine m(HostBuilder().plain_node(6000_pages).swap(32_MiB).huge_pages(ThpMode::kAlways).build());
  const auto app = start_with(m, 8192);
  m.touch(app, 0, 4096);
  ScanControl sc;
  m.run([&] {
    SwapPlug plug(m.k);
    while (m.process(app).swap_entries == 0) shrink_inactive_list(m.k, 0, host::kRootCgroup, 32, false, sc);
  });
  EXPECT_EQ(m.process(app).swap_entries, 512) << "32 pages were asked for";
}

TEST(HugePage, IsSplitForADiskAndWrittenWholeToADeviceWithoutMovingParts) {
  for (const bool rotational : {true, false}) {
    host::HostSpec spec = HostBuilder().plain_node(6000_pages).swap(32_MiB).huge_pages(ThpMode::kAlways).build();
    spec.swaps[0].rotational = rotational;
    Machine m(spec);
    const auto app = start_with(m, 8192);
    EXPECT_EQ(m.touch(app, 0, 8192), 8192);
    EXPECT_EQ(m.count(Vmstat::thp_split_page) > 0, rotational);
    EXPECT_EQ(m.count(Vmstat::thp_swpout_fallback) > 0, rotational);
    EXPECT_EQ(m.count(Vmstat::thp_swpout) > 0, !rotational);
    m.expect_sound();
  }
}

TEST(HugePage, AWriteAfterForkCopiesOneSmallPage) {
  Machine m(host_with(ThpMode::kAlways).build());
  const auto app = start_with(m, 512);
  m.touch(app, 0, 1);
  const auto child = m.start(101);
  m.run([&] { copy_address_space(m.k, app, child); }, 0, 100);
  EXPECT_EQ(m.host.guest_anon, 512);
  m.touch(app, 7, 1);
  EXPECT_EQ(m.host.guest_anon, 513);
  EXPECT_EQ(m.process(app).space.huge_leaves, 0);
  m.expect_sound();
}

TEST(HugePage, IsChargedToTheGroupAllAtOnceOrNotAtAll) {
  host::HostSpec spec = HostBuilder().plain_node(20000_pages).limit(1_MiB).huge_pages(ThpMode::kAlways).build();
  Machine m(spec);
  const auto app = start_with(m, 512);
  m.process(app).cgroup = m.host.app_cgroup;
  m.touch(app, 0, 100);
  EXPECT_EQ(m.process(app).rss_anon, 100);
  EXPECT_EQ(m.count(Vmstat::thp_fault_fallback_charge), 1);
  m.expect_sound();
}

}  // namespace
}  // namespace oomcast::mm
