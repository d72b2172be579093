// The state of the kernel at a moment is what /proc would show then.
#include "model/sim/moment.h"

#include <gtest/gtest.h>

#include "model/sim/timeline.h"
#include "tests/support/machine.h"

namespace oomcast::sim {
namespace {

using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

TEST(Moment, HoldsTheZonesAndTheCounters) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  m.zone().free = 1234;
  m.zone().boost = 10;
  m.host.vmstat[host::Vmstat::pgfault] = 7;
  m.host.guest_anon = 5;
  m.host.guest_swapped = 3;
  const Moment moment = moment_of("direct_reclaim", 5_ms, m.host);
  ASSERT_EQ(moment.nodes.size(), 1u);
  ASSERT_EQ(moment.nodes[0].zones.size(), 1u);
  const ZoneMoment& zone = moment.nodes[0].zones[0];
  EXPECT_EQ(zone.free, 1234_pages);
  EXPECT_EQ(zone.managed, 20000_pages);
  EXPECT_EQ(zone.boost, 10_pages);
  EXPECT_EQ(zone.watermarks.low, Pages(m.zone().low + 10));  // as /proc/zoneinfo prints it
  EXPECT_EQ(moment.counters[host::Vmstat::pgfault], 7);
  EXPECT_EQ(moment.app_footprint, to_bytes(8_pages));
  EXPECT_EQ(moment.t, 5_ms);
}

TEST(Moment, ThePeakIsTheSampleWithTheLargestFootprint) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  Timeline timeline(m.host, m.sched, m.pressure, {});
  for (int64_t footprint : {10, 300, 300, 20}) {
    m.host.guest_anon = footprint;
    m.pass(kSampleInterval);
    timeline.sample();
  }
  Outcome outcome;
  static_cast<Series&>(outcome) = timeline.finish(outcome.moments);
  ASSERT_EQ(outcome.moments.size(), 2u);
  EXPECT_EQ(outcome.moments[0].name, "peak");
  EXPECT_EQ(outcome.moments[0].t, 40_ms);  // the first of equals
  EXPECT_EQ(outcome.moments[0].app_footprint, to_bytes(300_pages));
  EXPECT_EQ(outcome.moments[1].name, "end");
  EXPECT_EQ(outcome.timeline[1].app_footprint, to_bytes(300_pages));
}

TEST(Moment, ThePeakKnowsWhoseMemoryLivedThen) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  Timeline timeline(m.host, m.sched, m.pressure, {});
  for (int64_t pages : {100, 300, 20}) {
    m.host.guest_anon = pages;
    m.host.sites[7] = {300, pages, 300};
    m.host.sites[9] = {10, 0, 10};
    m.pass(kSampleInterval);
    timeline.sample();
  }
  Outcome outcome;
  static_cast<Series&>(outcome) = timeline.finish(outcome.moments);
  ASSERT_EQ(outcome.moments[0].sites.size(), 1u) << "of site 9 nothing lives";
  EXPECT_EQ(outcome.moments[0].sites[0].stack_id, 7u);
  EXPECT_EQ(outcome.moments[0].sites[0].resident, to_bytes(300_pages));
  EXPECT_EQ(outcome.moments[1].sites[0].resident, to_bytes(20_pages));
}

TEST(Moment, ARunThatHasNoMemoryHasNoPeak) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  Timeline timeline(m.host, m.sched, m.pressure, {});
  Outcome outcome;
  static_cast<Series&>(outcome) = timeline.finish(outcome.moments);
  ASSERT_EQ(outcome.moments.size(), 1u);
  EXPECT_EQ(outcome.moments[0].name, "end");
}

}  // namespace
}  // namespace oomcast::sim
