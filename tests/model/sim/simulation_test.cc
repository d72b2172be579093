// The host is simulated while a program runs: time, order, divergence, and the watches that the recorder is asked for.
#include "model/sim/simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/host/page.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"

namespace oomcast::sim {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Program;
using testing::HasSubstr;
using namespace oomcast::literals;

Options audited() {
  Options options;
  options.audit = true;
  return options;
}

TEST(Simulation, AProgramThatFitsLeavesNoTrace) {
  Simulation s(HostBuilder().node(256_MiB).build(), audited());
  Program p(s, 100);
  p.map(0, 1000);
  p.touch(0, 1000);
  p.exit();
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.verdict, Verdict::kFits);
  EXPECT_FALSE(outcome.kswapd_wake || outcome.direct_reclaim || outcome.swap_out || outcome.oom_kill ||
               outcome.diverged);
  EXPECT_EQ(outcome.counters[Vmstat::pgfault], 1000);
  EXPECT_EQ(outcome.stall.longest, 0_ns);
  EXPECT_THAT(outcome.audit_faults, testing::IsEmpty());
}

TEST(Simulation, ComputeTimeIsScaledToTheTargetAndWaitsAreNot) {
  Options options;
  options.recorder_cpu_loop_20m_ns = 20'000'000;  // the recording machine is twice as fast (HostBuilder: 40 ms)
  Simulation s(HostBuilder().node(64_MiB).build(), options);
  Program p(s, 100);
  p.compute(1_s);
  EXPECT_EQ(s.now(), 2_s);
  p.sleep(1_s);
  EXPECT_EQ(s.now(), 3_s);
}

TEST(Simulation, UnknownSpeedsAreNotScaled) {
  Simulation s(HostBuilder().node(64_MiB).build(), {});
  Program p(s, 100);
  p.compute(1_s);
  EXPECT_EQ(s.now(), 1_s);
}

TEST(Simulation, EveryFirstTouchCostsAFault) {
  Simulation s(HostBuilder().node(64_MiB).build(), {});
  Program p(s, 100);
  p.map(0, 1000);
  p.touch(0, 1000);
  p.touch(0, 1000);
  p.exit();
  EXPECT_NEAR(static_cast<double>(s.finish().forecast.count()), 1000 * 1000 + 1000 * 200, 300'000);
}

TEST(Simulation, TwoThreadsRunSideBySide) {
  Simulation s(HostBuilder().node(64_MiB).cpus(2).build(), {});
  Program one(s, 100);
  Program two = Program::thread(s, 100, 101);
  one.compute(1_s);
  two.compute(1_s);
  EXPECT_LT(s.now(), 2_s) << "the second was not started later than the first";
}

TEST(Simulation, AnEventThatArrivesLateIsTakenInArrivalOrderAndCounted) {
  Simulation s(HostBuilder().node(64_MiB).cpus(2).build(), {});
  Program one(s, 100);
  Program two = Program::thread(s, 100, 101);
  two.compute(1_ms);
  one.compute(5_s);
  two.compute(1_s);  // its own clock says 1 s, but it arrived after one's 5 s
  const Outcome outcome = s.finish();
  EXPECT_GE(outcome.forecast, 5_s);
  EXPECT_GE(outcome.order_forced, 1u);
}

// Fills a host with 64 MiB of swap with 1.2 times its memory.
void thrash(Simulation& s, uint32_t pid = 100) {
  Program p(s, pid);
  p.map(0, 25000);
  p.touch(0, 25000);
  p.exit();
}

TEST(Simulation, AStallDelaysTheTasksLaterEvents) {
  Simulation calm(HostBuilder().node(256_MiB).swap(64_MiB).build(), {});
  Simulation tight(HostBuilder().node(80_MiB).swap(64_MiB).build(), {});
  thrash(calm);
  thrash(tight);
  const Outcome a = calm.finish(), b = tight.finish();
  EXPECT_EQ(a.verdict, Verdict::kFits);
  EXPECT_GE(b.verdict, Verdict::kBackgroundReclaim);
  EXPECT_GT(b.counters[Vmstat::pswpout], 3000);
  EXPECT_GT(b.forecast, a.forecast);
  EXPECT_GE(b.forecast - a.forecast, b.stall.direct_reclaim_total / 2);
}

TEST(Simulation, OthersRunWhileATaskIsStalled) {
  // Thread two computes all the time; thread one is held up by reclaim. Two's clock does not wait for one's.
  Simulation s(HostBuilder().node(80_MiB).cpus(2).swap(64_MiB).build(), audited());
  Program one = Program(s, 100).window(50);
  Program two = Program::thread(s, 100, 101);
  one.map(0, 25000);
  for (uint64_t i = 0; i < 250; ++i) {
    one.touch(i * 100, 100);
    two.compute(100_us);
  }
  one.exit();
  const Outcome outcome = s.finish();
  EXPECT_GT(outcome.counters[Vmstat::pswpout], 0);
  EXPECT_LT(outcome.pressure_full.total, outcome.pressure_some.total) << "two was never stalled";
}

TEST(Simulation, MemoryPressureWatchesThePagesThatItLookedAt) {
  Simulation s(HostBuilder().node(80_MiB).swap(64_MiB).build(), {});
  std::vector<trace::WatchRequest> watches;
  Program p(s, 100);
  p.map(0, 25000);
  p.touch(0, 10000);
  s.take_watches(watches);
  EXPECT_TRUE(watches.empty());
  p.touch(10000, 15000);
  s.take_watches(watches);
  ASSERT_FALSE(watches.empty());
  EXPECT_EQ(watches[0].pid, 100u);
  EXPECT_GE(watches[0].address, Program::address(0));
  watches.clear();
  s.take_watches(watches);
  EXPECT_TRUE(watches.empty()) << "each watch is asked for once";
}

TEST(Simulation, AnOomKillEndsTheProgramAndDiverges) {
  Simulation s(HostBuilder().node(64_MiB).set("vm.overcommit_memory", 1).build(), audited());
  Program p(s, 100, "hog");
  p.map(0, 15000);
  p.map(15000, 15000);
  p.touch(0, 30000);
  p.exit();
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.verdict, Verdict::kOomKill);
  ASSERT_EQ(outcome.oom_kills.size(), 1u);
  EXPECT_EQ(outcome.oom_kills[0].victim.pid, 100);
  EXPECT_EQ(outcome.oom_kills[0].victim.comm, "hog");
  ASSERT_TRUE(outcome.diverged.has_value());
  EXPECT_EQ(outcome.diverged->by, DivergedBy::kKill);
  EXPECT_EQ(outcome.diverged->pid, 100);
  EXPECT_EQ(outcome.diverged->comm, "hog");
  EXPECT_LT(outcome.app.touched, to_bytes(20000_pages)) << "what it did afterwards is ignored";
  EXPECT_TRUE(outcome.app.processes[0].killed_by_model);
}

