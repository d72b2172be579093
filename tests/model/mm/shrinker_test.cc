// A pass of reclaim scans dentries and inodes, and frees slab memory with them.
#include "model/mm/shrinker.h"

#include <gtest/gtest.h>

#include "model/mm/direct_reclaim.h"
#include "model/mm/memcg.h"
#include "model/mm/page_alloc.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

// Dentries without inodes, 21 to a page.
struct Dentries : testing::Test {
  explicit Dentries(const host::HostSpec& spec = host(100000).build()) : m(spec, Kswapd::kAbsent) {}
  static HostBuilder host(int64_t dentries) { return HostBuilder().plain_node(20000_pages).dentries(dentries, 0); }
  void TearDown() override { EXPECT_EQ(m.audit(), std::vector<std::string>{}); }

  int64_t shrink(int priority) {
    int64_t freed = 0;
    m.run([&] { freed = shrink_slab(m.k, 0, priority); });
    return freed;
  }
  int64_t left() { return m.node().vfs_cache.dentries; }
  int64_t scanned() const { return m.count(Vmstat::slabs_scanned); }

  Machine m;
};

TEST_F(Dentries, APassThatAsksForLessThanABatchPutsItOff) {
  EXPECT_EQ(shrink(12), 0) << "100000 / 2^12 * 2 = 48 of a batch of 1024";
  EXPECT_EQ(scanned(), 0);
  EXPECT_EQ(m.node().vfs_cache.deferred, 48);
  EXPECT_EQ(shrink(12), 0) << "and what was put off counts for the next pass by its priority, too";
  EXPECT_EQ(m.node().vfs_cache.deferred, 96);
}

TEST_F(Dentries, EachStepOfPriorityDoublesWhatIsScannedInWholeBatches) {
  EXPECT_GT(shrink(6), 0);
  EXPECT_EQ(scanned(), 3 * 1024) << "of 3124";
  EXPECT_EQ(m.node().vfs_cache.deferred, 52);
  shrink(5);
  EXPECT_EQ(scanned(), 3 * 1024 + 5 * 1024) << "of 96928 / 2^5 * 2 = 6058 and a 32nd of 52";
}

TEST_F(Dentries, ComeFreeAsSlabPages) {
  const int64_t free = m.available(), slab = m.node().slab_reclaimable;
  const int64_t freed = shrink(6);
  EXPECT_EQ(100000 - left(), 3 * 1024);
  EXPECT_EQ(freed, 3072 * 195 / 4096);
  EXPECT_EQ(m.available() - free, freed);
  EXPECT_EQ(slab - m.node().slab_reclaimable, freed);
  EXPECT_EQ(m.count(Vmstat::pgsteal_direct) + m.count(Vmstat::pgsteal_kswapd), 0) << "slab is no page that was stolen";
}

TEST_F(Dentries, TheLastOnesGoInOneBatchHoweverFew) {
  shrink(0);
  EXPECT_EQ(left(), 0);
  EXPECT_EQ(m.node().vfs_cache.pages_in_zones(), 0);
  EXPECT_EQ(shrink(0), 0) << "an empty list is not scanned";
}

TEST_F(Dentries, CachePressureSaysHowMuchOfThemCounts) {
  Machine none(host(100000).set("vm.vfs_cache_pressure", 0).build(), Kswapd::kAbsent);
  none.run([&] { EXPECT_EQ(shrink_slab(none.k, 0, 0), 0); });
  EXPECT_EQ(none.count(Vmstat::slabs_scanned), 0) << "0: never";
  Machine twice(host(100000).set("vm.vfs_cache_pressure", 200).build(), Kswapd::kAbsent);
  twice.run([&] { shrink_slab(twice.k, 0, 6); });
  EXPECT_EQ(twice.count(Vmstat::slabs_scanned), 6 * 1024);
}

// An inode is kept as long as its dentry is: it takes another round to get rid of it.
TEST(Inodes, FollowTheirDentries) {
  Machine m(HostBuilder().plain_node(20000_pages).dentries(20000).build(), Kswapd::kAbsent);
  host::VfsCache& cache = m.node().vfs_cache;
  m.run([&] { shrink_slab(m.k, 0, 4); });
  EXPECT_EQ(m.count(Vmstat::slabs_scanned), 2048) << "of 20000 / 2^4 * 2 = 2500";
  EXPECT_EQ(cache.held_inodes, cache.dentries);
  EXPECT_GT(cache.inodes, 1000) << "their own turn comes when they are on the list";
  for (int pass = 0; pass < 3; ++pass) m.run([&] { shrink_slab(m.k, 0, 0); });
  EXPECT_EQ(cache.dentries + cache.inodes + cache.held_inodes, 0);
  EXPECT_EQ(m.node().slab_reclaimable, 0);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

// Slab alone counts as progress: the round is no futile one.
TEST(SlabInReclaim, IsWhatDirectReclaimGotBack) {
  Machine m(HostBuilder().plain_node(20000_pages).dentries(100000, 0).build(), Kswapd::kAbsent);
  int64_t reclaimed = 0;
  m.run([&] { reclaimed = try_to_free_pages(m.k, kGfpHighUserMovable, 0); });
  EXPECT_GE(reclaimed, 32);
  EXPECT_GT(m.count(Vmstat::slabs_scanned), 0);
}

TEST(SlabInReclaim, KeepsKswapdFromGivingUp) {
  Machine m(HostBuilder().plain_node(20000_pages).dentries(400000, 0).build());
  const auto app = m.start(100);
  m.touch(app, 0, 15000);
  m.pass(Nanoseconds(1'000'000'000));
  EXPECT_GT(m.count(Vmstat::slabs_scanned), 0);
  EXPECT_EQ(m.node().kswapd_failures, 0);
  EXPECT_TRUE(m.process(app).alive) << "without its 19000 pages of dentries the host has room";
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST(SlabInReclaim, OfACgroupLeavesTheHostsAlone) {
  Machine m(HostBuilder().plain_node(20000_pages).dentries(100000, 0).limit(4_MiB).build(), Kswapd::kAbsent);
  m.run([&] { try_to_free_cgroup_pages(m.k, m.host.app_cgroup, 32); });
  EXPECT_EQ(m.count(Vmstat::slabs_scanned), 0);
}

}  // namespace
}  // namespace oomcast::mm
