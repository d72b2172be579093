// Each finding says the thing that a person would act on.
#include "report/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/host/cgroup.h"
#include "tests/report/stories.h"
#include "tests/support/host_builder.h"

namespace oomcast::report {
namespace {

using testing::HasSubstr;
using namespace oomcast::literals;

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

stories::Story killed_in_group() {
  stories::Story story = stories::oom();
  sim::OomKill& kill = story.outcome.oom_kills[0];
  kill.incident.scope = sim::Scope::kCgroup;
  kill.incident.group = {"/app", 65536_pages, 65536_pages, Pages(host::kUnlimited)};
  story.outcome.oom_kill = kill.incident;
  return story;
}

TEST(Findings, MemoryHighWithoutSwapSaysThatTheRealStallMayBeLonger) {
  stories::Story story = stories::fits();
  story.outcome.stall.memory_high_total = 400_ms;
  EXPECT_THAT(the("memory_high_throttled", story).why, testing::Not(HasSubstr("much longer")));
  story.outcome.stall.memory_high_dry_total = 400_ms;
  EXPECT_THAT(the("memory_high_throttled", story).why, HasSubstr("much longer than the 400 ms"));
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

TEST(Findings, OomKillSaysHowMuchMoreTheRunWentOnToNeed) {
  stories::Story story = killed_in_group();
  story.outcome.need_after_kill = 113_MiB + Bytes(1);
  story.outcome.app.whole_run_peak = 100_MiB;
  story.capture.tracked_peak_bytes = story.capture.rss_peak_bytes;
  EXPECT_EQ(
      the("oom_kill", story).tries[0].change,
      "at least 115.1 MiB more in memory.max: the growth of the program and its page tables after the kill, 2 % of "
      "its peak for the difference between runs");
  EXPECT_EQ(the("oom_kill", story).evidence["growth_after_bytes"], (113 << 20) + 1);
  EXPECT_EQ(the("oom_kill", story).evidence["more_bytes"], (115 << 20) + 1);
  story.outcome.need_after_kill.reset();
  EXPECT_FALSE(the("oom_kill", story).evidence.contains("more_bytes"));
}

// Seen with python3: of 5.4 MiB in windows that were being filled when it ended it had used 3.9.
TEST(Findings, WhatMayHaveBeenUsedUnseenIsAddedToASize) {
  stories::Story story = killed_in_group();
  story.outcome.need_after_kill = 113_MiB;
  story.outcome.app.whole_run_peak = 100_MiB;
  story.capture.prefilled_bytes = 5 << 20;
  story.capture.tracked_peak_bytes = story.capture.rss_peak_bytes - (6 << 20);
  EXPECT_THAT(the("oom_kill", story).tries[0].change, HasSubstr(", 6.0 MiB that it may have used without being seen"));
  EXPECT_EQ(the("oom_kill", story).evidence["more_bytes"], (113 + 2 + 6) << 20);
}

TEST(Findings, OfTheHostsMemoryTheWatermarksTakeTheirPart) {
  stories::Story story = stories::oom();
  story.outcome.host = support::HostBuilder().node(512_MiB).build();
  story.outcome.need_after_kill = 500_MiB;
  story.outcome.app.whole_run_peak = Bytes(0);
  story.capture.tracked_peak_bytes = story.capture.rss_peak_bytes;
  const Finding finding = the("oom_kill", story);
  EXPECT_THAT(finding.tries[0].change, HasSubstr("MiB more memory"));
  const int64_t more = finding.evidence["more_bytes"];
  EXPECT_GT(more, (500_MiB).count());
  EXPECT_LT(more, (505_MiB).count());
}

TEST(Findings, AVerdictThatHangsOnAFewPagesSaysSo) {
  stories::Story story = stories::fits();
  story.outcome.next_worse = sim::Margin{sim::Verdict::kBackgroundReclaim, 700_MiB};
  EXPECT_THAT(ids(story), testing::IsEmpty());
  story.outcome.next_worse->distance = 256_KiB;
  const Finding finding = the("close_to_the_edge", story);
  EXPECT_EQ(finding.severity, Severity::kWarning);
  EXPECT_THAT(finding.why, HasSubstr("256.0 KiB more, and it would be background reclaim"));
  EXPECT_EQ(finding.evidence["next_worse_bytes"], 256 << 10);
}

TEST(Findings, ReclaimInsideAGroupIsProvenByTheGroupsOwnCounters) {
  stories::Story story = killed_in_group();
  story.outcome.direct_reclaim->scope = sim::Scope::kCgroup;
  story.outcome.direct_reclaim->cause = sim::Cause::kMemoryMax;
  story.outcome.direct_reclaim->group = story.outcome.oom_kill->group;
  story.outcome.counters[host::Vmstat::pgscan_direct] = 0;
  story.outcome.cgroup.stat.events[host::Vmstat::pgscan_direct] = 4096;
  story.outcome.cgroup.stat.events[host::Vmstat::pgsteal_direct] = 1000;
  const Finding finding = the("direct_reclaim", story);
  EXPECT_EQ(finding.evidence["pgscan_direct"], 4096);
  EXPECT_EQ(finding.evidence["pgsteal_direct"], 1000);
}

TEST(Findings, AVictimThatHangsOnAFewPointsSaysSo) {
  stories::Story story = killed_in_group();
  sim::OomKill& kill = story.outcome.oom_kills[0];
  sim::OomCandidate& next = kill.candidates[2];
  story.capture.tracked_peak_bytes = story.capture.rss_peak_bytes;
  next.points = kill.victim.points - 1000;
  EXPECT_THAT(ids(story), testing::Not(testing::Contains("close_victim")));
  next.points = kill.victim.points - 190;  // a window of 64 pages, 64 of a CPU's list, 64 that counts lag behind
  const Finding finding = the("close_victim", story);
  EXPECT_EQ(finding.title, "It may be python3 (pid 500) that is killed, and not redis-server (pid 812)");
  EXPECT_EQ(finding.evidence["resolution_points"], 64 + 64 + 64);
  EXPECT_THAT(finding.why, HasSubstr("up to 64 pages behind"));
}

TEST(Findings, BeforeSharedSlabsAGroupIsChargedWholeOnes) {
  stories::Story story = killed_in_group();
  story.outcome.host.kernel = {4, 18};
  story.capture.tracked_peak_bytes = story.capture.rss_peak_bytes;
  sim::OomKill& kill = story.outcome.oom_kills[0];
  kill.candidates[2].points = kill.victim.points - 200;
  EXPECT_THAT(ids(story), testing::Contains("close_victim"));
  story.outcome.host.kernel = {5, 9};
  EXPECT_THAT(ids(story), testing::Not(testing::Contains("close_victim")));
}

TEST(Findings, AVictimThatWasNotChosenByPointsIsNotUnsure) {
  stories::Story story = killed_in_group();
  sim::OomKill& kill = story.outcome.oom_kills[0];
  kill.candidates[2].points = kill.victim.points;
  kill.allocating_task = true;
  EXPECT_THAT(ids(story), testing::Not(testing::Contains("close_victim")));
}

TEST(Findings, MemoryThatWasNotSeenMakesTheEdgeWider) {
  stories::Story story = stories::fits();
  story.outcome.next_worse = sim::Margin{sim::Verdict::kBackgroundReclaim, 5_MiB};
  EXPECT_THAT(ids(story), testing::Not(testing::Contains("close_to_the_edge")));
  story.capture.rss_peak_bytes = story.capture.tracked_peak_bytes + (6u << 20);
  EXPECT_THAT(ids(story), testing::Contains("close_to_the_edge"));
}

TEST(Findings, AMomentOfDirectReclaimIsCloseToNone) {
  stories::Story story = stories::swap_thrash();
  story.outcome.stall = {20_us, 0_ms, 0_ms, 20_us, 0_ms, 20_us};
  EXPECT_THAT(the("close_to_the_edge", story).why, HasSubstr("tasks reclaimed for 0.02 ms in all"));
  story.outcome.stall.direct_reclaim_total = 20_ms;
  EXPECT_THAT(ids(story), testing::Not(testing::Contains("close_to_the_edge")));
}

TEST(Findings, LimitsThatWereShownAreNoWarningAndOthersAre) {
  stories::Story story = stories::fits();
  story.outcome.host.cgroup.present = true;
  story.outcome.host.cgroup.memory_max = 512 << 20;
  story.capture.host_sensitive = {"memory limits in /sys/fs/cgroup"};
  EXPECT_THAT(the("host_sensitive", story).title, HasSubstr("The verdict depends on this"));
  story.capture.presented_cgroup = "memory.max 512.0 MiB, memory.high max, memory.swap.max max";
  EXPECT_EQ(the("host_sensitive", story).severity, Severity::kInfo);
  EXPECT_THAT(the("host_sensitive", story).title, HasSubstr("was shown memory.max 512.0 MiB"));
  story.outcome.host.cgroup.memory_max = 256 << 20;  // replayed with another one
  EXPECT_THAT(the("host_sensitive", story).why, HasSubstr("it was shown memory.max 512.0 MiB"));
  story.outcome.host.cgroup.memory_max = 512 << 20;
  story.capture.host_sensitive.emplace_back("sysconf(_SC_PHYS_PAGES)");
  EXPECT_EQ(the("host_sensitive", story).severity, Severity::kWarning);
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

TEST(Findings, AFullZswapSaysWhatWentPastIt) {
  stories::Story story = stories::swap_thrash();
  story.outcome.host.zswap.enabled = true;
  story.outcome.host.zswap.max_pool_percent = 10;
  EXPECT_THAT(ids(story), testing::Not(testing::Contains("zswap_full")));
  story.outcome.zswap = {Bytes(34 << 20), 16868, 1039, 4};
  story.outcome.counters[host::Vmstat::pswpout] = 512;
  const Finding finding = the("zswap_full", story);
  EXPECT_THAT(finding.why, HasSubstr("512 pages (2.0 MiB) went there in all"));
  EXPECT_EQ(finding.severity, Severity::kWarning);
  EXPECT_THAT(finding.title, HasSubstr("34.0 MiB, 10 % of memory"));
  EXPECT_EQ(finding.evidence["written_back_pages"], 4);
  EXPECT_THAT(finding.tries.at(0).remedy.words, testing::ElementsAre("zswap.max_pool_percent=20"));
}

TEST(Findings, ZswapThatWritesBackWithoutBeingFullIsWorthAWord) {
  stories::Story story = stories::swap_thrash();
  story.outcome.host.zswap.enabled = true;
  story.outcome.zswap = {Bytes(8 << 20), 4689, 0, 14067};
  EXPECT_THAT(the("zswap_writeback", story).title, HasSubstr("14,067 pages"));
  story.outcome.host.zswap.enabled = false;
  EXPECT_THAT(ids(story), testing::Not(testing::Contains("zswap_writeback")));
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
  story.outcome.alloc_refused = stories::incident(Nanoseconds(1), Bytes(0), sim::Cause::kRefused);
  story.outcome.alloc_refused->refusal =
      mm::Refusal{mm::RefusedBy::kRamAndSwap, to_pages(Bytes(int64_t{8} << 30)), 500'000};
  EXPECT_THAT(the("alloc_refused", story).tries[0].change, HasSubstr("vm.overcommit_memory=1"));
  story.outcome.host.vm.overcommit_memory = 2;
  EXPECT_THAT(the("alloc_refused", story).tries[0].change, HasSubstr("vm.overcommit_memory=0"));
}

TEST(Findings, RefusalByALimitOrTheMapCountIsNotCuredByOvercommit) {
  stories::Story story = stories::fits();
  story.outcome.verdict = sim::Verdict::kAllocRefused;
  story.outcome.alloc_refused = stories::incident(Nanoseconds(1), Bytes(0), sim::Cause::kRefused);
  story.outcome.alloc_refused->refusal = mm::Refusal{mm::RefusedBy::kMapCount, Pages(1), 120};
  const Finding finding = the("alloc_refused", story);
  ASSERT_EQ(finding.tries.size(), 1u);
  EXPECT_THAT(finding.tries[0].change, HasSubstr("vm.max_map_count"));
  story.outcome.alloc_refused->refusal->by = mm::RefusedBy::kAddressSpaceLimit;
  EXPECT_THAT(the("alloc_refused", story).tries[0].change, HasSubstr("ulimit -v"));
}

TEST(Findings, HugePagesExplainAFootprintThatNobodyTouched) {
  stories::Story story = stories::fits();
  story.outcome.app.untouched_at_peak = story.outcome.app.footprint_peak / 2;
  EXPECT_THAT(ids(story), testing::IsEmpty()) << "no huge page was given";
  story.outcome.counters[host::Vmstat::thp_fault_alloc] = 33;
  EXPECT_THAT(the("huge_pages", story).why, HasSubstr("33 first touches"));
  EXPECT_EQ(the("huge_pages", story).evidence["used_bytes"], (story.outcome.app.footprint_peak / 2).count());
  story.outcome.counters[host::Vmstat::thp_collapse_alloc] = 7;
  EXPECT_THAT(the("huge_pages", story).why,
              HasSubstr("33 first touches were given 2 MiB at once, khugepaged collapsed 7 ranges"));
  story.outcome.counters[host::Vmstat::thp_fault_alloc] = 0;
  EXPECT_THAT(the("huge_pages", story).why, testing::StartsWith("khugepaged collapsed 7 ranges"));
  EXPECT_EQ(the("huge_pages", story).evidence["thp_collapse_alloc"], 7);
  story.outcome.app.untouched_at_peak = Bytes(0);
  EXPECT_THAT(ids(story), testing::IsEmpty()) << "all of them are used";
}

TEST(Findings, PagesThatProcessesShareDoNotHideHugePages) {
  stories::Story story = stories::fits();
  story.outcome.counters[host::Vmstat::thp_fault_alloc] = 33;
  story.outcome.app.untouched_at_peak = story.outcome.app.footprint_peak / 2;
  story.capture.tracked_peak_bytes *= 4;  // four forked processes: the capture counts their pages four times
  EXPECT_THAT(ids(story), testing::Contains("huge_pages"));
}

TEST(Findings, FreeSwapThatSwappinessForbidsIsTheCause) {
  stories::Story story = killed_in_group();
  story.outcome.oom_kills[0].shortage = {false, 0_pages, 262144_pages, 0, {}};
  const Finding finding = the("oom_kill", story);
  EXPECT_THAT(finding.why, HasSubstr("1.00 GiB of swap are free, but with vm.swappiness=0"));
  EXPECT_EQ(finding.evidence["swap_free_bytes"], 1 << 30);
  EXPECT_THAT(finding.tries[1].change, HasSubstr("vm.swappiness=1"));
  story.outcome.oom_kills[0].shortage.swappiness = 1;
  EXPECT_THAT(the("oom_kill", story).why, testing::Not(HasSubstr("swappiness")));
}

TEST(Findings, LockedMemoryIsTheCauseAndMoreSwapNoCure) {
  stories::Story story = killed_in_group();
  story.outcome.oom_kills[0].shortage.swap_free = 262144_pages;
  story.outcome.oom_kills[0].shortage.locked = story.outcome.oom_kills[0].incident.group->max / 2;
  const Finding finding = the("oom_kill", story);
  EXPECT_THAT(finding.why, HasSubstr("are locked (mlock) and cannot be reclaimed or swapped out"));
  EXPECT_GT(finding.evidence["locked_bytes"], 0);
  for (const Try& each : finding.tries) EXPECT_THAT(each.change, testing::Not(HasSubstr("more swap")));
  story.outcome.oom_kills[0].shortage.locked -= 1_pages;
  EXPECT_THAT(the("oom_kill", story).why, testing::Not(HasSubstr("mlock"))) << "less than half of the limit";
}

TEST(Findings, KernelMemoryCannotUseZoneMovable) {
  stories::Story story = stories::oom();
  story.outcome.oom_kills[0].shortage = {true, 2000000_pages, 0_pages, 60, {}};
  const Finding finding = the("oom_kill", story);
  EXPECT_THAT(finding.why, HasSubstr("page tables), which cannot use zone Movable, where 7.63 GiB are free"));
  std::string tries;
  for (const Try& t : finding.tries) tries += t.change + "\n";
  EXPECT_THAT(tries, HasSubstr("online part of zone Movable as Normal"));
  EXPECT_THAT(tries, testing::Not(HasSubstr("more memory")));
}

TEST(Findings, InterleavingIsNoCureForAShortageOfKernelMemory) {
  stories::Story story = stories::oom();
  story.outcome.host.nodes.push_back(stories::node_of(1, Bytes(2000 << 20), Bytes(1900 << 20)));
  story.outcome.bands = {{NodeId{0}, 8_s, 2_s, 1_s, 400_ms}, {NodeId{1}, 12_s, 0_s, 0_s, 0_s}};
  EXPECT_THAT(the("node_imbalance", story).tries, testing::Not(testing::IsEmpty()));
  story.outcome.oom_kills[0].shortage = {true, 2000000_pages, 0_pages, 60, {}};
  EXPECT_THAT(the("node_imbalance", story).tries, testing::IsEmpty());
}

stories::Story evicted() {
  stories::Story story = stories::fits();
  story.outcome.host.kubelet.eviction_hard = 100_MiB;
  story.outcome.evictions = {
      {20'000_ms, 90_MiB, 100_MiB, {{2, "job", 300_MiB, 256_MiB, 0}, {1, "web", 200_MiB, 256_MiB, 5}}}};
  return story;
}

TEST(Findings, AnEvictionSaysWhomTheKubeletTakesAndHowItRanks) {
  const Finding finding = the("eviction", evicted());
  EXPECT_EQ(finding.title, "The kubelet evicts job at 20.00 s");
  EXPECT_EQ(finding.severity, Severity::kError);
  EXPECT_THAT(
      finding.why,
      testing::AllOf(HasSubstr("is 90.0 MiB, below its threshold of 100.0 MiB"),
                     HasSubstr("job uses 300.0 MiB, 44.0 MiB more than it requested"),
                     HasSubstr("web uses 200.0 MiB, no more than the 256.0 MiB that it requested, priority 5")));
  EXPECT_THAT(finding.tries.at(0).change, HasSubstr("a memory request of 300.0 MiB for job"));
}

TEST(Findings, AKubeletThatComesTooLateIsSaid) {
  stories::Story story = stories::oom();
  EXPECT_THAT(ids(story), testing::Not(testing::Contains("eviction_too_late")));
  story.outcome.host.kubelet.eviction_hard = 100_MiB;
  EXPECT_THAT(the("eviction_too_late", story).why, HasSubstr("checks every 10.00 s whether 100.0 MiB are available"));
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
