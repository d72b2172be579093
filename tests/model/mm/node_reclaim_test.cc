// A full local node is reclaimed before the neighbour's memory is used.
#include "model/mm/node_reclaim.h"

#include <gtest/gtest.h>

#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

host::HostSpec two_nodes(int mode) {
  return HostBuilder()
      .plain_node(20000_pages)
      .page_cache(10000_pages)
      .plain_node(20000_pages)
      .set("vm.zone_reclaim_mode", mode)
      .build();
}

TEST(NodeReclaim, OffMeansThatAFullNodeSpills) {
  Machine m(two_nodes(0), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 15000);
  EXPECT_GT(m.count(Vmstat::numa_miss), 4000);
  EXPECT_EQ(m.count(Vmstat::pgsteal_direct), 0);
}

TEST(NodeReclaim, OnMeansThatTheLocalCacheGoesFirst) {
  Machine m(two_nodes(1), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 15000);
  EXPECT_LT(m.count(Vmstat::numa_miss), 500);
  EXPECT_GT(m.count(Vmstat::pgsteal_direct), 4000);
  EXPECT_EQ(m.count(Vmstat::allocstall_movable), 0) << "node reclaim is no allocation stall";
  EXPECT_TRUE(m.outcome.direct_reclaim.has_value());
}

// lru_gen_shrink_node() wants to be allowed both; each round that may takes a batch of 64.
TEST(NodeReclaim, WithTheMultiGenLruItWorksOnlyIfItMayWriteAndUnmap) {
  for (const int mode : {1, 3, 5, 7}) {
    host::HostSpec spec = two_nodes(mode);
    spec.kernel = {6, 12};
    spec.lru = host::LruKind::kMultiGen;
    Machine m(spec, Kswapd::kAbsent);
    const auto app = m.start(100);
    m.touch(app, 0, 15000);
    EXPECT_EQ(m.count(Vmstat::pgsteal_direct), 64 * m.count(Vmstat::zone_reclaim_success)) << "mode " << mode;
    EXPECT_EQ(m.count(Vmstat::zone_reclaim_success) > 60, mode == 7) << "mode " << mode;
    EXPECT_EQ(m.count(Vmstat::numa_miss) < 500, mode == 7) << "mode " << mode;
  }
}

TEST(NodeReclaim, LeavesOnePercentOfTheNodeAsCache) {
  Machine m(two_nodes(1), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 25000);
  EXPECT_GE(m.list(host::LruKindIndex::kInactiveFile), 100);
  EXPECT_GT(m.count(Vmstat::numa_miss), 1000) << "what was left of the cache is not worth it";
}

// vm.min_slab_ratio: 5 % of the node.
TEST(NodeReclaim, TakesSlabWhereThereIsMuchOfIt) {
  const auto stolen_slab = [](int ratio) {
    Machine m(HostBuilder()
                  .plain_node(20000_pages)
                  .dentries(84000, 0)
                  .plain_node(20000_pages)
                  .set("vm.zone_reclaim_mode", 1)
                  .set("vm.min_slab_ratio", ratio)
                  .build(),
              Kswapd::kAbsent);
    const int64_t before = m.node().slab_reclaimable;
    const auto app = m.start(100);
    m.touch(app, 0, 18000);
    return before - m.node().slab_reclaimable;
  };
  EXPECT_GT(stolen_slab(5), 1500) << "4000 pages of dentries are more than 1000";
  EXPECT_EQ(stolen_slab(25), 0);
}

TEST(NodeReclaim, AFarNodeIsReclaimedByNobodyElse) {
  auto spec = two_nodes(1);
  spec.nodes[0].distance = {10, 40};
  spec.nodes[1].distance = {40, 10};
  Machine m(spec, Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 3000, true, 1);
  EXPECT_EQ(m.count(Vmstat::pgsteal_direct), 0);
}

}  // namespace
}  // namespace oomcast::mm
