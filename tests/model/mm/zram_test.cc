// Swapping to compressed memory has its cost. The memory it takes, no wait for a disk, and no readahead.
#include "model/mm/zram.h"

#include <gtest/gtest.h>

#include "model/mm/page_alloc.h"
#include "model/mm/shrink_lists.h"
#include "model/mm/swap.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

struct Zram : testing::Test {
  explicit Zram(Pages memory = 20000_pages) : m(spec(memory), Kswapd::kAbsent), app(m.start(100)) {}
  static host::HostSpec spec(Pages memory) {
    host::HostSpec spec = HostBuilder().plain_node(memory).swap(64_MiB).build();
    spec.swaps[0].rotational = false;
    spec.swaps[0].zram_percent = 40;
    spec.swaps[0].times = {2_us, 6_us, 64_us, 192_us};
    return spec;
  }
  // The first pass finds every page young; gives what the later ones freed.
  int64_t squeeze(int passes) {
    const int64_t before = m.count(Vmstat::pgsteal_anon);
    for (int pass = 0; pass < passes; ++pass) {
      m.run([&] {
        m.k.sched.current().memalloc = true;
        SwapPlug plug(m.k);
        ScanControl sc;
        for (int i = 0; i < 10; ++i) shrink_inactive_list(m.k, 0, host::kRootCgroup, 10, false, sc);
        plug.flush();
      });
    }
    return m.count(Vmstat::pgsteal_anon) - before;
  }
  host::SwapDevice& device() { return m.host.swaps[0]; }
  Machine m;
  host::ProcessIndex app;
};

TEST_F(Zram, APageIsFreeInThePassThatWritesIt) {
  m.touch(app, 0, 100);
  EXPECT_EQ(squeeze(2), 100);
  EXPECT_EQ(m.count(Vmstat::pswpout), 100);
  EXPECT_EQ(m.count(Vmstat::pgrotated), 0);
  EXPECT_TRUE(m.disks.idle());
}

TEST_F(Zram, WhatIsStoredTakesMemory) {
  m.touch(app, 0, 100);
  const int64_t free = m.available();
  squeeze(2);
  EXPECT_EQ(device().zram_pool.size(), 40u);
  EXPECT_EQ(m.available(), free + 100 - 40);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST_F(Zram, APageIsReadBackAloneAndItsSlotIsFree) {
  m.touch(app, 0, 100);
  squeeze(2);
  const Nanoseconds begin = m.sched.now();
  m.read(app, 50, 1);
  EXPECT_LT(m.sched.now() - begin, 50_us);
  EXPECT_EQ(m.count(Vmstat::pswpin), 1);
  EXPECT_EQ(m.count(Vmstat::swap_ra), 0);
  EXPECT_EQ(m.process(app).swap_entries, 99);
  EXPECT_FALSE(m.page(app, 50).has(host::kPageSwapCache));
  EXPECT_EQ(device().zram_stored, 99);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST_F(Zram, UnmappingGivesTheMemoryBack) {
  m.touch(app, 0, 100);
  const int64_t free = m.available();
  squeeze(2);
  m.run([&] { zap_range(m.k, app, 0, 100); });
  EXPECT_EQ(device().zram_pool.size(), 0u);
  EXPECT_EQ(m.available(), free + 100);
}

TEST_F(Zram, ASharedPageComesBackThroughTheSwapCache) {
  m.touch(app, 0, 100);
  squeeze(2);
  const auto child = m.start(101);
  m.run([&] { copy_address_space(m.k, app, child); });
  m.read(app, 50, 1);
  EXPECT_TRUE(m.page(app, 50).has(host::kPageSwapCache));
}

struct ZramInLittleMemory : Zram {
  ZramInLittleMemory() : Zram(600_pages) {}
};

TEST_F(ZramInLittleMemory, APageStaysWhenThereIsNoMemoryToStoreItIn) {
  m.touch(app, 0, 100);
  squeeze(1);
  // Everything else is taken by somebody who may use the last page.
  m.run([&] {
    m.k.sched.current().memalloc = true;
    while (alloc_page(m.k, kGfpHighUserMovable, 0).ok()) {
    }
  });
  m.run([&] {
    m.k.sched.current().memalloc = true;
    SwapPlug plug(m.k);
    ScanControl sc;
    EXPECT_EQ(shrink_inactive_list(m.k, 0, host::kRootCgroup, 10, false, sc), 0);
  });
  EXPECT_EQ(device().zram_stored, 0);
  EXPECT_EQ(m.count(Vmstat::pswpout), 0);
}

}  // namespace
}  // namespace oomcast::mm
