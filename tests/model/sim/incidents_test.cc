// Published incidents with page cache come out as they were described, on hosts scaled down in proportion.
#include <gtest/gtest.h>

#include "model/sim/simulation.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"

namespace oomcast::sim {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Program;
using namespace oomcast::literals;

Options audited() {
  Options options;
  options.audit = true;
  return options;
}

int64_t free_at_end(const Outcome& outcome, size_t node) { return outcome.timeline.back().node_free[node].count(); }

// Fastmail (2010): 48 GB in two nodes, a mail store larger than memory that is read over and over.
Outcome mail_server(int zone_reclaim_mode) {
  Simulation s(HostBuilder().node(96_MiB).node(96_MiB).set("vm.zone_reclaim_mode", zone_reclaim_mode).build(),
               Options{});
  Program p(s, 100);
  for (int pass = 0; pass < 3; ++pass) p.read_file(1, 0, 32000);  // 125 MiB
  p.exit();
  return s.finish();
}

TEST(Incident, ZoneReclaimKeepsTheCacheSmallAndTheOtherNodesMemoryUnused) {
  const Outcome on = mail_server(1), off = mail_server(0);
  EXPECT_GT(free_at_end(on, 1), 20000) << "the second node is hardly touched";
  constexpr int64_t kNode = 24576;
  EXPECT_LE(free_at_end(off, 1), kNode - (32000 - kNode)) << "what the first node cannot hold lies there";
  EXPECT_LT(off.counters[Vmstat::pgpgin], 4 * 32000 * 5 / 4)
      << "read once, then cached, but for what a boosted kswapd took";
  EXPECT_GT(on.counters[Vmstat::pgpgin], 2 * off.counters[Vmstat::pgpgin]) << "disk reads that mode 0 does not need";
}

// LinkedIn (2013): direct reclaim on a host with free memory, gone with zone reclaim off.
TEST(Incident, DirectReclaimBesideFreeMemoryGoesAwayWithZoneReclaimOff) {
  const Outcome on = mail_server(1), off = mail_server(0);
  EXPECT_EQ(on.verdict, Verdict::kDirectReclaim);
  EXPECT_GT(on.counters[Vmstat::pgscan_direct], 10000);
  EXPECT_EQ(off.counters[Vmstat::pgscan_direct], 0);
}

// Two nodes, no swap, anonymous memory nearly everywhere: a few file pages that are wanted again and again keep kswapd
// from giving up, since each run reclaims some of them (2026: 2 x 128 GB, 83 MB of file pages).
TEST(Incident, KswapdNeverSleepsWhenAHandfulOfFilePagesKeepsItHopeful) {
  host::HostSpec spec = HostBuilder().node(64_MiB).node(64_MiB).build();
  Pages managed, marks;
  for (const host::NodeSpec& node : spec.nodes) {
    for (const host::ZoneSpec& zone : node.zones) {
      managed += zone.managed;
      marks += zone.watermarks.high;
    }
  }
  const uint64_t anon = static_cast<uint64_t>(managed.count() - marks.count() - 400);
  Simulation s(spec, Options{});
  Program p(s, 100);
  p.map(0, anon);
  p.touch(0, anon);
  for (int pass = 0; pass < 30; ++pass) p.read_file(1, 0, 900);
  p.exit();
  const Outcome outcome = s.finish();
  EXPECT_TRUE(outcome.oom_kills.empty());
  EXPECT_GT(outcome.counters[Vmstat::pageoutrun], 100);
  EXPECT_GT(outcome.counters[Vmstat::workingset_refault_file], 5000) << "what it takes is wanted back";
  EXPECT_GT(outcome.counters[Vmstat::pgsteal_kswapd], 5000);
}

// A VM without swap whose program text no longer fits beside its data: no kill, only scanning and major faults.
TEST(Incident, ThrashingProgramTextStallsAHostWithoutAKill) {
  host::HostSpec spec = HostBuilder().node(64_MiB).build();
  const uint64_t anon = static_cast<uint64_t>(spec.total_ram.count()) - 2600;
  Simulation s(spec, Options{});
  Program p(s, 100);
  p.map_file(100000, 3000, 1, trace::kPrivate | trace::kExecutable);
  p.map(0, anon);
  p.touch(0, anon);
  // Scattered, as calls are: read in order, readahead would fetch it before it is missed.
  for (uint64_t i = 0; i < 6 * 3000; ++i) p.read(100000 + i * 1117 % 3000, 1);
  p.exit();
  const Outcome outcome = s.finish();
  EXPECT_TRUE(outcome.oom_kills.empty());
  EXPECT_GT(outcome.counters[Vmstat::pgmajfault], 400);
  EXPECT_GT(outcome.counters[Vmstat::workingset_refault_file], 8000);
  EXPECT_GT(outcome.counters[Vmstat::pgscan_direct] + outcome.counters[Vmstat::pgscan_kswapd], 10000);
}

// A 128 MiB cgroup that runs a 549.5 MiB executable: terabytes read, no kill.
TEST(Incident, AnExecutableLargerThanItsGroupIsReadOverAndOverAndNeverKilled) {
  Simulation s(HostBuilder().node(128_MiB).limit(8_MiB).build(), audited());
  Program p(s, 100);
  constexpr uint64_t kText = 8792;  // 34.3 MiB, 4.3 times the limit
  p.map_file(0, kText, 1, trace::kPrivate | trace::kExecutable);
  for (int pass = 0; pass < 4; ++pass) p.read(0, kText);
  p.exit();
  const Outcome outcome = s.finish();
  EXPECT_TRUE(outcome.oom_kills.empty());
  EXPECT_EQ(outcome.verdict, Verdict::kDirectReclaim) << "inside the group";
  EXPECT_GT(outcome.counters[Vmstat::workingset_refault_file], int64_t{kText} * 5 / 2)
      << "three passes come back for what the group had to give up";
  EXPECT_GT(outcome.counters[Vmstat::pgpgin], int64_t{kText} * 4 * 7 / 2)
      << "kB: the text is read from disk again in every pass";
  EXPECT_LE(outcome.cgroup.peak, 8_MiB);
}

}  // namespace
}  // namespace oomcast::sim
