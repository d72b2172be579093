// The OOM killer chooses its victim: badness, ties, protected processes, and what is checked before.
#include "model/mm/oom_killer.h"

#include <gtest/gtest.h>

#include "model/mm/page_alloc.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

constexpr host::KernelVersion kLinux61{6, 1}, kLinux418{4, 18};

host::Process process(int64_t rss, int64_t swap = 0, int64_t tables_bytes = 0, int adj = 0) {
  host::Process p;
  p.rss_anon = rss;
  p.swap_entries = swap;
  p.page_tables_bytes = tables_bytes;
  p.oom_score_adj = adj;
  return p;
}

TEST(Badness, AsReadOffTwoLiveKernels) {
  EXPECT_EQ(oom_badness(process(236363, 261795, 4030464), 500000, kLinux61), 499142);
  EXPECT_EQ(oom_badness(process(235744, 261344, 983 * 4096), 500000, kLinux61), 498071);
}

TEST(Badness, TheAdjustmentIsInThousandthsOfAllMemoryRoundedDownFirst) {
  const int64_t total = 250000 + 262143;
  EXPECT_EQ(oom_badness(process(0, 0, 0, 500), total, kLinux61), 256000);
  EXPECT_EQ(oom_badness(process(0, 0, 0, -500), total, kLinux61), -256000);
  EXPECT_EQ(oom_badness(process(10, 0, 0, 1), 1999, kLinux61), 11);
}

TEST(Badness, FileAndSharedPagesCountToo) {
  host::Process p = process(1);
  p.rss_file = 20;
  p.rss_shmem = 300;
  EXPECT_EQ(oom_badness(p, 1, kLinux61), 321);
}

// The host is out of memory; gives who was chosen, -1 for nobody.
int kill(Machine& m, int invoker = 0) {
  m.run([&] { out_of_memory(m.k, kGfpHighUserMovable, 0); }, 0, invoker);
  return m.outcome.oom_kills.empty() || m.outcome.oom_kills.back().victim.comm == "(panic)"
             ? -1
             : m.outcome.oom_kills.back().victim.pid;
}

TEST(OomKiller, TheBiggestDies) {
  Machine m(HostBuilder()
                .node(512_MiB)
                .process(10, "small", 1_MiB)
                .process(20, "big", 100_MiB)
                .process(30, "middle", 50_MiB)
                .build());
  EXPECT_EQ(kill(m), 20);
  EXPECT_EQ(m.count(Vmstat::oom_kill), 1);
  EXPECT_TRUE(m.host.processes[1].killed);
}

// oom_badness() before 5.9: nobody has fewer than one point.
TEST(OomKiller, Before59NobodyHasFewerPointsThanOne) {
  EXPECT_EQ(oom_badness(process(100, 0, 0, -998), 400000, kLinux418), 1);
  EXPECT_EQ(oom_badness(process(400, 0, 0, 0), 400000, kLinux418), 400);
  const auto protected_tasks = [](int major, int minor) {
    return HostBuilder()
        .kernel(major, minor)
        .node(512_MiB)
        .process(10, "pause", 1_MiB, -998)
        .process(20, "big", 100_MiB, -998)
        .build();
  };
  Machine old(protected_tasks(4, 18));
  EXPECT_EQ(kill(old), 10) << "the first of equals";
  Machine between(protected_tasks(5, 4));
  EXPECT_EQ(kill(between), 20) << "the later of equals";
  Machine later(protected_tasks(5, 10));
  EXPECT_EQ(kill(later), 20) << "with negative points the larger one has more";
}

// oom_evaluate_task() lost its check of thread_group_leader(chosen) in 5.3.
TEST(OomKiller, TiesGoToTheLaterTaskFrom53On) {
  const auto victim = [](int major, int minor) {
    Machine m(HostBuilder()
                  .kernel(major, minor)
                  .node(512_MiB)
                  .process(10, "one", 100_MiB)
                  .process(20, "two", 100_MiB)
                  .process(30, "small", 1_MiB)
                  .build());
    return kill(m);
  };
  EXPECT_EQ(victim(6, 1), 20);
  EXPECT_EQ(victim(5, 4), 20);
  EXPECT_EQ(victim(5, 3), 20);
  EXPECT_EQ(victim(5, 2), 10);
  EXPECT_EQ(victim(4, 18), 10);
}

TEST(OomKiller, AdjustmentOutweighsSize) {
  Machine m(HostBuilder().node(512_MiB).process(10, "batch", 1_MiB, 1000).process(20, "db", 300_MiB).build());
  EXPECT_EQ(kill(m), 10);
}

TEST(OomKiller, MinusOneThousandIsNeverChosen) {
  Machine m(HostBuilder().node(512_MiB).process(10, "sshd", 300_MiB, -1000).process(20, "cron", 1_MiB).build());
  EXPECT_EQ(kill(m), 20);
}

