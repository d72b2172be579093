// Memory is sampled over time. Rows every 20 ms, thinned on long runs, and the time between watermarks.
#include "model/sim/timeline.h"

#include <gtest/gtest.h>

#include "tests/support/machine.h"
#include "tests/support/program.h"

namespace oomcast::sim {
namespace {

using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using support::Program;
using namespace oomcast::literals;

Outcome sampled(Machine& m, int samples) {
  Timeline timeline(m.host, m.sched, m.pressure, {});
  for (int i = 0; i < samples; ++i) {
    m.pass(kSampleInterval);
    timeline.sample();
  }
  m.pass(kSampleInterval);
  Outcome outcome;
  static_cast<Series&>(outcome) = timeline.finish(outcome.moments);
  return outcome;
}

TEST(Timeline, ARowEveryTwentyMilliseconds) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  const Outcome outcome = sampled(m, 9);
  ASSERT_EQ(outcome.timeline.size(), 10u);
  EXPECT_EQ(outcome.timeline[0].t, 20_ms);
  EXPECT_EQ(outcome.timeline[9].t, 200_ms);
  EXPECT_EQ(outcome.timeline[4].node_free.at(0), 20000_pages);
}

TEST(Timeline, EachGroupThatTheProgramIsChargedToIsSampled) {
  Machine m(HostBuilder().plain_node(20000_pages).limit(4_MiB).build(), Kswapd::kAbsent);
  m.host.cgroups[m.host.app_cgroup].usage = 700;
  m.host.cgroups[host::kRootCgroup].usage = 9000;
  const Outcome outcome = sampled(m, 1);
  ASSERT_EQ(outcome.groups.size(), 1u) << "the root is none: it has no limit";
  EXPECT_EQ(outcome.groups[0].max, to_pages(4_MiB));
  EXPECT_EQ(outcome.timeline.at(0).group_usage, std::vector<Pages>{700_pages});
}

TEST(Timeline, ALongRunIsThinnedButKeepsItsEnds) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  const Outcome outcome = sampled(m, 20'000);
  EXPECT_LE(outcome.timeline.size(), 600u);
  EXPECT_GE(outcome.timeline.size(), 250u);
  EXPECT_GE(outcome.timeline.back().t, 399_s);
  for (size_t i = 1; i < outcome.timeline.size(); ++i) EXPECT_LT(outcome.timeline[i - 1].t, outcome.timeline[i].t);
}

TEST(Timeline, BandsSayHowLongTheNodeWasWhere) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  Timeline timeline(m.host, m.sched, m.pressure, {});
  const auto stay = [&](int64_t free, int64_t samples) {
    m.zone().free = free;
    for (int64_t i = 0; i < samples; ++i) {
      m.pass(kSampleInterval);
      timeline.sample();
    }
  };
  stay(m.zone().high_mark() + 1, 10);
  stay(m.zone().high_mark(), 20);
  stay(m.zone().low_mark(), 30);
  stay(m.zone().min_mark(), 40);
  Outcome outcome;
  static_cast<Series&>(outcome) = timeline.finish(outcome.moments);
  EXPECT_EQ(outcome.bands[0].above_high, 200_ms);
  EXPECT_EQ(outcome.bands[0].high_to_low, 400_ms);
  EXPECT_EQ(outcome.bands[0].low_to_min, 600_ms);
  EXPECT_EQ(outcome.bands[0].below_min, 800_ms);
}

TEST(Timeline, TheDmaZoneDoesNotHideAnEmptyNode) {
  Machine m(HostBuilder().node(512_MiB).build(), Kswapd::kAbsent);
  m.zone().free = 0;
  const Outcome outcome = sampled(m, 10);
  EXPECT_EQ(outcome.bands[0].above_high, 0_ns);
  EXPECT_GT(outcome.bands[0].below_min, 0_ns);
}

TEST(Timeline, RatesArePerSecondOverTheRow) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  Timeline timeline(m.host, m.sched, m.pressure, {});
  m.host.count(host::Vmstat::pgscan_kswapd, 100);
  m.host.count(host::Vmstat::pgscan_direct, 50);
  m.host.count(host::Vmstat::pgsteal_file, 20);
  m.pass(kSampleInterval);
  timeline.sample();
  m.pass(kSampleInterval);
  timeline.sample();
  m.pass(kSampleInterval);
  Outcome outcome;
  static_cast<Series&>(outcome) = timeline.finish(outcome.moments);
  EXPECT_EQ(outcome.timeline[0].pgscan_kswapd_s, 5000);
  EXPECT_EQ(outcome.timeline[0].pgscan_direct_s, 2500);
  EXPECT_EQ(outcome.timeline[0].pgsteal_s, 1000);
  EXPECT_EQ(outcome.timeline[1].pgscan_kswapd_s, 0);
}

TEST(Timeline, ShowsKswapdAtWorkAndThePressure) {
  Simulation s(HostBuilder().plain_node(20000_pages).page_cache(8000_pages).build(), {});
  Program p(s, 100);
  p.map(0, 15000);
  p.touch(0, 15000);
  p.exit();
  const Outcome outcome = s.finish();
  int64_t most = 0;
  for (const TimelineRow& row : outcome.timeline) most = std::max(most, row.kswapd_cpu_permille);
  EXPECT_GT(most, 0);
  EXPECT_LE(most, 1000);
  EXPECT_GT(outcome.pressure_some.total, 0_ns);
}

}  // namespace
}  // namespace oomcast::sim
