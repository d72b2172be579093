// A limit holds for the groups below it, and their pages and processes pay for it.
#include <gtest/gtest.h>

#include "model/mm/memcg.h"
#include "model/mm/page_cache.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::CgroupSpec;
using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

CgroupSpec group(const char* path, int64_t memory_max = -1) {
  CgroupSpec spec;
  spec.present = true;
  spec.path = path;
  spec.memory_max = memory_max;
  return spec;
}

// A pod with two containers: the program's, and one beside it.
struct Pod {
  explicit Pod(host::HostSpec spec)
      : m(with_groups(std::move(spec)), Kswapd::kAbsent), app(m.start(100)), side(m.start(200)) {
    m.process(app).cgroup = m.host.app_cgroup;
    m.process(side).cgroup = 2;
  }
  static host::HostSpec with_groups(host::HostSpec spec) {
    if (spec.cgroups.empty()) spec.cgroups = {group("/pod", 16 << 20), group("/pod/side")};
    spec.cgroup = group("/pod/app");
    return spec;
  }
  host::Cgroup& pod() { return m.host.cgroups[1]; }
  host::Cgroup& own() { return m.host.cgroups[m.host.app_cgroup]; }
  ~Pod() { EXPECT_EQ(m.audit(), std::vector<std::string>{}); }
  Machine m;
  host::ProcessIndex app, side;
};

host::HostSpec small_host() { return HostBuilder().plain_node(20000_pages).build(); }

TEST(MemcgTree, AParentIsChargedForItsChildren) {
  Pod p{small_host()};
  p.m.touch(p.app, 0, 500);
  p.m.touch(p.side, 0, 300);
  EXPECT_EQ(p.pod().usage, p.own().usage + p.m.host.cgroups[2].usage);
  EXPECT_GE(p.pod().usage, 800);
}

TEST(MemcgTree, EventsCountInTheGroupAndInThoseAbove) {
  Pod p{small_host()};
  p.m.touch(p.app, 0, 500);
  p.m.touch(p.side, 0, 300);
  EXPECT_EQ(p.own().stat[Vmstat::pgfault], 500);
  EXPECT_EQ(p.m.host.cgroups[2].stat[Vmstat::pgfault], 300);
  EXPECT_EQ(p.pod().stat[Vmstat::pgfault], 800);
}

TEST(MemcgTree, TheParentsLimitHoldsForAllBelowAndTheLargestOfThemDies) {
  Pod p{small_host()};
  p.m.touch(p.side, 0, 2500);
  p.m.touch(p.app, 0, 3000);
  p.m.pass(100_ms);
  ASSERT_EQ(p.m.outcome.oom_kills.size(), 1u);
  EXPECT_TRUE(p.m.process(p.side).killed) << "2500 pages were more than what the program had at 16 MiB";
  EXPECT_FALSE(p.m.process(p.app).killed);
  EXPECT_EQ(p.pod().events.oom_kill, 1) << "memory.events counts what happens below";
  EXPECT_EQ(p.own().events.oom_kill, 0);
}

TEST(MemcgTree, OomGroupOfTheParentTakesBothContainers) {
  host::HostSpec spec = small_host();
  spec.cgroups = {group("/pod", 16 << 20), group("/pod/side")};
  spec.cgroups[0].memory_oom_group = true;
  Pod p{spec};
  p.m.touch(p.side, 0, 2500);
  p.m.touch(p.app, 0, 3000);
  p.m.pass(100_ms);
  EXPECT_TRUE(p.m.process(p.side).killed);
  EXPECT_TRUE(p.m.process(p.app).killed);
}

TEST(MemcgTree, ReclaimForTheParentTakesFromEveryChild) {
  Pod p{HostBuilder().plain_node(20000_pages).swap(64_MiB).build()};
  p.m.touch(p.side, 0, 3000);
  p.m.touch(p.app, 0, 3000);
  EXPECT_TRUE(p.m.outcome.oom_kills.empty());
  EXPECT_GT(p.m.process(p.side).swap_entries, 200);
  EXPECT_GT(p.m.process(p.app).swap_entries, 200);
}