TEST(Simulation, AGroupThatMayNotSwapIsKilledBesideFreeSwapAndThatIsSaid) {
  Simulation s(HostBuilder().node(256_MiB).swap(64_MiB).limit(32_MiB).set("vm.swappiness", 0).build(), Options{});
  Program p(s, 100, "hog");
  p.map(0, 12000);
  p.touch(0, 12000);
  p.exit();
  const Outcome outcome = s.finish();
  ASSERT_EQ(outcome.oom_kills.size(), 1u);
  EXPECT_TRUE(swap_is_forbidden(outcome.oom_kills[0]));
  EXPECT_EQ(to_bytes(outcome.oom_kills[0].shortage.swap_free), 64_MiB);
  EXPECT_EQ(outcome.oom_kill->cause, Cause::kGroupOutOfMemory);
  ASSERT_TRUE(outcome.oom_kill->group.has_value());
  EXPECT_EQ(to_bytes(outcome.oom_kill->group->max), 32_MiB);
  EXPECT_GE(outcome.oom_kill->group->usage, outcome.oom_kill->group->max - 64_pages);
}

TEST(Simulation, PageTablesThatFindNoRoomBesideFreeMovableMemoryAreNamedAsTheCause) {
  host::HostSpec host = HostBuilder().node(64_MiB).node(256_MiB).set("vm.overcommit_memory", 1).build();
  for (host::ZoneSpec& zone : host.nodes[1].zones) zone.kind = host::ZoneKind::kMovable;
  Simulation s(host, Options{});
  Program p(s, 100, "hog");
  // One page in each 2 MiB: as many page tables as pages.
  for (uint64_t at = 0; at < 20000; ++at) {
    p.map(at * 512, 512);
    p.touch(at * 512, 1);
  }
  p.exit();
  const Outcome outcome = s.finish();
  ASSERT_GE(outcome.oom_kills.size(), 1u);
  EXPECT_TRUE(movable_is_forbidden(outcome.oom_kills[0]));
}

TEST(Simulation, WhatComesWithAHugePageAndIsNotUsedIsCountedApart) {
  Simulation s(HostBuilder().node(64_MiB).huge_pages(host::ThpMode::kAlways).build(), audited());
  Program p(s, 100);
  p.map(0, 1024);
  p.touch(0, 1);
  p.touch(512, 100);
  p.give_back(512, 512);
  p.exit();
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.app.footprint_peak, to_bytes(1024_pages));
  EXPECT_EQ(outcome.app.untouched_at_peak, to_bytes(1024_pages - 2_pages)) << "when the second one had just come";
}

