// A memory limit holds for the program inside it and leaves alone what is outside.
#include "model/mm/memcg.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/mm/vmscan.h"
#include "tests/support/limited_group.h"

namespace oomcast::mm {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

struct Group : support::LimitedGroup {
  explicit Group(HostBuilder builder) : LimitedGroup(builder.limit(16_MiB).build()) {}
  explicit Group(const host::HostSpec& spec) : LimitedGroup(spec) {}
};

TEST(Memcg, ChargesPagesTablesAndAStockOf64) {
  Group c{HostBuilder().plain_node(20000_pages)};
  c.m.touch(c.app, 0, 10);
  EXPECT_EQ(c.group().usage, 64) << "one batch covers ten pages and three tables";
  EXPECT_EQ(c.group().parked(), 64 - 13);
  c.m.touch(c.app, 10, 60);
  EXPECT_EQ(c.group().usage, 128);
}

TEST(Memcg, WithoutSwapTheGroupIsKilledAtItsLimitAndTheHostNeverReclaims) {
  Group c{HostBuilder().plain_node(20000_pages)};
  const int64_t used = c.m.touch(c.app, 0, 8000);
  EXPECT_LT(used, 4096);
  EXPECT_GT(used, 4000) << "16 MiB less page tables";
  ASSERT_EQ(c.m.outcome.oom_kills.size(), 1u);
  EXPECT_EQ(c.m.outcome.oom_kills[0].incident.scope, sim::Scope::kCgroup);
  EXPECT_EQ(c.group().events.oom_kill, 1);
  EXPECT_GT(c.group().events.max, 16) << "every futile round is a hit of memory.max";
  EXPECT_EQ(c.m.count(Vmstat::allocstall_movable), 0);
  EXPECT_EQ(c.m.count(Vmstat::pgscan_direct), 0) << "cgroup reclaim does not count as the host's";
}

TEST(Memcg, WithSwapTheGroupSwapsItsOwnPages) {
  Group c{HostBuilder().plain_node(20000_pages).swap(64_MiB)};
  EXPECT_EQ(c.m.touch(c.app, 0, 6000), 6000);
  EXPECT_LE(c.group().usage, c.group().max);
  EXPECT_GT(c.m.count(Vmstat::pswpout), 1500);
  EXPECT_GT(c.m.count(Vmstat::pgscan_anon), 0);
  EXPECT_EQ(c.m.count(Vmstat::pgscan_direct), 0);
  ASSERT_TRUE(c.m.outcome.direct_reclaim.has_value());
  EXPECT_EQ(c.m.outcome.direct_reclaim->scope, sim::Scope::kCgroup);
}

TEST(Memcg, ASwapLimitOfZeroLeavesOnlyTheKiller) {
  auto spec = HostBuilder().plain_node(20000_pages).swap(64_MiB).limit(16_MiB).build();
  spec.cgroup.memory_swap_max = 0;
  Group c{spec};
  c.m.touch(c.app, 0, 6000);
  EXPECT_EQ(c.m.count(Vmstat::pswpout), 0);
  EXPECT_EQ(c.m.outcome.oom_kills.size(), 1u);
}

TEST(Memcg, SwappinessZeroMeansNoSwapInsideAGroup) {
  Group c{HostBuilder().plain_node(20000_pages).swap(64_MiB).set("vm.swappiness", 0)};
  c.m.touch(c.app, 0, 6000);
  EXPECT_EQ(c.m.count(Vmstat::pswpout), 0);
  EXPECT_EQ(c.m.outcome.oom_kills.size(), 1u);
}

TEST(Memcg, APassOverAGroupTakesLongerThanOneOverTheHost) {
  Machine m(HostBuilder().plain_node(20000_pages).limit(1_MiB).build(), Kswapd::kAbsent);
  const auto length_of = [&m](host::CgroupIndex target) {
    ScanControl sc;
    sc.target_cgroup = target;
    const Nanoseconds begin = m.sched.now();
    m.run([&] {
      shrink_node(m.k, 0, sc);
      m.sched.point();
    });
    return m.sched.now() - begin;
  };
  const Nanoseconds host = length_of(host::kRootCgroup);
  EXPECT_EQ(length_of(m.host.app_cgroup), host + m.k.costs.group_pass);
}

TEST(Memcg, HighReclaimsAndBrakesButNeverKills) {
  auto spec = HostBuilder().plain_node(20000_pages).limit(16_MiB).build();
  spec.cgroup.memory_max = -1;
  spec.cgroup.memory_high = 4 << 20;
  Group c{spec};
  const Nanoseconds begin = c.m.sched.now();
  EXPECT_EQ(c.m.touch(c.app, 0, 2000), 2000);
  EXPECT_GT(c.group().events.high, 0);
  EXPECT_TRUE(c.m.outcome.oom_kills.empty());
  EXPECT_GT(c.m.outcome.stall.throttled_total, 100_ms) << "nothing can be reclaimed, so the offender sleeps";
  EXPECT_GT(c.m.sched.now() - begin, c.m.outcome.stall.throttled_total);
}

TEST(Memcg, ReclaimForHighIsADirectReclaimEvenIfItFindsNothing) {
  auto spec = HostBuilder().plain_node(20000_pages).limit(16_MiB).build();
  spec.cgroup.memory_max = -1;
  spec.cgroup.memory_high = 4 << 20;
  Group c{spec};
  c.m.touch(c.app, 0, 2000);
  const sim::Stall& stall = c.m.outcome.stall;
  ASSERT_TRUE(c.m.outcome.direct_reclaim);
  EXPECT_EQ(c.m.outcome.direct_reclaim->scope, sim::Scope::kCgroup);
  EXPECT_EQ(c.m.outcome.direct_reclaim->cause, sim::Cause::kMemoryHigh);
  EXPECT_EQ(stall.memory_high_total, stall.throttled_total);
  EXPECT_EQ(stall.total, stall.direct_reclaim_total + stall.memory_high_total);
  EXPECT_GE(stall.longest, 100_ms);
}

TEST(Memcg, SleepsForHighAreDryWhereTheGroupHasNoSwapToUse) {
  const auto stall_with = [](const HostBuilder& builder, int64_t swap_max) {
    auto spec = builder.build();
    spec.cgroup.memory_max = -1;
    spec.cgroup.memory_high = 4 << 20;
    spec.cgroup.memory_swap_max = swap_max;
    Group c{spec};
    c.m.touch(c.app, 0, 2000);
    return c.m.outcome.stall;
  };
  const HostBuilder plain = HostBuilder().plain_node(20000_pages).limit(16_MiB);
  const sim::Stall without = stall_with(plain, -1);
  EXPECT_GT(without.memory_high_dry_total, 100_ms);
  EXPECT_EQ(without.memory_high_dry_total, without.memory_high_total);
  const sim::Stall forbidden = stall_with(HostBuilder(plain).swap(64_MiB), 0);
  EXPECT_EQ(forbidden.memory_high_dry_total, forbidden.memory_high_total);
  EXPECT_EQ(stall_with(HostBuilder(plain).swap(64_MiB), -1).memory_high_dry_total, 0_ns);
}

TEST(Memcg, TheDelayGrowsWithTheSquareOfTheOverage) {
  EXPECT_EQ(high_delay_ticks(1100, 1000, 64, 64), 159) << "spec section 17.10";
  EXPECT_EQ(high_delay_ticks(1000, 1000, 64, 64), 0);
  EXPECT_EQ(high_delay_ticks(1050, 1000, 64, 64), 39);
  EXPECT_EQ(high_delay_ticks(int64_t{1} << 40, 1, 64, 64), 500) << "two seconds at most";
}

TEST(Memcg, OomGroupTakesEverybody) {
  auto spec = HostBuilder().plain_node(20000_pages).limit(16_MiB).build();
  spec.cgroup.memory_oom_group = true;
  Group c{spec};
  const auto other = c.m.start(200);
  c.m.process(other).cgroup = c.m.host.app_cgroup;
  c.m.touch(other, 0, 100);
  c.m.touch(c.app, 0, 8000);
  c.m.pass(100_ms);
  EXPECT_TRUE(c.m.process(c.app).killed);
  EXPECT_TRUE(c.m.process(other).killed);
  EXPECT_EQ(c.group().events.oom_group_kill, 1);
  EXPECT_EQ(c.m.count(host::Vmstat::oom_kill), 3) << "the victim is killed once more with its group";
  ASSERT_EQ(c.m.outcome.oom_kills.size(), 2u) << "but is one process";
  EXPECT_TRUE(c.m.outcome.oom_kills[1].went_along);
  EXPECT_EQ(c.m.outcome.oom_kills[1].victim.pid, 200);
  const std::vector<std::string>& log = c.m.outcome.oom_kills[0].dmesg;
  EXPECT_EQ(std::count_if(log.begin(), log.end(),
                          [](const std::string& line) { return line.find("Killed process") != std::string::npos; }),
            3);
  EXPECT_EQ(c.group().usage - c.group().parked(), 0) << "nothing is left behind";
}

TEST(Memcg, ProtectionKeepsAGroupOutOfTheHostsReclaim) {
  auto spec = HostBuilder().plain_node(20000_pages).limit(64_MiB).build();
  spec.cgroup.memory_low = 8 << 20;
  Group c{spec};
  c.m.touch(c.app, 0, 1000);
  ScanControl sc;
  EXPECT_FALSE(may_reclaim_from(c.m.k, c.m.host.app_cgroup, sc)) << "below memory.low";
  EXPECT_TRUE(sc.low_skipped);
  sc.low_reclaim = true;
  EXPECT_TRUE(may_reclaim_from(c.m.k, c.m.host.app_cgroup, sc)) << "best effort ends where nothing else is left";
  c.m.touch(c.app, 1000, 2000);
  ScanControl fresh;
  EXPECT_TRUE(may_reclaim_from(c.m.k, c.m.host.app_cgroup, fresh));
  EXPECT_LT(unprotected(c.m.host, c.m.host.app_cgroup, ScanControl{}, 3000), 1100)
      << "only what lies above the protection is scanned";
}

}  // namespace
}  // namespace oomcast::mm
