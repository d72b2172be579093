// cgroup v1 limits memory and swap together, has a swappiness of its own for each group, and may forbid to kill.
#include <gtest/gtest.h>

#include "model/mm/memcg.h"
#include "tests/support/limited_group.h"

namespace oomcast::mm {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::LimitedGroup;
using namespace oomcast::literals;

// 16 MiB of memory, on a host with 64 MiB of swap.
host::HostSpec limited() {
  auto spec = HostBuilder().plain_node(20000_pages).swap(64_MiB).limit(16_MiB).build();
  spec.cgroup.v1 = true;
  return spec;
}

TEST(MemcgV1, SwapIsFreeAndTheLimitOfMemoryAndSwapKills) {
  auto spec = limited();
  spec.cgroup.memory_memsw_max = 20 << 20;
  LimitedGroup c{spec};
  const int64_t used = c.m.touch(c.app, 0, 8000);
  EXPECT_LT(used, 5120);
  EXPECT_GT(used, 4900) << "20 MiB less page tables";
  ASSERT_EQ(c.m.outcome.oom_kills.size(), 1u);
  const sim::GroupState& at = c.m.outcome.oom_kills[0].incident.group.value();
  EXPECT_TRUE(at.at_memsw);
  EXPECT_EQ(at.memsw_usage, at.memsw_max);
  EXPECT_GT(c.m.host.free_swap(), 10000);
  EXPECT_GT(c.group().memsw_failcnt, 16) << "every futile round is a hit";
}

TEST(MemcgV1, WithoutALimitOnTheSumAllOfSwapIsTheGroups) {
  LimitedGroup c{limited()};
  EXPECT_EQ(c.m.touch(c.app, 0, 8000), 8000);
  EXPECT_TRUE(c.m.outcome.oom_kills.empty());
}

TEST(MemcgV1, TheSumCountsAPageOnceWhereverItIs) {
  LimitedGroup c{limited()};
  c.m.touch(c.app, 0, 6000);
  const int64_t all = c.group().memsw_usage() - c.group().parked();
  EXPECT_GT(c.group().swap_usage, 1500) << "slots whose page has left memory";
  c.m.touch(c.app, 0, 3000);
  EXPECT_NEAR(static_cast<double>(c.group().memsw_usage() - c.group().parked()), static_cast<double>(all), 2)
      << "swapped in and out, nothing new";
}

TEST(MemcgV1, TheGroupsOwnSwappinessCounts) {
  auto spec = limited();
  spec.cgroup.memory_swappiness = 0;
  LimitedGroup c{spec};
  c.m.touch(c.app, 0, 6000);
  EXPECT_EQ(c.m.count(Vmstat::pswpout), 0);
  ASSERT_EQ(c.m.outcome.oom_kills.size(), 1u);
  EXPECT_EQ(c.m.outcome.oom_kills[0].shortage.swappiness, 0);
}

TEST(MemcgV1, AndNotThatOfTheHost) {
  auto spec = limited();
  spec.vm.swappiness = 0;
  spec.cgroup.memory_swappiness = 60;
  LimitedGroup c{spec};
  EXPECT_EQ(c.m.touch(c.app, 0, 6000), 6000);
  EXPECT_GT(c.m.count(Vmstat::pswpout), 1500);
}

TEST(MemcgV1, WhereNobodyIsKilledWhoeverMeetsTheLimitWaits) {
  auto spec = limited();
  spec.cgroup.memory_memsw_max = 16 << 20;
  spec.cgroup.memory_oom_kill_disable = true;
  LimitedGroup c{spec};
  c.m.touch(c.app, 0, 6000);
  EXPECT_EQ(c.m.count(Vmstat::oom_kill), 0);
  EXPECT_TRUE(c.m.process(c.app).stuck_at.has_value());
  ASSERT_EQ(c.m.outcome.oom_kills.size(), 1u);
  EXPECT_EQ(c.m.outcome.oom_kills[0].end, sim::OomEnd::kNobody);
  EXPECT_TRUE(c.m.outcome.oom_kills[0].kill_disabled);
  EXPECT_TRUE(c.m.outcome.oom_kills[0].dmesg.empty()) << "the kernel logs nothing";
}

TEST(MemcgV1, AGroupOfAHostWithV1IsOneOfV1UnlessALimitOfV2SaysOtherwise) {
  auto spec = limited();
  spec.cgroup.v1 = false;
  spec.cgroup_version = 1;
  EXPECT_TRUE(LimitedGroup{spec}.group().v1);
  spec.cgroup.memory_swap_max = 4 << 20;
  EXPECT_FALSE(LimitedGroup{spec}.group().v1);
}

TEST(MemcgV1, PointsAreAShareOfMemoryAndSwapTogether) {
  auto spec = limited();
  spec.cgroup.memory_memsw_max = 20 << 20;
  LimitedGroup c{spec};
  EXPECT_EQ(cgroup_totalpages(c.m.k, c.m.host.app_cgroup), 5120);
  c.group().swappiness = 0;
  EXPECT_EQ(cgroup_totalpages(c.m.k, c.m.host.app_cgroup), 4096);
}

}  // namespace
}  // namespace oomcast::mm