TEST(Simulation, KillingABystanderIsNoDivergence) {
  Simulation s(HostBuilder().node(64_MiB).process(50, "victim", 40_MiB).build(), audited());
  Program p(s, 100);
  p.map(0, 8000);
  p.touch(0, 8000);
  p.exit();
  const Outcome outcome = s.finish();
  ASSERT_EQ(outcome.oom_kills.size(), 1u);
  EXPECT_EQ(outcome.oom_kills[0].victim.pid, 50);
  EXPECT_FALSE(outcome.diverged.has_value());
  EXPECT_EQ(outcome.app.touched, to_bytes(8000_pages)) << "the program goes on";
}

TEST(Simulation, TheRecorderIsAskedToKillOnlyIfTheUserWantsThat) {
  for (const bool wanted : {false, true}) {
    Options options;
    options.kill_on_oom = wanted;
    Simulation s(HostBuilder().node(64_MiB).build(), options);
    Program p(s, 100);
    p.map(0, 15000);
    p.map(15000, 15000);
    p.touch(0, 30000);
    std::vector<trace::KillRequest> kills;
    s.take_kills(kills);
    EXPECT_EQ(kills.size(), wanted ? 1u : 0u);
    if (wanted) {
      EXPECT_EQ(kills[0].pid, 100u);
    }
    kills.clear();
    s.take_kills(kills);
    EXPECT_TRUE(kills.empty());
  }
}

TEST(Simulation, ARefusedMappingDivergesAndWhatIsDoneThereIsLeftOut) {
  Simulation s(HostBuilder().node(64_MiB).set("vm.overcommit_memory", 0).build(), audited());
  Program p(s, 100);
  p.map(0, 1'000'000);
  p.touch(0, 100);
  p.map(2'000'000, 100);
  p.touch(2'000'000, 100);
  p.exit();
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.verdict, Verdict::kAllocRefused);
  EXPECT_TRUE(outcome.diverged.has_value());
  EXPECT_EQ(outcome.app.touched, to_bytes(100_pages)) << "only where the mapping was granted";
  EXPECT_EQ(outcome.alloc_refused->refusal.value().by, mm::RefusedBy::kRamAndSwap);
}

TEST(Simulation, AReservationIsFreeUntilItIsUsed) {
  Simulation s(HostBuilder().node(64_MiB).build(), audited());
  Program p(s, 100);
  p.map(0, 1'000'000, trace::kPrivate | trace::kAnonymous | trace::kWritable | trace::kNoReserve);
  p.map(2'000'000, 1'000'000, trace::kPrivate | trace::kAnonymous);  // PROT_NONE, as arenas are reserved
  p.protect(2'000'000, 100, true);
  p.touch(2'000'000, 100);
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.verdict, Verdict::kFits);
  EXPECT_EQ(outcome.app.mapped_peak, to_bytes(Pages(2'000'000)));
}

TEST(Simulation, HeadroomIsWhatMayBeTouchedBeforeTheNextWatermark) {
  const host::HostSpec spec = HostBuilder().plain_node(20000_pages).build();
  Simulation s(spec, {});
  const auto low = static_cast<uint64_t>(spec.nodes[0].zones[0].watermarks.low.count());
  EXPECT_EQ(s.headroom_pages(), 20000 - low);
  Program p(s, 100);
  p.map(0, 19000);
  p.touch(0, 1000);
  EXPECT_NEAR(static_cast<double>(s.headroom_pages()), static_cast<double>(20000 - low - 1000 - 10), 5)
      << "page tables and the task take some, too";
}

TEST(Simulation, NoHeadroomWhileKswapdWorks) {
  Simulation s(HostBuilder().plain_node(20000_pages).swap(64_MiB).build(), {});
  Program p(s, 100);
  p.map(0, 25000);
  bool seen = false;
  for (uint64_t i = 0; i < 25000 && !seen; ++i) {
    p.touch(i, 1);
    seen = i > 19000 && s.headroom_pages() == 0;
  }
  EXPECT_TRUE(seen);
}

TEST(Simulation, TheScoreAdjustmentIsInherited) {
  Options options;
  options.oom_score_adj = 300;
  Simulation s(HostBuilder().node(64_MiB).build(), options);
  Program p(s, 100);
  Program child = p.fork(101);
  child.oom_score_adj(-500);
  child.fork(102);
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.app.processes.at(0).oom_score_adj, 300);
  EXPECT_EQ(outcome.app.processes.at(1).oom_score_adj, -500);
  EXPECT_EQ(outcome.app.processes.at(2).oom_score_adj, -500);
}

