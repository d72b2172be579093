// Every report keeps to the contract that other people's scripts read.
#include "report/json_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <oomcast_paths.h>

#include <fstream>

#include "model/host/cgroup.h"
#include "tests/report/golden.h"
#include "tests/report/schema_check.h"
#include "tests/report/stories.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;
using namespace oomcast::literals;

Json schema() {
  return Json::parse(std::ifstream(std::string(OOMCAST_SOURCE_DIR) + "/report/schema/oomcast.report.v1.json"));
}
Json report_of(const stories::Story& story) { return to_json(story.outcome, story.capture, story.findings()); }
std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

TEST(JsonReport, EveryStoryKeepsToTheSchema) {
  for (const stories::Story& story :
       {stories::fits(), stories::oom(), stories::bystander(), stories::swap_thrash(), stories::unseen()})
    EXPECT_THAT(schema_violations(report_text(report_of(story))), testing::IsEmpty());
}

TEST(JsonReport, AnEmptyOutcomeHasAllKeysToo) {
  EXPECT_THAT(schema_violations(to_json({}, {}, {}).dump()), testing::IsEmpty());
}

TEST(JsonReport, WhatBreaksTheSchemaIsNamed) {
  Json report = to_json({}, {}, {});
  report["verdict"] = "fine";
  report["unknown"] = 1;
  EXPECT_THAT(schema_violations(report.dump()), testing::AllOf(testing::HasSubstr("'fine' is not one of"),
                                                               testing::HasSubstr("'unknown' was unexpected")));
}

TEST(JsonReport, KeysKeepTheirOrder) {
  EXPECT_THAT(
      keys_of(report_of(stories::oom())),
      testing::ElementsAre("schema", "command", "exit", "host", "verdict", "verdict_margin", "halted_at_s",
                           "halted_why", "diverged_at_s", "diverged_why", "forecast_s", "bands", "first", "oom_kills",
                           "oom_kills_total", "counters", "stall", "pressure", "timeline", "moments", "findings",
                           "sites", "app", "coverage", "host_sensitive", "basis", "proofs", "chance"));
}

TEST(JsonReport, CountersAreAllThereUnderTheKernelsNames) {
  Json required = schema()["properties"]["counters"]["required"];
  std::vector<std::string> names(host::kVmstatNames.begin(),
                                 host::kVmstatNames.begin() + host::vmstat_count(host::HostSpec{}));
  names.push_back("memcg");
  EXPECT_THAT(required.get<std::vector<std::string>>(), testing::IsSubsetOf(names));
  EXPECT_EQ(keys_of(report_of(stories::fits())["counters"]), names);
}

