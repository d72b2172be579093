// Does each finding say the thing that a person would act on?
#include "report/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/report/stories.h"

namespace oomcast::report {
namespace {

using testing::HasSubstr;

std::vector<std::string> ids(const stories::Story& story) {
  std::vector<std::string> out;
  for (const Finding& finding : story.findings()) out.push_back(finding.id);
  return out;
}
Finding the(const std::string& id, const stories::Story& story) {
  for (const Finding& finding : story.findings())
    if (finding.id == id) return finding;
  ADD_FAILURE() << "no finding " << id;
  return {};
}

TEST(Findings, AProgramThatFitsHasNone) { EXPECT_THAT(ids(stories::fits()), testing::IsEmpty()); }

TEST(Findings, OomKillSaysByHowMuchTheVictimOutscoresTheNext) {
  stories::Story story = stories::oom();
  Finding finding = the("oom_kill", story);
  int64_t margin = story.outcome.oom_kills[0].victim.points - story.outcome.oom_kills[0].candidates[2].points;
  EXPECT_EQ(finding.evidence["margin_points"], margin);
  EXPECT_EQ(finding.evidence["next_pid"], 500);
}

TEST(Findings, OomKillNamesTheScoreAdjThatWouldHaveSparedIt) {
  stories::Story story = stories::oom();
  int adj = the("oom_kill", story).evidence["oom_score_adj_to_survive"];
  const host::HostSpec& host = story.outcome.host;
  int64_t next = story.outcome.oom_kills[0].candidates[2].points;
  EXPECT_LT(stories::candidate(812, "redis-server", Bytes(1787 << 20), adj, host).points, next);
  EXPECT_GE(stories::candidate(812, "redis-server", Bytes(1787 << 20), adj + 1, host).points, next);
}

TEST(Findings, OomKillDoesNotSuggestAnAdjThatCannotHelp) {
  stories::Story story = stories::oom();
  for (sim::OomCandidate& c : story.outcome.oom_kills[0].candidates)
    if (c.pid == 500) c.killable = false;
  Finding finding = the("oom_kill", story);
  EXPECT_THAT(finding.why, HasSubstr("nobody else may be killed"));
  EXPECT_FALSE(finding.evidence.contains("oom_score_adj_to_survive"));
}

TEST(Findings, OomKillSaysHowMuchMoreTheProgramWentOnToHold) {
  stories::Story story = stories::oom();
  const Bytes at_the_kill = story.outcome.oom_kills[0].incident.app_footprint;
  story.outcome.app.footprint_peak = at_the_kill;  // it was alone, and is dead there
  story.capture.tracked_peak_bytes = static_cast<uint64_t>((at_the_kill + Bytes(115 << 20)).count());
  EXPECT_EQ(the("oom_kill", story).tries[0].change, "at least 115.0 MiB more memory or swap: what the program went on to add after the kill");
  story.outcome.oom_kills[0].incident.scope = sim::Scope::kCgroup;
  EXPECT_THAT(the("oom_kill", story).tries[0].change, HasSubstr("115.0 MiB more in memory.max"));
  story.capture.tracked_peak_bytes = static_cast<uint64_t>(at_the_kill.count());
  EXPECT_FALSE(the("oom_kill", story).evidence.contains("footprint_growth_after_bytes"));
}

TEST(Findings, NothingIsCalledProvenThatWasNotSimulated) {
  for (const stories::Story& story : {stories::oom(), stories::bystander(), stories::swap_thrash(), stories::unseen()})
    for (const Finding& finding : story.findings())
      for (const Try& t : finding.tries) EXPECT_FALSE(t.proven.has_value()) << finding.id << ": " << t.change;
}

TEST(Findings, AProgramThatMayNotBeKilledTakesOthersWithIt) {
  Finding finding = the("oom_bystander", stories::bystander());
  EXPECT_THAT(finding.title, HasSubstr("python3 (pid 500)"));
  EXPECT_THAT(finding.why, HasSubstr("-1000"));
  EXPECT_THAT(ids(stories::oom()), testing::Not(testing::Contains("oom_bystander")));
}

TEST(Findings, FutileRoundsBeforeAKillAreNotBlamedOnTheWatermarks) {
  Finding finding = the("direct_reclaim", stories::oom());
  EXPECT_THAT(finding.why, HasSubstr("futile"));
  EXPECT_THAT(finding.tries, testing::IsEmpty());
}

TEST(Findings, SwapThrashComparesWhatWentOutWithWhatCameBack) {
  Finding finding = the("swap_thrash", stories::swap_thrash());
  EXPECT_EQ(finding.severity, Severity::kError);  // 2.4 s of 12.4 s
  EXPECT_THAT(finding.why, HasSubstr("67 %"));
  stories::Story story = stories::swap_thrash();
  story.outcome.counters[host::Vmstat::pswpin] = 100;
  EXPECT_THAT(ids(story), testing::Not(testing::Contains("swap_thrash")));
}

TEST(Findings, OneNodeDryWhileAnotherIsFree) {
  stories::Story story = stories::swap_thrash();
  story.outcome.host.nodes.push_back(stories::node_of(1, Bytes(2000 << 20), Bytes(1900 << 20)));
  using namespace oomcast::literals;
  story.outcome.bands = {{NodeId{0}, 8_s, 2_s, 1_s, 400_ms}, {NodeId{1}, 12_s, 0_s, 0_s, 0_s}};
  EXPECT_THAT(the("node_imbalance", story).title, HasSubstr("node 0 runs dry while node 1"));
  story.outcome.bands[1].high_to_low = 1_s;
  EXPECT_THAT(ids(story), testing::Not(testing::Contains("node_imbalance")));
}

TEST(Findings, LowCoverageWarnsAndTinyProgramsDoNot) {
  stories::Story story = stories::fits();
  story.capture.tracked_peak_bytes = 280u << 20;
  EXPECT_THAT(ids(story), testing::ElementsAre("low_coverage"));
  story.capture.tracked_peak_bytes = 0;
  story.capture.rss_peak_bytes = 1u << 20;
  EXPECT_THAT(ids(story), testing::IsEmpty());
}

TEST(Findings, MostOfItUnseenWithholdsTheForecastUnlessItIsAlreadyTheWorst) {
  stories::Story story = stories::fits();
  story.capture.tracked_peak_bytes = 20u << 20;
  EXPECT_THAT(ids(story), testing::ElementsAre("tracking_not_available"));
  stories::Story killed = stories::oom();
  killed.capture.tracked_peak_bytes = 20u << 20;
  EXPECT_THAT(ids(killed), testing::Contains("low_coverage"));
}

TEST(Findings, RefusalDependsOnTheOvercommitMode) {
  stories::Story story = stories::fits();
  story.outcome.verdict = sim::Verdict::kAllocRefused;
  story.outcome.alloc_refused = stories::incident(Nanoseconds(1), Bytes(0), "8.00 GiB at once exceed RAM + swap");
  EXPECT_THAT(the("alloc_refused", story).tries[0].change, HasSubstr("vm.overcommit_memory=1"));
  story.outcome.host.vm.overcommit_memory = 2;
  EXPECT_THAT(the("alloc_refused", story).tries[0].change, HasSubstr("vm.overcommit_memory=0"));
}

TEST(Findings, RefusalByALimitOrTheMapCountIsNotCuredByOvercommit) {
  stories::Story story = stories::fits();
  story.outcome.verdict = sim::Verdict::kAllocRefused;
  story.outcome.alloc_refused = stories::incident(Nanoseconds(1), Bytes(0), "the process has more than vm.max_map_count = 120 mappings");
  story.outcome.refused_by = mm::RefusedBy::kMapCount;
  const Finding finding = the("alloc_refused", story);
  ASSERT_EQ(finding.tries.size(), 1u);
  EXPECT_THAT(finding.tries[0].change, HasSubstr("vm.max_map_count"));
  story.outcome.refused_by = mm::RefusedBy::kRlimit;
  EXPECT_THAT(the("alloc_refused", story).tries[0].change, HasSubstr("ulimit -v"));
}

TEST(Findings, HugePagesExplainAFootprintThatNobodyTouched) {
  stories::Story story = stories::fits();
  story.outcome.app.footprint_peak = Bytes(static_cast<int64_t>(story.capture.tracked_peak_bytes) * 2);
  EXPECT_THAT(ids(story), testing::IsEmpty()) << "no huge page was given";
  story.outcome.counters[host::Vmstat::thp_fault_alloc] = 33;
  EXPECT_THAT(the("huge_pages", story).why, HasSubstr("33 first touches"));
  story.outcome.app.footprint_peak = Bytes(static_cast<int64_t>(story.capture.tracked_peak_bytes));
  EXPECT_THAT(ids(story), testing::IsEmpty()) << "all of them are used";
}

TEST(Findings, AssumedFieldsAreNamedUpToFive) {
  stories::Story story = stories::fits();
  story.outcome.host.assumed = {"calibration.page_fault_ns: 800 (not in the file)"};
  EXPECT_EQ(the("host_assumed", story).title, "1 field of the host was assumed: calibration.page_fault_ns");
  story.outcome.host.assumed = {"a: 1", "b: 2", "c: 3", "d: 4", "e: 5", "f: 6", "g: 7"};
  EXPECT_EQ(the("host_assumed", story).title, "7 fields of the host were assumed: a, b, c, d, e and 2 more");
}

TEST(Findings, WorstFirst) {
  stories::Story story = stories::oom();
  story.outcome.host.assumed = {"calibration.page_fault_ns: 800"};
  story.capture.host_sensitive = {"sysconf(_SC_PHYS_PAGES)"};
  EXPECT_THAT(ids(story), testing::ElementsAre("oom_kill", "direct_reclaim", "host_sensitive", "host_assumed"));
}

}  // namespace
}  // namespace oomcast::report
