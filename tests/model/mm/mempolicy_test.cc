// Memory goes where a policy says, until it is full there.
#include "model/mm/mempolicy.h"

#include <gtest/gtest.h>

#include "model/mm/oom_killer.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::Mempolicy;
using host::PolicyMode;
using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

constexpr int64_t kPagesOfNode = 12000;

HostBuilder two_nodes() { return HostBuilder().plain_node(Pages(kPagesOfNode)).plain_node(Pages(kPagesOfNode)); }

// Touches pages of a process under a policy of the task. Gives how many it got to use.
int64_t touch_under(Machine& m, host::ProcessIndex app, const Mempolicy& policy, int64_t pages, uint64_t first = 0) {
  int64_t used = 0;
  m.run(
      [&] {
        set_task_policy(m.k, app, policy);
        while (used < pages && touch_page(m.k, app, first + static_cast<uint64_t>(used), true)) ++used;
      },
      0, m.process(app).pid);
  return used;
}

int64_t pages_on(const Machine& m, host::NodeIndex node) {
  int64_t pages = 0;
  for (host::PageId id = 0; id < m.host.pages.size(); ++id)
    pages += m.host.pages.alive(id) && m.host.pages[id].node() == node ? 1 : 0;
  return pages;
}

TEST(Policy, BindTakesFromItsNodesOnlyTheirPageTablesIncluded) {
  Machine m(two_nodes().build());
  const auto app = m.start(100);
  const int64_t before = m.zone(0).free;
  EXPECT_EQ(touch_under(m, app, {PolicyMode::kBind, -1, 0b10}, 3000), 3000);
  EXPECT_EQ(pages_on(m, 1), 3000);
  EXPECT_EQ(m.zone(0).free, before);
  // The bound node is the preferred one: a hit, though not where the CPU is.
  EXPECT_EQ(m.count(Vmstat::numa_miss), 0);
  EXPECT_EQ(m.count(Vmstat::numa_local), 0);
  EXPECT_GE(m.count(Vmstat::numa_other), 3000);
}

TEST(Policy, BindToAFullNodeSwapsThereAndWakesNoOtherKswapd) {
  Machine m(two_nodes().swap(64_MiB).build());
  const auto app = m.start(100);
  EXPECT_EQ(touch_under(m, app, {PolicyMode::kBind, -1, 0b10}, kPagesOfNode + 2000), kPagesOfNode + 2000);
  EXPECT_GE(m.process(app).swap_entries, 2000);
  EXPECT_EQ(pages_on(m, 0), 0);
  EXPECT_TRUE(m.k.kswapd[0].wait.active());
  EXPECT_EQ(m.k.kswapd[0].highest_zone, std::nullopt) << "node 0 was asked to reclaim";
}

TEST(Policy, PreferredStartsElsewhereAndFallsBack) {
  Machine m(two_nodes().build());
  const auto app = m.start(100);
  touch_under(m, app, {PolicyMode::kPreferred, -1, 0b10}, 3000);
  EXPECT_EQ(pages_on(m, 1), 3000);
  touch_under(m, app, {PolicyMode::kPreferred, -1, 0b10}, kPagesOfNode, 3000);
  EXPECT_GT(pages_on(m, 0), 2000);
  EXPECT_EQ(m.outcome.oom_kills.size(), 0u);
}

TEST(Policy, InterleaveGoesByAddressAndCountsItsHits) {
  Machine m(two_nodes().build());
  const auto app = m.start(100);
  touch_under(m, app, {PolicyMode::kInterleave, -1, 0b11}, 1000);
  for (uint64_t vpn = 0; vpn < 1000; ++vpn) ASSERT_EQ(m.page(app, vpn).node().value(), static_cast<int>(vpn % 2));
  EXPECT_GE(m.count(Vmstat::numa_interleave), 1000);
}

TEST(Policy, AnInterleavedPageThatGoesElsewhereIsNoInterleaveHit) {
  Machine m(HostBuilder().plain_node(Pages(kPagesOfNode)).plain_node(Pages(2000)).build());
  const auto app = m.start(100);
  EXPECT_EQ(touch_under(m, app, {PolicyMode::kInterleave, -1, 0b11}, 8000), 8000);
  EXPECT_LT(m.count(Vmstat::numa_interleave), 6100);
  EXPECT_GT(m.count(Vmstat::numa_miss), 1500);
}

TEST(Policy, PreferredManyTakesFromTheOthersBeforeItReclaims) {
  Machine m(HostBuilder()
                .plain_node(Pages(kPagesOfNode))
                .plain_node(Pages(2000))
                .plain_node(Pages(2000))
                .swap(64_MiB)
                .build());
  const auto app = m.start(100);
  EXPECT_EQ(touch_under(m, app, {PolicyMode::kPreferredMany, -1, 0b110}, 6000), 6000);
  EXPECT_GT(pages_on(m, 0), 1500);
  EXPECT_EQ(m.count(Vmstat::allocstall_movable), 0);
}