TEST(MemcgTree, TheParentsSwapLimitHoldsForAllBelow) {
  host::HostSpec spec = HostBuilder().plain_node(20000_pages).swap(64_MiB).build();
  spec.cgroups = {group("/pod", 16 << 20), group("/pod/side")};
  spec.cgroups[0].memory_swap_max = 1 << 20;
  Pod p{spec};
  p.m.touch(p.app, 0, 6000);
  EXPECT_EQ(p.m.outcome.oom_kills.size(), 1u);
  EXPECT_LE(p.m.count(Vmstat::pswpout), 256);
}

TEST(MemcgTree, AHighMarkAboveBrakesTheGroupBelow) {
  host::HostSpec spec = small_host();
  spec.cgroups = {group("/pod"), group("/pod/side")};
  spec.cgroups[0].memory_high = 4 << 20;
  Pod p{spec};
  EXPECT_EQ(p.m.touch(p.app, 0, 2000), 2000);
  EXPECT_GT(p.pod().events.high, 0);
  EXPECT_EQ(p.own().events.high, 0);
  EXPECT_GT(p.m.outcome.stall.throttled_total, 100_ms);
}

TEST(MemcgTree, ChildrenThatClaimMoreThanTheParentHasShareIt) {
  host::HostSpec spec = small_host();
  spec.cgroups = {group("/pod"), group("/pod/side")};
  spec.cgroups[0].memory_low = spec.cgroups[1].memory_low = 8 << 20;
  Pod p{spec};
  p.own().low = 2048;
  p.m.touch(p.app, 0, 3000);
  p.m.touch(p.side, 0, 3000);
  const int64_t scanned = unprotected(p.m.host, p.m.host.app_cgroup, ScanControl{}, 3000);
  EXPECT_NEAR(static_cast<double>(scanned), 3000 - 1024, 60) << "half of the 2048 pages that the pod protects";
}

TEST(MemcgTree, WhatChildrenLeaveUnclaimedProtectsThemByUse) {
  host::HostSpec spec = small_host();
  spec.cgroups = {group("/pod"), group("/pod/side")};
  spec.cgroups[0].memory_low = 8 << 20;
  Pod p{spec};
  p.m.touch(p.app, 0, 3000);
  const int64_t scanned = unprotected(p.m.host, p.m.host.app_cgroup, ScanControl{}, 3000);
  EXPECT_NEAR(static_cast<double>(scanned), 3000 - 2048, 60) << "memory_recursiveprot: the only user gets it all";
}

TEST(MemcgTree, GroupsOfTheHostStartWithWhatTheyUse) {
  host::HostSpec spec = HostBuilder().plain_node(20000_pages).page_cache(4000_pages).process(50, "db", 8_MiB).build();
  CgroupSpec db = group("/db", 64 << 20);
  db.memory_current = 20 << 20;
  db.file = 4 << 20;
  db.procs = {50};
  spec.cgroups = {db};
  Machine m(spec, Kswapd::kAbsent);
  const host::Cgroup& at_start = m.host.cgroups[1];
  EXPECT_EQ(at_start.usage, 5120);
  EXPECT_EQ(at_start.kernel, 5120 - 2048 - 1024) << "slab and stacks";
  EXPECT_EQ(m.node().lruvec(1).list(host::LruKindIndex::kInactiveAnon).size(), 2048);
  EXPECT_EQ(m.node().lruvec(1).list(host::LruKindIndex::kInactiveFile).size(), 1024);
  EXPECT_EQ(m.node().size(host::LruKindIndex::kInactiveFile), 4000);
  m.run([&] { exit_process(m.k, 0); });
  EXPECT_EQ(m.host.cgroups[1].usage, 5120 - 2048) << "the cache stays when the process goes";
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

}  // namespace
}  // namespace oomcast::mm