TEST(OomKiller, MinusNineHundredNinetyNineMayStillDie) {
  Machine m(HostBuilder().node(512_MiB).process(10, "sshd", 300_MiB, -1000).process(20, "dbus", 1_MiB, -999).build());
  EXPECT_EQ(kill(m), 20) << "its points are negative, but it is the only one";
}

TEST(OomKiller, InitIsNeverChosen) {
  Machine m(HostBuilder().node(512_MiB).process(1, "init", 300_MiB).process(20, "cron", 1_MiB).build());
  EXPECT_EQ(kill(m), 20);
}

TEST(OomKiller, TheDeadAreNotCandidates) {
  Machine m(HostBuilder().node(512_MiB).process(10, "gone", 300_MiB).process(20, "cron", 1_MiB).build());
  m.host.processes[0].alive = false;
  EXPECT_EQ(kill(m), 20);
}

TEST(OomKiller, WaitsWhileAVictimIsOnItsWayOut) {
  Machine m(HostBuilder().node(512_MiB).process(10, "one", 200_MiB).process(20, "two", 100_MiB).build());
  m.victims_exit = false;
  kill(m);
  kill(m);
  EXPECT_EQ(m.count(Vmstat::oom_kill), 1);
}

TEST(OomKiller, TheNextOneIsChosenWhenTheFirstIsGone) {
  Machine m(HostBuilder().node(512_MiB).process(10, "one", 200_MiB).process(20, "two", 100_MiB).build());
  EXPECT_EQ(kill(m), 10);
  m.pass(1_s);
  EXPECT_FALSE(m.host.processes[0].alive);
  EXPECT_EQ(kill(m), 20);
}

TEST(OomKiller, ADyingTaskNeedsNoVictim) {
  Machine m(HostBuilder().node(512_MiB).process(10, "one", 200_MiB).build());
  m.run([&] {
    m.sched.current().dying = true;
    EXPECT_TRUE(out_of_memory(m.k, kGfpHighUserMovable, 0));
  });
  EXPECT_EQ(m.count(Vmstat::oom_kill), 0);
}

TEST(OomKiller, KillAllocatingTaskSparesTheSearch) {
  Machine m(HostBuilder().node(512_MiB).process(10, "big", 200_MiB).set("vm.oom_kill_allocating_task", 1).build());
  m.start(100);
  EXPECT_EQ(kill(m, 100), 100);
}

TEST(OomKiller, KillAllocatingTaskDoesNotTakeAProtectedOne) {
  Machine m(HostBuilder().node(512_MiB).process(10, "big", 200_MiB).set("vm.oom_kill_allocating_task", 1).build());
  m.start(100, -1000);
  EXPECT_EQ(kill(m, 100), 10);
}

TEST(OomKiller, PanicsWhenAskedTo) {
  Machine m(HostBuilder().node(512_MiB).process(10, "big", 200_MiB).set("vm.panic_on_oom", 1).build());
  EXPECT_EQ(kill(m), -1);
  EXPECT_EQ(m.count(Vmstat::oom_kill), 0);
  ASSERT_EQ(m.outcome.oom_kills.size(), 1u);
}

TEST(OomKiller, EachPanicIsReportedOnceAndKillsNobody) {
  Machine m(HostBuilder().node(512_MiB).process(10, "big", 200_MiB).limit(64_MiB).set("vm.panic_on_oom", 2).build());
  out_of_memory(m.k, kGfpHighUserMovable, 0);  // in no task, so that the halted host comes back here
  ASSERT_TRUE(m.sched.halted());
  EXPECT_EQ(m.outcome.oom_kills.size(), 1u);
  cgroup_out_of_memory(m.k, m.host.app_cgroup);
  EXPECT_EQ(m.outcome.oom_kills.size(), 2u);
  EXPECT_EQ(m.count(Vmstat::oom_kill), 0);
}

TEST(OomKiller, PanicsWhenNobodyMayBeKilled) {
  Machine m(HostBuilder().node(512_MiB).process(1, "init", 200_MiB).process(10, "sshd", 1_MiB, -1000).build());
  EXPECT_EQ(kill(m), -1);
  ASSERT_EQ(m.outcome.oom_kills.size(), 1u);
}

TEST(OomKiller, SwapAndPageTablesOfTheProgramCount) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  const auto dense = m.start(100), sparse = m.start(101);
  m.touch(dense, 0, 110);
  for (uint64_t i = 0; i < 100; ++i) m.touch(sparse, i * 512, 1);
  EXPECT_EQ(kill(m), 101) << "100 pages and 102 tables are more than 110 pages and 3";
}

}  // namespace
}  // namespace oomcast::mm
