// The verdict and the sums of a run are derived: the parts of an outcome that follow from the rest.
#include "model/sim/outcome_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/machine.h"
#include "tests/support/program.h"

namespace oomcast::sim {
namespace {

using support::HostBuilder;
using support::Program;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using namespace oomcast::literals;

TEST(Verdict, TheWorstThingDecides) {
  Outcome outcome;
  EXPECT_EQ(verdict_of(outcome), Verdict::kFits);
  outcome.kswapd_wake = Incident{};
  EXPECT_EQ(verdict_of(outcome), Verdict::kFits) << "a kswapd that wakes and finds nothing to do leaves it so";
  outcome.kswapd_scan = Incident{};
  EXPECT_EQ(verdict_of(outcome), Verdict::kBackgroundReclaim);
  outcome.direct_reclaim = Incident{};
  EXPECT_EQ(verdict_of(outcome), Verdict::kDirectReclaim);
  outcome.alloc_refused = Incident{};
  EXPECT_EQ(verdict_of(outcome), Verdict::kAllocRefused);
  outcome.oom_kill = Incident{};
  EXPECT_EQ(verdict_of(outcome), Verdict::kOomKill);
}

TEST(Verdict, NamesAreThoseOfTheReport) {
  EXPECT_STREQ(verdict_name(Verdict::kFits), "fits");
  EXPECT_STREQ(verdict_name(Verdict::kBackgroundReclaim), "background_reclaim");
  EXPECT_STREQ(verdict_name(Verdict::kDirectReclaim), "direct_reclaim");
  EXPECT_STREQ(verdict_name(Verdict::kAllocRefused), "alloc_refused");
  EXPECT_STREQ(verdict_name(Verdict::kOomKill), "oom_kill");
}

TEST(Summary, ProcessesComeInTheOrderOfTheirStart) {
  Simulation s(HostBuilder().node(64_MiB).process(50, "sshd", 1_MiB).build(), {});
  Program parent(s, 100, "server");
  parent.map(0, 100);
  parent.touch(0, 50);
  Program child = parent.fork(101);
  child.touch(0, 5);
  child.exit();
  parent.exit();
  const Outcome outcome = s.finish();
  ASSERT_EQ(outcome.app.processes.size(), 2u) << "sshd is not of the program";
  const AppProcess& first = outcome.app.processes[0];
  const AppProcess& second = outcome.app.processes[1];
  EXPECT_EQ(first.pid, 100);
  EXPECT_EQ(first.comm, "server");
  EXPECT_EQ(first.touched, to_bytes(50_pages));
  EXPECT_EQ(first.mapped_peak, to_bytes(100_pages));
  EXPECT_EQ(second.pid, 101);
  EXPECT_EQ(second.parent_pid, 100);
  EXPECT_EQ(second.comm, "server") << "until it calls itself otherwise";
  EXPECT_EQ(second.resident_peak, to_bytes(50_pages));
  EXPECT_EQ(outcome.app.touched, to_bytes(50_pages));
  EXPECT_EQ(outcome.app.footprint_peak, to_bytes(55_pages));
  EXPECT_EQ(outcome.app.mapped_peak, to_bytes(200_pages));
}

TEST(Summary, SitesComeBiggestFirst) {
  Simulation s(HostBuilder().node(64_MiB).build(), {});
  Program p(s, 100);
  p.map(0, 1000);
  p.touch(0, 10, 3);
  p.touch(10, 30, 1);
  p.touch(40, 20, 2);
  p.unmap(10, 30);
  const Outcome outcome = s.finish();
  std::vector<uint32_t> ids;
  for (const Site& site : outcome.sites) ids.push_back(site.stack_id);
  EXPECT_THAT(ids, ElementsAre(1, 2, 3));
  EXPECT_EQ(outcome.sites[0].resident_peak, to_bytes(30_pages)) << "what was there at its peak, freed or not";
}

}  // namespace
}  // namespace oomcast::sim
