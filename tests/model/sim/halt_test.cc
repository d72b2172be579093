// A host that panics, and a program that nobody may be killed for: the model stops, or the process is stuck; nothing
// spins.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/sim/simulation.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"
#include "tests/support/watchdog.h"

namespace oomcast::sim {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Program;
using testing::HasSubstr;
using namespace oomcast::literals;

class Halt : public support::Watchdog {};
class Stuck : public support::Watchdog {};
class Hostile : public support::Watchdog {};

constexpr uint64_t kPages = 8192;  // of a small host: 32 MiB

Options protected_program() {
  Options options;
  options.oom_score_adj = -1000;
  return options;
}

// A program in a group of 8 MiB that may swap 4 MiB, and may not be killed.
host::HostSpec small_group() {
  host::HostSpec host = HostBuilder().plain_node(Pages(kPages)).swap(64_MiB).limit(8_MiB).build();
  host.cgroup.memory_swap_max = (4_MiB).count();
  return host;
}

TEST_F(Halt, APanicEndsTheForecastAndNothingAfterItCounts) {
  const host::HostSpec host = HostBuilder().plain_node(Pages(kPages)).set("vm.overcommit_memory", 1).build();
  const auto run = [&](uint64_t pages) {
    Simulation s(host, protected_program());
    Program p(s, 100);
    p.map(0, 4 * kPages);
    p.touch(0, pages);
    Program child = p.fork(200);
    child.touch(0, 100);
    child.write_file(1, 0, 100);
    return s.finish();
  };
  const Outcome once = run(kPages + 1), often = run(4 * kPages);
  ASSERT_TRUE(once.halted);
  EXPECT_EQ(once.verdict, Verdict::kOomKill);
  ASSERT_EQ(once.oom_kills.size(), 1u);
  EXPECT_EQ(once.oom_kills[0].end, OomEnd::kPanic);
  EXPECT_EQ(once.oom_kills[0].panic_on_oom, 0) << "nobody may be killed, so the host panics";
  EXPECT_EQ(once.halted->by, HaltedBy::kPanic);
  EXPECT_EQ(once.counters[Vmstat::oom_kill], 0);
  EXPECT_EQ(once.forecast, once.halted->t);
  EXPECT_EQ(often.digest, once.digest);
  EXPECT_EQ(often.oom_kills_total, 1);
}

TEST_F(Halt, OthersDieFirstWhereTheyMay) {
  Simulation s(
      HostBuilder().plain_node(Pages(kPages)).process(10, "daemon", 4_MiB).set("vm.overcommit_memory", 1).build(),
      protected_program());
  Program p(s, 100);
  p.map(0, 2 * kPages);
  p.touch(0, 2 * kPages);
  const Outcome outcome = s.finish();
  ASSERT_EQ(outcome.oom_kills.size(), 2u);
  EXPECT_EQ(outcome.oom_kills[0].victim.comm, "daemon");
  EXPECT_EQ(outcome.oom_kills[1].end, OomEnd::kPanic);
}

TEST_F(Halt, PanicOnOomIsAskedBeforeAnybodyDies) {
  Simulation s(HostBuilder()
                   .plain_node(Pages(kPages))
                   .process(10, "daemon", 4_MiB)
                   .set("vm.panic_on_oom", 1)
                   .set("vm.overcommit_memory", 1)
                   .build(),
               {});
  Program p(s, 100);
  p.map(0, 2 * kPages);
  p.touch(0, 2 * kPages);
  const Outcome outcome = s.finish();
  ASSERT_EQ(outcome.oom_kills.size(), 1u);
  EXPECT_EQ(outcome.oom_kills[0].end, OomEnd::kPanic);
  EXPECT_EQ(outcome.oom_kills[0].panic_on_oom, 1);
}

TEST_F(Halt, InAGroupOnlyTheCompulsoryPanicStrikes) {
  const auto run = [](int mode) {
    Simulation s(HostBuilder().plain_node(Pages(kPages)).limit(8_MiB).set("vm.panic_on_oom", mode).build(), {});
    Program p(s, 100);
    p.map(0, kPages);
    p.touch(0, 4000);
    return s.finish();
  };
  EXPECT_FALSE(run(1).halted);
  EXPECT_EQ(run(1).oom_kills.front().end, OomEnd::kKilled);
  EXPECT_TRUE(run(2).halted);
}

TEST_F(Stuck, WhereNobodyInTheGroupMayBeKilledTheProcessWaitsForEver) {
  Simulation s(small_group(), protected_program());
  Program p(s, 100);
  p.map(0, kPages);
  p.touch(0, 6000);
  p.touch(0, 1);  // swapped out by now: a swap-in that can never be served would spin
  p.exit();
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.verdict, Verdict::kOomKill);
  ASSERT_EQ(outcome.oom_kills.size(), 1u) << "reported once, not at each futile charge";
  EXPECT_EQ(outcome.oom_kills[0].end, OomEnd::kNobody);
  EXPECT_THAT(outcome.oom_kills[0].dmesg.back(), HasSubstr("no killable processes"));
  ASSERT_TRUE(outcome.app.processes[0].stuck_at);
  EXPECT_EQ(outcome.cgroup.events.oom_kill, 0);
  EXPECT_TRUE(outcome.halted) << "the program has no other process";
  EXPECT_LT(outcome.app.touched, 13_MiB);
}

