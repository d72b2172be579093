// zswap keeps what is swapped, for a part of the memory that it takes. What it keeps, whom it charges, what comes back.
#include "model/mm/zswap.h"

#include <gtest/gtest.h>

#include "model/mm/fault.h"
#include "tests/support/zswap_machine.h"

namespace oomcast::mm {
namespace {

using host::Vmstat;
using host::Zpool;
using support::zswap_host;
using support::zswap_host_612;
using support::ZswapMachine;
const std::vector<std::string> kAddsUp;

TEST(Zswap, APageIsFreeInThePassThatStoresIt) {
  ZswapMachine m(zswap_host(Zpool::kZsmalloc));
  m.touch(m.app, 0, 100);
  const int64_t free = m.available();
  EXPECT_EQ(m.squeeze(2), 100);
  EXPECT_EQ(m.count(Vmstat::zswpout), 100);
  EXPECT_EQ(m.count(Vmstat::pswpout), 0);
  EXPECT_EQ(m.count(Vmstat::nr_vmscan_write), 100);
  EXPECT_TRUE(m.disks.idle());
  EXPECT_EQ(m.pool(), 40);
  EXPECT_EQ(m.zswap().slab.size(), 2u);  // 64 entries to a page
  EXPECT_EQ(m.available(), free + 100 - 40 - 2);
  EXPECT_EQ(m.audit(), kAddsUp);
}

TEST(Zswap, WithoutItPagesGoToTheDevice) {
  host::HostSpec spec = zswap_host(Zpool::kZsmalloc);
  spec.zswap.enabled = false;
  ZswapMachine m(spec);
  m.touch(m.app, 0, 100);
  m.squeeze(2);
  EXPECT_EQ(m.count(Vmstat::zswpout), 0);
  EXPECT_EQ(m.count(Vmstat::pswpout), 100);
}

TEST(Zswap, WithoutItAGroupsWritebackFileForbidsNothing) {
  host::HostSpec spec = zswap_host_612(Zpool::kZsmalloc);
  spec.zswap.enabled = false;
  spec.cgroup.present = true;
  spec.cgroup.memory_zswap_writeback = false;
  ZswapMachine m(spec);
  EXPECT_TRUE(zswap_writeback_enabled(m.k, host::CgroupIndex(1)));
}

TEST(Zswap, WhatItTakesOfTheKernelsOwnBlocksGoesBackThere) {
  ZswapMachine m(zswap_host(Zpool::kZbud));
  m.touch(m.app, 0, 1000);
  constexpr int64_t kUnmovable = 2000;  // more than it takes: no block is stolen
  m.zone().other_free.unmovable = kUnmovable;
  m.squeeze(2);
  EXPECT_LE(m.zone().other_free.unmovable, kUnmovable - 500);
  m.run([&] { exit_process(m.k, m.app); });
  EXPECT_LE(m.pool(), 32) << "a CPU keeps up to 64 slots that are free, two to a page";
  const auto entries = static_cast<int64_t>(m.zswap().slab.size());
  EXPECT_GE(m.zone().other_free.unmovable + m.pool() + entries, kUnmovable);
}

TEST(Zswap, In61APageThatIsReadBackStaysStored) {
  ZswapMachine m(zswap_host(Zpool::kZbud));
  m.touch(m.app, 0, 100);
  m.squeeze(2);
  m.read(m.app, 50, 1);
  EXPECT_EQ(m.count(Vmstat::pswpin), 0);
  EXPECT_GE(m.count(Vmstat::zswpin), 1);
  EXPECT_EQ(m.zswap().stored, 100);
  EXPECT_FALSE(m.page(m.app, 50).has(host::kPageDirty));
  EXPECT_EQ(m.audit(), kAddsUp);
}

TEST(Zswap, In612APageThatIsReadBackIsStoredNoMore) {
  ZswapMachine m(zswap_host_612(Zpool::kZbud));
  m.touch(m.app, 0, 100);
  m.squeeze(2);
  m.read(m.app, 50, 1);
  EXPECT_EQ(m.zswap().stored, 100 - m.count(Vmstat::zswpin));
  EXPECT_TRUE(m.page(m.app, 50).has(host::kPageDirty));
  EXPECT_EQ(m.audit(), kAddsUp);
}

TEST(Zswap, ReadingBackTakesTheTimeToDecompressAndNoWaitForTheDevice) {
  ZswapMachine m(zswap_host(Zpool::kZbud));
  m.touch(m.app, 0, 8);
  m.squeeze(2);
  const Nanoseconds begin = m.sched.now();
  m.read(m.app, 0, 1);
  EXPECT_LT(m.sched.now() - begin, Nanoseconds(100'000));  // one read of the device
  EXPECT_TRUE(m.disks.idle());
}

TEST(Zswap, UnmappingGivesTheMemoryBack) {
  ZswapMachine m(zswap_host(Zpool::kZbud));
  m.touch(m.app, 0, 100);
  const int64_t free = m.available();
  m.squeeze(2);
  m.run([&] { zap_range(m.k, m.app, 0, 100); });
  // 6.1 forgets the entries when the slots leave the CPU's cache, 64 at a time.
  EXPECT_EQ(m.zswap().stored, 100 - 64);
  EXPECT_EQ(m.audit(), kAddsUp);
  EXPECT_GT(m.available(), free + 100 - 64);
}

TEST(Zswap, In612AnEntryGoesWithItsSlotAtOnce) {
  ZswapMachine m(zswap_host_612(Zpool::kZsmalloc));
  m.touch(m.app, 0, 100);
  const int64_t free = m.available();
  m.squeeze(2);
  m.run([&] { zap_range(m.k, m.app, 0, 100); });
  EXPECT_EQ(m.zswap().stored, 0);
  EXPECT_EQ(m.pool(), 0);
  EXPECT_EQ(m.available(), free + 100);
}

TEST(Zswap, AFullPoolTakesNothingUntilItHasShrunkToItsThreshold) {
  ZswapMachine m(zswap_host_612(Zpool::kZsmalloc, Pages(4000)));  // 400 pages of pool: 1000 entries
  const int64_t most = zswap_max_pages(m.k);
  m.touch(m.app, 0, 1500);
  m.squeeze(2);
  EXPECT_EQ(m.pool(), most);
  EXPECT_TRUE(m.zswap().reached_full);
  EXPECT_GT(m.zswap().pool_limit_hit, 0);
  EXPECT_EQ(m.count(Vmstat::zswpout) + m.count(Vmstat::pswpout), 1500);
  const int64_t stored = m.count(Vmstat::zswpout);
  m.run([&] { zap_range(m.k, m.app, 0, 50); });  // 20 pages of the pool: not yet a tenth of it
  m.touch(m.app, 2000, 10);
  m.squeeze(2);
  EXPECT_EQ(m.count(Vmstat::zswpout), stored);
  m.run([&] { zap_range(m.k, m.app, 50, 100); });
  m.touch(m.app, 3000, 10);
  m.squeeze(2);
  EXPECT_EQ(m.count(Vmstat::zswpout), stored + 10);
  EXPECT_EQ(m.audit(), kAddsUp);
}

TEST(Zswap, In61ThePoolGoesOnePageOverItsLimit) {
  ZswapMachine m(zswap_host(Zpool::kZsmalloc, Pages(4000)));
  m.touch(m.app, 0, 1500);
  m.squeeze(2);
  EXPECT_EQ(m.pool(), zswap_max_pages(m.k) + 1);
}

TEST(Zswap, WhatThePoolHeldBeforeCountsAgainstItsLimit) {
  host::HostSpec spec = zswap_host_612(Zpool::kZsmalloc, Pages(4000));
  spec.zswap.pool = Pages(300);
  ZswapMachine m(spec);
  m.touch(m.app, 0, 1000);
  m.squeeze(2);
  EXPECT_EQ(m.pool(), zswap_max_pages(m.k) - 300);
}

TEST(Zswap, PagesOfOneValueTakeNoPoolPage) {
  host::HostSpec spec = zswap_host(Zpool::kZsmalloc);
  spec.zswap.same_filled_percent = 50;
  ZswapMachine m(spec);
  m.touch(m.app, 0, 100);
  m.squeeze(2);
  EXPECT_EQ(m.count(Vmstat::zswpout), 100);
  EXPECT_EQ(m.pool(), 20);
  EXPECT_EQ(m.zswap().stored, 100);
  EXPECT_EQ(m.audit(), kAddsUp);
}

TEST(Zswap, In612PagesOfZerosAreABitOfTheDevice) {
  host::HostSpec spec = zswap_host_612(Zpool::kZsmalloc);
  spec.zswap.same_filled_percent = 100;
  ZswapMachine m(spec);
  m.touch(m.app, 0, 100);
  m.squeeze(2);
  EXPECT_EQ(m.count(Vmstat::swpout_zero), 100);
  EXPECT_EQ(m.count(Vmstat::zswpout), 0);
  EXPECT_EQ(m.zswap().slab.size(), 0u);
  m.read(m.app, 50, 1);
  EXPECT_GE(m.count(Vmstat::swpin_zero), 1);
  EXPECT_EQ(m.count(Vmstat::pswpin) + m.count(Vmstat::zswpin), 0);
  EXPECT_EQ(m.audit(), kAddsUp);
}

struct ZswapOfAGroup : testing::Test {
  static host::HostSpec in_group(host::HostSpec spec) {
    spec.cgroup.present = true;
    spec.cgroup.memory_max = 300 * kPageBytes;
    return spec;
  }
  static void join(ZswapMachine& m) { m.process(m.app).cgroup = m.host.app_cgroup; }
  static host::Cgroup& group(ZswapMachine& m) { return m.host.cgroups[m.host.app_cgroup]; }
};

TEST_F(ZswapOfAGroup, ItIsChargedForTheCompressedBytes) {
  ZswapMachine m(in_group(zswap_host(Zpool::kZbud)));
  join(m);
  m.touch(m.app, 0, 400);
  const int64_t stored = m.zswap().stored;
  EXPECT_GT(stored, 100);
  EXPECT_EQ(group(m).zswapped, stored);
  EXPECT_EQ(group(m).zswap_bytes, stored * (kPageBytes * 40 / 100));
  EXPECT_EQ(group(m).zswap_charged, (group(m).zswap_bytes + kPageBytes - 1) / kPageBytes);
  EXPECT_LE(group(m).usage, 300);
  EXPECT_EQ(group(m).stat[Vmstat::zswpout], m.count(Vmstat::zswpout));
  EXPECT_EQ(m.audit(), kAddsUp);
}

TEST_F(ZswapOfAGroup, Above61sZswapMaxItsPagesGoToTheDevice) {
  host::HostSpec spec = in_group(zswap_host(Zpool::kZbud));
  spec.cgroup.memory_zswap_max = 20 * kPageBytes;
  ZswapMachine m(spec);
  join(m);
  m.touch(m.app, 0, 400);
  EXPECT_LE(group(m).zswap_bytes, 21 * kPageBytes);
  EXPECT_GT(m.count(Vmstat::pswpout), 0);
  EXPECT_EQ(m.count(Vmstat::zswpwb), 0);
  EXPECT_EQ(m.audit(), kAddsUp);
}

TEST_F(ZswapOfAGroup, At612sZswapMaxItsOldestMakeRoom) {
  host::HostSpec spec = in_group(zswap_host_612(Zpool::kZsmalloc));
  spec.cgroup.memory_zswap_max = 20 * kPageBytes;
  ZswapMachine m(spec);
  join(m);
  m.touch(m.app, 0, 400);
  EXPECT_GT(m.count(Vmstat::zswpwb), 0);
  EXPECT_LE(group(m).zswap_bytes, 21 * kPageBytes);
  EXPECT_EQ(group(m).stat[Vmstat::zswpwb], m.count(Vmstat::zswpwb));
  EXPECT_EQ(m.audit(), kAddsUp);
}

TEST_F(ZswapOfAGroup, WithoutWritebackNothingOfItGetsToTheDevice) {
  host::HostSpec spec = in_group(zswap_host_612(Zpool::kZsmalloc));
  spec.cgroup.memory_zswap_max = 20 * kPageBytes;
  spec.cgroup.memory_zswap_writeback = false;
  spec.cgroup.memory_max = 390 * kPageBytes;
  ZswapMachine m(spec);
  join(m);
  m.touch(m.app, 0, 400);
  EXPECT_EQ(m.count(Vmstat::pswpout), 0);
  EXPECT_EQ(m.count(Vmstat::zswpwb), 0);
}

}  // namespace
}  // namespace oomcast::mm