TEST(JsonReport, SecondsAreRoundedToMicroseconds) {
  EXPECT_EQ(Json(json_seconds(Nanoseconds(8'322'000'499))).dump(), "8.322");
  EXPECT_EQ(Json(json_seconds(Nanoseconds(8'322'000'500))).dump(), "8.322001");
  EXPECT_EQ(Json(json_seconds(Nanoseconds(0))).dump(), "0.0");
}

TEST(JsonReport, ASignalIsNotAnExitCode) {
  stories::Story story = stories::fits();
  story.capture.exited = false;
  story.capture.exit_signal = 9;
  EXPECT_EQ(report_of(story)["exit"].dump(), R"({"code":null,"signal":9})");
  EXPECT_EQ(report_of(stories::fits())["exit"].dump(), R"({"code":0,"signal":null})");
}

TEST(JsonReport, AVerdictThatNothingSupportsIsWithheldWithTheReason) {
  Json report = report_of(stories::unseen());
  EXPECT_TRUE(report["verdict"].is_null());
  EXPECT_EQ(report["basis"]["verdict"]["rests_on"], "withheld");
  EXPECT_EQ(report["findings"][0]["id"], "tracking_not_available");
}

TEST(JsonReport, CgroupCountersAreZeroWithoutACgroupAndNullWithOne) {
  stories::Story story = stories::fits();
  EXPECT_EQ(report_of(story)["counters"]["memcg"]["memory.events"]["oom_kill"], 0);
  story.outcome.host.cgroup.present = true;
  Json report = report_of(story);
  EXPECT_TRUE(report["counters"]["memcg"]["memory.stat"]["slab"].is_null());
  EXPECT_THAT(report["coverage"]["caveats"].dump(), testing::HasSubstr("counters.memcg's memory.stat"));
}

TEST(JsonReport, ThereIsNoPeakOfACgroupThatIsNotThere) {
  stories::Story story = stories::fits();
  EXPECT_TRUE(report_of(story)["counters"]["memcg"]["memory.peak"].is_null());
  story.outcome.host.cgroup.present = true;
  story.outcome.cgroup.peak = 12_MiB;
  EXPECT_EQ(report_of(story)["counters"]["memcg"]["memory.peak"], 12 << 20);
}

TEST(JsonReport, TheGroupsOfTheRunHaveTheirLimitsAndAColumnEach) {
  stories::Story story = stories::oom();
  EXPECT_TRUE(report_of(story)["host"]["cgroups"].empty());
  EXPECT_TRUE(report_of(story)["timeline"]["cgroup_usage_bytes"].empty());
  story.outcome.groups = {{"/pod/app", 10_pages, to_pages(64_MiB), Pages(host::kUnlimited)},
                          {"/pod", 20_pages, Pages(host::kUnlimited), to_pages(96_MiB)}};
  for (sim::TimelineRow& row : story.outcome.timeline) row.group_usage = {100_pages, 200_pages};
  const Json report = report_of(story);
  EXPECT_EQ(report["timeline"]["cgroup_usage_bytes"]["/pod/app"].size(), report["timeline"]["t_s"].size());
  EXPECT_EQ(report["timeline"]["cgroup_usage_bytes"]["/pod"][0], 819200);
  EXPECT_EQ(report["host"]["cgroups"][0]["max_bytes"], 64 << 20);
  EXPECT_TRUE(report["host"]["cgroups"][0]["high_bytes"].is_null());
  EXPECT_THAT(schema_violations(report.dump()), testing::IsEmpty());
}

TEST(JsonReport, PressureIsInPercentAndMicrosecondsOfHostAndGroup) {
  stories::Story story = stories::oom();
  story.outcome.pressure_some = {1234, 567, 8, Nanoseconds(7'654'321)};
  story.outcome.pressure_full = {3, 2, 1, Nanoseconds(1'000)};
  sim::EndedGroup group{{"/pod/app", 10_pages, to_pages(64_MiB), Pages(host::kUnlimited)}, {}, {}};
  group.pressure_full = {4100, 0, 0, Nanoseconds(2'000'000)};
  story.outcome.groups = {group};
  const Json report = report_of(story);
  const Json some{{"avg10", 12.34}, {"avg60", 5.67}, {"avg300", 0.08}, {"total_us", 7654}};
  EXPECT_EQ(report["pressure"]["some"], some);
  EXPECT_EQ(report["pressure"]["full"]["total_us"], 1);
  EXPECT_EQ(report["host"]["cgroups"][0]["pressure"]["full"]["avg10"], 41.0);
  EXPECT_EQ(report["host"]["cgroups"][0]["pressure"]["some"]["total_us"], 0);
}

TEST(JsonReport, LockedMemoryHasItsPeak) {
  stories::Story story = stories::fits();
  EXPECT_EQ(report_of(story)["app"]["locked_peak_bytes"], 0);
  story.outcome.app.locked_peak = 3_MiB;
  EXPECT_EQ(report_of(story)["app"]["locked_peak_bytes"], 3 << 20);
}

TEST(JsonReport, FilesInMemoryHaveThePeakOfEachMount) {
  stories::Story story = stories::fits();
  EXPECT_FALSE(report_of(story)["app"].contains("memory_mounts"));
  story.outcome.app.memory_mounts = {{"/dev/shm", "", 3_MiB, 64_MiB}, {"/run", "web", 1_MiB, std::nullopt}};
  const Json report = report_of(story);
  EXPECT_THAT(schema_violations(report_text(report)), testing::IsEmpty());
  const Json& mounts = report["app"]["memory_mounts"];
  EXPECT_EQ(mounts[0], (Json{{"mount", "/dev/shm"}, {"peak_bytes", 3 << 20}, {"limit_bytes", 64 << 20}}));
  EXPECT_TRUE(mounts[1]["limit_bytes"].is_null());
  EXPECT_EQ(mounts[1]["service"], "web");
}

TEST(JsonReport, AHostWithZswapSaysWhatItsPoolHeld) {
  stories::Story story = stories::oom();
  story.outcome.host.zswap.enabled = true;
  story.outcome.host.zswap.max_pool_percent = 10;
  story.outcome.host.total_ram = 1000_pages;
  story.outcome.host.cgroup.present = true;
  story.outcome.counters[host::Vmstat::zswpwb] = 7;
  const Json report = report_of(story);
  EXPECT_EQ(report["host"]["zswap"]["pool_limit_bytes"], 100 << 12);
  EXPECT_EQ(report["counters"]["zswpwb"], 7);
  EXPECT_TRUE(report["counters"].contains("swpout_zero"));
  EXPECT_TRUE(report["counters"]["memcg"]["memory.stat"].contains("zswapped"));
  EXPECT_THAT(schema_violations(report_text(report)), testing::IsEmpty());
  EXPECT_FALSE(report_of(stories::oom())["counters"].contains("zswpwb"));
}

/// Reports that an older version wrote are still valid: what came later is optional.
TEST(JsonReport, AReportWithoutTheLaterKeysKeepsToTheSchema) {
  stories::Story story = stories::oom();
  story.outcome.groups = {{{"/pod/app", 10_pages, to_pages(64_MiB), Pages(host::kUnlimited)}, {}, {}}};
  Json report = report_of(story);
  for (const char* later :
       {"unevictable_pgs_culled", "unevictable_pgs_rescued", "unevictable_pgs_mlocked", "unevictable_pgs_munlocked",
        "thp_collapse_alloc", "thp_collapse_alloc_failed", "thp_deferred_split_page"})
    ASSERT_EQ(report["counters"].erase(later), 1u) << later;
  ASSERT_EQ(report["first"]["oom_kill"].erase("boost_pages"), 1u);
  ASSERT_EQ(report["app"].erase("locked_peak_bytes"), 1u);
  ASSERT_EQ(report["verdict_margin"].erase("spread_bytes"), 1u);
  ASSERT_EQ(report["host"]["cgroups"][0].erase("pressure"), 1u);
  EXPECT_THAT(schema_violations(report_text(report)), testing::IsEmpty());
}

TEST(JsonReport, AMomentSaysOfEachSiteWhatLived) {
  stories::Story story = stories::oom();
  story.capture.site_kinds = {"heap", "heap"};
  story.capture.stacks = {{"small"}, {"big"}};
  story.outcome.sites = {{1, 1_MiB, 1_MiB}, {2, 8_MiB, 8_MiB}};
  story.outcome.app.touched = 9_MiB;
  sim::Moment moment;
  moment.name = "peak";
  moment.sites = {{2, 5_MiB}};
  story.outcome.moments = {moment};
  const Json report = report_of(story);
  EXPECT_EQ(report["sites"][0]["stack"][0], "big");
  EXPECT_EQ(report["moments"][0]["site_resident_bytes"], (Json{5 << 20, 0}));
  EXPECT_THAT(schema_violations(report.dump()), testing::IsEmpty());
}

TEST(JsonReport, AnIncidentInAGroupCarriesTheGroupsNumbers) {
  stories::Story story = stories::oom();
  EXPECT_TRUE(report_of(story)["first"]["oom_kill"]["cgroup"].is_null());
  story.outcome.oom_kill->group = {"/app", 60000_pages, 65536_pages, Pages(host::kUnlimited)};
  const Json report = report_of(story), &group = report["first"]["oom_kill"]["cgroup"];
  EXPECT_EQ(group["path"], "/app");
  EXPECT_EQ(group["usage_bytes"], 60000 * 4096);
  EXPECT_EQ(group["max_bytes"], 65536 * 4096);
  EXPECT_TRUE(group["high_bytes"].is_null());
  EXPECT_THAT(schema_violations(report.dump()), testing::IsEmpty());
}

TEST(JsonReport, AnOddFileNameInTheCommandDoesNotCostTheReport) {
  stories::Story story = stories::fits();
  story.capture.command = {"./caf\xe9"};
  EXPECT_THAT(report_text(report_of(story)), testing::HasSubstr("./caf"));
}

TEST(JsonReport, TheSameOutcomeGivesTheSameBytes) {
  EXPECT_EQ(report_text(report_of(stories::oom())), report_text(report_of(stories::oom())));
}

TEST(JsonReport, LooksAsApproved) {
  Json report = report_of(stories::oom());
  for (const char* long_part : {"counters", "findings", "basis"}) report.erase(long_part);
  for (const char* other : {"kswapd_wake", "kswapd_scan", "direct_reclaim"}) report["first"].erase(other);
  expect_golden(report_text(report), "oom.report.json");
}

}  // namespace
}  // namespace oomcast::report