TEST(Policy, ARangeHasItsOwnAndTheRestTheTasks) {
  Machine m(two_nodes().build());
  const auto app = m.start(100);
  m.process(app).space.map(0, 200 * kPageBytes, {});
  bind_range(m.k, app, 50 * kPageBytes, 50 * kPageBytes, {PolicyMode::kBind, -1, 0b10});
  EXPECT_EQ(m.process(app).space.mappings.size(), 3u);
  EXPECT_EQ(m.touch(app, 0, 200), 200);
  for (uint64_t vpn = 0; vpn < 200; ++vpn) ASSERT_EQ(m.page(app, vpn).node().value(), vpn >= 50 && vpn < 100 ? 1 : 0);
}

TEST(Policy, ABoundRangeLooksFirstAtItsHomeNode) {
  Machine m(two_nodes().build());
  const auto app = m.start(100);
  m.process(app).space.map(0, 100 * kPageBytes, {});
  bind_range(m.k, app, 0, 100 * kPageBytes, {PolicyMode::kBind, -1, 0b11});
  set_home_node(m.k, app, 0, 100 * kPageBytes, 1);
  m.touch(app, 0, 100);
  EXPECT_EQ(m.page(app, 50).node().value(), 1);
}

TEST(Policy, OnlyNodesWithMemoryCountAndNoneIsAnError) {
  const host::Host host(two_nodes().build());
  EXPECT_EQ(effective_policy(host, PolicyMode::kBind, 0b110)->nodes, 0b10u);
  EXPECT_FALSE(effective_policy(host, PolicyMode::kBind, 0b100).has_value());
  EXPECT_EQ(effective_policy(host, PolicyMode::kPreferred, 0b11)->nodes, 0b01u);
  EXPECT_EQ(effective_policy(host, PolicyMode::kPreferred, 0)->mode, PolicyMode::kLocal);
}

TEST(PolicyOom, AFullBoundNodeKillsThoughTheOtherIsEmpty) {
  Machine m(two_nodes().build());
  const auto app = m.start(100);
  touch_under(m, app, {PolicyMode::kBind, -1, 0b01}, kPagesOfNode);
  ASSERT_EQ(m.outcome.oom_kills.size(), 1u);
  const std::string all = [&] {
    std::string text;
    for (const std::string& line : m.outcome.oom_kills[0].dmesg) text += line + "\n";
    return text;
  }();
  EXPECT_NE(all.find("oom-kill:constraint=CONSTRAINT_MEMORY_POLICY,nodemask=0,cpuset=/,mems_allowed=0-1,"),
            std::string::npos)
      << all;
  EXPECT_GT(m.zone(1).free, kPagesOfNode - 200);
}

TEST(PolicyOom, WhoIsBoundElsewhereIsNoCandidateAndWhoIsNotBoundIs) {
  Machine m(two_nodes().process(50, "bystander", 4_MiB).build());
  const auto elsewhere = m.start(100), app = m.start(101);
  touch_under(m, elsewhere, {PolicyMode::kBind, -1, 0b10}, 9000);
  touch_under(m, app, {PolicyMode::kBind, -1, 0b01}, kPagesOfNode);
  ASSERT_EQ(m.outcome.oom_kills.size(), 1u);
  EXPECT_EQ(m.outcome.oom_kills[0].victim.pid, 101);
  bool bystander = false;
  for (const auto& candidate : m.outcome.oom_kills[0].candidates) {
    EXPECT_NE(candidate.pid, 100);
    bystander |= candidate.pid == 50;
  }
  EXPECT_TRUE(bystander);
}

TEST(PolicyOom, TheAdjustmentIsAShareOfTheBoundNodesOnly) {
  Machine m(two_nodes().build());
  const auto app = m.start(100, 500);
  touch_under(m, app, {PolicyMode::kBind, -1, 0b01}, kPagesOfNode);
  ASSERT_EQ(m.outcome.oom_kills.size(), 1u);
  const auto& victim = m.outcome.oom_kills[0].victim;
  EXPECT_EQ(victim.points,
            victim.rss_anon.count() + (victim.page_tables.count() >> kPageShift) + 500 * (kPagesOfNode / 1000));
}

TEST(PolicyOom, PanicOnOomOneSparesAConstrainedKillAndTwoDoesNot) {
  for (const int mode : {1, 2}) {
    Machine m(two_nodes().set("vm.panic_on_oom", mode).build());
    const auto app = m.start(100);
    m.victims_exit = mode == 1;
    m.run(
        [&] {
          Gfp gfp = kGfpHighUserMovable;
          gfp.nodes = 0b01;
          EXPECT_EQ(out_of_memory(m.k, gfp, 0), mode == 1);
        },
        0, 100);
    EXPECT_EQ(m.process(app).dying, mode == 1);
  }
}

}  // namespace
}  // namespace oomcast::mm