TEST(Simulation, ExecStartsWithAnEmptyAddressSpace) {
  Simulation s(HostBuilder().node(64_MiB).build(), audited());
  Program p(s, 100);
  p.map(0, 1000);
  p.touch(0, 1000);
  p.exec();
  p.map(0, 10);
  p.touch(0, 10);
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.app.touched, to_bytes(1010_pages));
  EXPECT_EQ(outcome.app.footprint_peak, to_bytes(1000_pages));
}

TEST(Simulation, AMappingOverTouchedPagesDropsThem) {
  Simulation s(HostBuilder().node(64_MiB).build(), audited());
  Program p(s, 100);
  p.map(0, 1000);
  p.touch(0, 1000);
  p.map(0, 1000);  // MAP_FIXED
  p.touch(0, 1000);
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.app.touched, to_bytes(2000_pages)) << "fresh memory each time";
  EXPECT_EQ(outcome.app.resident_peak, to_bytes(1000_pages));
}

TEST(Simulation, AMoveOntoTouchedPagesDropsThem) {
  Simulation s(HostBuilder().node(64_MiB).build(), audited());
  Program p(s, 100);
  p.map(0, 100);
  p.map(5000, 100);
  p.touch(0, 100);
  p.touch(5000, 100);
  p.move(0, 5000, 100);
  p.exit();
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.app.mapped_peak, to_bytes(200_pages));
  EXPECT_THAT(outcome.audit_faults, testing::IsEmpty());
}

TEST(Simulation, APidIsUsedAgainByAnotherProcess) {
  Simulation s(HostBuilder().node(64_MiB).build(), audited());
  for (int i = 0; i < 3; ++i) {
    Program p(s, 100);
    p.map(0, 100);
    p.touch(0, 100);
    p.exit();
  }
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.app.processes.size(), 3u);
  EXPECT_EQ(outcome.app.touched, to_bytes(300_pages));
}

TEST(Simulation, AChildActsOnlyWhenItsForkIsComplete) {
  // Copying the page tables stalls the parent; the child's first event arrives meanwhile.
  Simulation s(HostBuilder().plain_node(4000_pages).swap(64_MiB).set("vm.overcommit_memory", 1).build(), audited());
  Program parent = Program(s, 100).window(500);
  parent.map(0, 10000);
  parent.touch(0, 3900);
  for (uint32_t child = 101; child < 110; ++child) {
    Program c = parent.fork(child).window(500);
    c.touch(3800, 400);
  }
  const Outcome outcome = s.finish();
  EXPECT_THAT(outcome.audit_faults, testing::IsEmpty());
}

TEST(Simulation, LostEventsAreCounted) {
  Simulation s(HostBuilder().node(64_MiB).build(), {});
  Program p(s, 100);
  p.lose(17);
  EXPECT_EQ(s.finish().lost_events, 17u);
}

TEST(Simulation, WhatThePagesCannotNumberIsLeftOutAndSaid) {
  Simulation s(HostBuilder().node(64_MiB).build(), audited());
  Program p(s, 100);
  p.touch(0, 10);
  p.touch(host::kAddressEnd >> kPageShift, 10);
  p.touch((host::kAddressEnd >> kPageShift) + 5, 10);
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.app.touched, to_bytes(10_pages));
  EXPECT_EQ(outcome.left_out.beyond_pid, 100);
}

TEST(Simulation, PagesThatAreKeptFoldedSayTheSame) {
  // Audits read every page after each event, so nothing stays folded. Without them it does, until the program swaps.
  const auto run = [](const Options& options) {
    Simulation s(HostBuilder().node(96_MiB).cpus(2).swap(64_MiB).build(), options);
    Program p = Program(s, 100).window(64);
    p.map(0, 30'000);
    p.touch(0, 10'000);
    p.touch(20'000, 2'000);
    Program child = p.fork(101).window(64);
    child.touch(5'000, 1'000);
    p.unmap(20'500, 1'000);
    p.touch(10'000, 9'000);
    p.touch(0, 2'000);
    child.exit();
    p.exit();
    return s.finish();
  };
  const Outcome outcome = run(audited());
  EXPECT_THAT(outcome.audit_faults, testing::IsEmpty());
  EXPECT_GT(outcome.counters[Vmstat::pswpout], 0);
  EXPECT_EQ(run({}).digest, outcome.digest);
}

TEST(Simulation, TheProgramRunsWhereItIsToldTo) {
  Options options;
  options.cpu_node = 1;
  Simulation s(HostBuilder().plain_node(20000_pages).plain_node(20000_pages).build(), options);
  Program p(s, 100);
  p.map(0, 1000);
  p.touch(0, 1000);
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.counters[Vmstat::numa_miss], 0);
  EXPECT_LT(outcome.timeline.back().node_free.at(1), 19000_pages);
  EXPECT_EQ(outcome.timeline.back().node_free.at(0), 20000_pages);
}

}  // namespace
}  // namespace oomcast::sim