TEST_F(Stuck, ASwapInThatCannotBeServedEnds) {
  for (const bool zram : {false, true}) {
    SCOPED_TRACE(zram);
    host::HostSpec host = small_group();
    host.swaps[0].zram_percent = zram ? 33 : 0;
    Simulation s(host, protected_program());
    Program p(s, 100);
    p.map(0, kPages);
    p.touch(0, 2500);  // 8 MiB resident, the rest swapped out; not yet stuck
    const Outcome before = [&] {
      Simulation probe(host, protected_program());
      Program q(probe, 100);
      q.map(0, kPages);
      q.touch(0, 2500);
      return probe.finish();
    }();
    EXPECT_FALSE(before.halted);
    Program child = p.fork(200);  // each swap entry has two users: a page that comes back keeps its slot
    p.read(0, 2500);
    child.read(0, 2500);
    p.touch(0, 2500);
    const Outcome outcome = s.finish();
    EXPECT_LE(outcome.oom_kills.size(), 1u);
  }
}

TEST_F(Stuck, TheOtherProcessesGoOn) {
  Simulation s(small_group(), protected_program());
  Program p(s, 100), other(s, 200);
  p.map(0, kPages);
  other.map(0, kPages);
  other.touch(0, 10);
  p.touch(0, 6000);
  other.sleep(100_ms);  // it needs no memory
  other.exit();
  const Outcome outcome = s.finish();
  EXPECT_TRUE(outcome.app.processes[0].stuck_at);
  EXPECT_FALSE(outcome.app.processes[1].stuck_at);
  EXPECT_FALSE(outcome.halted);
}

TEST_F(Stuck, AWriteThatFindsNoMemoryIsTheProgramsLast) {
  Simulation s(small_group(), protected_program());
  Program p(s, 100);
  p.map(0, kPages);
  p.touch(0, 3060);
  p.write_file(1, 0, 50'000);
  const Outcome outcome = s.finish();
  EXPECT_TRUE(outcome.app.processes[0].stuck_at);
}

// Everything that can keep memory from being had, in every combination: the model gives up within a bounded number of
// steps, and its lists stay short.
TEST_F(Hostile, CombinationsEndQuickly) {
  struct Group {
    const char* name;
    int64_t max, high, swap_max;
  };
  const Group groups[] = {{"none", -1, -1, -1},
                          {"max, swap full", (6_MiB).count(), -1, (1_MiB).count()},
                          {"max, no swap", (6_MiB).count(), -1, 0},
                          {"max 0", 0, -1, -1},
                          {"high 0", -1, 0, 0}};
  enum class Swap : uint8_t { kNone, kDisk, kZram };
  for (const int panic : {0, 1, 2}) {
    for (const int adj : {0, -1000}) {
      for (const Group& group : groups) {
        for (const Swap swap : {Swap::kNone, Swap::kDisk, Swap::kZram}) {
          for (const bool bound : {false, true}) {
            SCOPED_TRACE(testing::Message() << "panic_on_oom " << panic << ", adj " << adj << ", group " << group.name
                                            << ", swap " << static_cast<int>(swap) << ", bound " << bound);
            HostBuilder builder;
            builder.plain_node(2600_pages)
                .plain_node(2600_pages)
                .process(10, "daemon", 1_MiB, adj)
                .set("vm.panic_on_oom", panic)
                .set("vm.overcommit_memory", 1);
            if (swap != Swap::kNone) builder.swap(2_MiB);
            host::HostSpec host = builder.build();
            if (swap == Swap::kZram) host.swaps[0].zram_percent = 33;
            host.cgroup.present = group.max >= 0 || group.high >= 0;
            if (group.max >= 0) host.cgroup.memory_max = group.max;
            if (group.high >= 0) host.cgroup.memory_high = group.high;
            if (group.swap_max >= 0) host.cgroup.memory_swap_max = group.swap_max;
            Options options;
            options.oom_score_adj = adj;
            if (bound) options.policy_mode = host::PolicyMode::kBind;
            if (bound) options.policy_nodes = 0b1;
            Simulation s(host, options);
            Program p(s, 100);
            p.map(0, 20'000);
            p.touch(0, 3000);
            Program child = p.fork(200);
            child.touch(0, 3000);
            p.touch(3000, 4000);
            p.write_file(1, 0, 2000);
            child.read_file(2, 0, 2000);
            p.read(0, 7000);
            child.touch(0, 6000);
            child.exit();
            p.exit();
            const Outcome outcome = s.finish();
            EXPECT_LE(outcome.oom_kills.size(), kKillsInFull);
            EXPECT_LT(outcome.steps, 1'500'000u);
          }
        }
      }
    }
  }
}

TEST(Lists, OfKillsAndProcessesStayBoundedAndAreCounted) {
  HostBuilder builder;
  builder.plain_node(Pages(4 * kPages));
  Simulation s(builder.build(), {});
  Program p(s, 100);
  p.map(0, 10);
  p.touch(0, 10);
  for (uint32_t child = 1000; child < 1000 + kProcessesInFull + 10; ++child) p.fork(child).exit();
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.app.processes.size(), kProcessesInFull);
  EXPECT_EQ(outcome.app.processes_total, static_cast<int64_t>(kProcessesInFull) + 11);
}

TEST(Lists, OfManyKillsOnlyTheFirstHaveAReport) {
  HostBuilder builder;
  builder.plain_node(Pages(kPages)).set("vm.overcommit_memory", 1);
  for (int pid = 10; pid < 110; ++pid) builder.process(pid, "worker" + std::to_string(pid), 100_KiB);
  Simulation s(builder.build(), protected_program());
  Program p(s, 200);
  p.map(0, 2 * kPages);
  p.touch(0, 2 * kPages);
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.oom_kills.size(), kKillsInFull + 1) << "the first kills, and the panic that ended the run";
  EXPECT_EQ(outcome.oom_kills_total, 101) << "100 workers and a panic";
}

}  // namespace
}  // namespace oomcast::sim
