// Tests the text of a page, without a browser: it is one file, it is small, and names stay text.
#include "report/page/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/json_report.h"
#include "report/page/assets.h"
#include "report/page/page_command.h"
#include "report/page/page_data.h"
#include "tests/report/stories.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kHostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>";

Json report_of(const stories::Story& story) {
  return Json::parse(report_text(to_json(story.outcome, story.capture, story.findings())));
}

std::string page_text(const Json& document) {
  auto page = page_of(document);
  EXPECT_TRUE(page.ok());
  return page.ok() ? page.value() : "";
}

/// What the scripts of the page read.
Json data_in(const std::string& page) {
  const std::string opening = "<script type=\"application/json\" id=\"data\">";
  const size_t begin = page.find(opening) + opening.size();
  return Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// The page less its libraries, whose text may say anything.
std::string without_assets(std::string page) {
  for (const Asset& asset : page_assets())
    if (const size_t at = page.find(asset.text); at != std::string::npos) page.erase(at, asset.text.size());
  return page;
}

TEST(Page, IsOneFileThatAsksForNoOther) {
  const std::string own = without_assets(page_text(report_of(stories::oom())));
  for (const char* reference : {" src=", "<link", "url(", "@import", "<iframe", "<object", "<base"})
    EXPECT_THAT(own, Not(HasSubstr(reference)));
}

TEST(Page, ItsPolicyNamesEachScriptAndStyleByItsHash) {
  const std::string page = page_text(report_of(stories::fits()));
  EXPECT_THAT(page, HasSubstr("content=\"default-src 'none'; script-src 'sha256-"));
  EXPECT_THAT(page, Not(HasSubstr("unsafe-inline")));
  for (const Asset& asset : page_assets()) {
    EXPECT_EQ(asset.sha256_base64.size(), 44u) << asset.name;
    EXPECT_THAT(page, HasSubstr("'sha256-" + std::string(asset.sha256_base64) + "'")) << asset.name;
    EXPECT_THAT(page, HasSubstr(std::string(asset.text))) << asset.name;
  }
}

TEST(Page, CarriesTheLicencesOfItsLibraries) {
  const std::string page = page_text(report_of(stories::fits()));
  EXPECT_THAT(page, HasSubstr("Permission is hereby granted, free of charge"));   // dygraphs
  EXPECT_THAT(page, HasSubstr("Redistributions in binary form must reproduce"));  // d3-hierarchy
}

TEST(Page, HoldsTheReportAsItIs) {
  const Json report = report_of(stories::oom());
  const Json data = data_in(page_text(report));
  for (const char* key :
       {"command", "verdict", "first", "timeline", "findings", "host", "counters", "basis", "coverage"})
    EXPECT_EQ(data[key], report[key]) << key;
  for (size_t i = 0; i < report["sites"].size(); ++i)
    for (size_t frame = 0; frame < report["sites"][i]["stack"].size(); ++frame)
      EXPECT_EQ(data["frames"][data["sites"][i]["stack"][frame].get<size_t>()], report["sites"][i]["stack"][frame]);
}

TEST(Page, TheSameReportGivesTheSameBytes) {
  EXPECT_EQ(page_text(report_of(stories::oom())), page_text(report_of(stories::oom())));
}

TEST(Page, HostileNamesStayText) {
  Json report = report_of(stories::oom());
  report["command"] = {kHostile};
  report["host"]["name"] = kHostile;
  report["oom_kills"][0]["victim"]["comm"] = kHostile;
  report["findings"][0]["title"] = kHostile;
  report["sites"][0]["stack"] = {kHostile};
  const std::string page = page_text(report);
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_EQ(data_in(page)["host"]["name"], kHostile);
  EXPECT_EQ(count_of(page, "</script>"), count_of(page_text(report_of(stories::oom())), "</script>"));
}

TEST(Page, WhatIsNoReportIsRefused) {
  EXPECT_THAT(page_of(Json::parse("[1]")).error().message, HasSubstr("neither a report nor a sweep"));
  EXPECT_THAT(page_of(Json{{"schema", "oomcast.host.v1"}}).error().message, HasSubstr("neither a report nor a sweep"));
}

TEST(Page, ADamagedReportIsRefusedAndNotThrown) {
  Json report = report_of(stories::oom());
  report["first"]["oom_kill"]["t_s"] = "soon";
  EXPECT_THAT(page_of(report).error().message, HasSubstr("damaged"));
  report = report_of(stories::oom());
  report.erase("timeline");
  EXPECT_THAT(page_of(report).error().message, HasSubstr("it has no \"timeline\""));
  EXPECT_THAT(page_of(Json{{"schema", "oomcast.sweep.v1"}, {"rows", {7}}}).error().message, HasSubstr("damaged"));
}

/// The largest report that a run can write: all tables at their limits, symbols as long as templates make them.
Json largest_report() {
  Json report = report_of(stories::oom());
  Json column = Json::array();
  for (int i = 0; i < 600; ++i) column.push_back(1'000'000'000 + 4096 * i);
  for (auto& [key, values] : report["timeline"].items()) values = column;
  report["timeline"]["node_free_bytes"] = {{"node0", column}, {"node1", column}, {"node2", column}, {"node3", column}};
  for (int i = 0; i < 250; ++i) {
    Json site = report["sites"][0];
    for (int frame = 0; frame < 64; ++frame)
      site["stack"].push_back(std::to_string(i) + "::f" + std::to_string(frame) + "<" + std::string(2000, 'x') + ">");
    report["sites"].push_back(site);
  }
  Json kill = report["oom_kills"][0];
  for (int i = 0; i < 1000; ++i) {
    kill["candidates"].push_back(kill["candidates"][0]);
    kill["dmesg"].push_back(std::string(120, 'd'));
  }
  for (int i = 0; i < 64; ++i) report["oom_kills"].push_back(kill);
  for (int i = 0; i < 1024; ++i) report["app"]["processes"].push_back(report["app"]["processes"][0]);
  return report;
}

TEST(Page, TheLargestReportMakesAPageOfTwoMegabytesAtMost) {
  const std::string page = page_text(largest_report());
  EXPECT_LE(page.size(), 2'000'000u);
  const Json data = data_in(page);
  EXPECT_EQ(data["timeline"]["t_s"].size(), 600u);
  EXPECT_EQ(data["oom_kills"].size(), 65u);
  EXPECT_GT(data["oom_kills"][1]["candidates_total"], 1000);
  EXPECT_GT(data["app"]["processes_left_out"], 800);
}

TEST(Page, ALongTimelineIsThinnedAlikeInAllColumns) {
  Json report = report_of(stories::oom());
  Json column = Json::array();
  for (size_t i = 0; i < 3 * kTimelineRowsMost; ++i) column.push_back(i);
  report["timeline"]["t_s"] = column;
  report["timeline"]["dirty_bytes"] = column;
  report["timeline"]["node_free_bytes"] = {{"node0", column}};
  const Json data = page_data(report);
  EXPECT_EQ(data["timeline"]["t_s"].size(), kTimelineRowsMost);
  EXPECT_EQ(data["timeline"]["t_s"], data["timeline"]["dirty_bytes"]);
  EXPECT_EQ(data["timeline"]["t_s"], data["timeline"]["node_free_bytes"]["node0"]);
}

TEST(Page, OfATaskTableTheHighestScoresAreKept) {
  Json report = report_of(stories::oom());
  Json& candidates = report["oom_kills"][0]["candidates"];
  Json small = candidates[0];
  for (int i = 0; i < 200; ++i) {
    small["pid"] = 5000 + i;
    small["points"] = i;
    candidates.insert(candidates.begin(), small);
  }
  const Json kept = page_data(report)["oom_kills"][0]["candidates"];
  EXPECT_LT(kept.size(), 200u);
  EXPECT_EQ(kept[0]["comm"], report["oom_kills"][0]["victim"]["comm"]);
  EXPECT_GE(kept[1]["points"], kept[2]["points"]);
}

TEST(PagePath, LiesBesideTheReport) {
  EXPECT_EQ(page_path_for("out/r.json"), "out/r.html");
  EXPECT_EQ(page_path_for("oomcast.report"), "oomcast.report.html");
}

TEST(PageFile, IsNotTheReportItself) {
  EXPECT_THAT(PageFile::prepare("a.json", "a.json").error().message, HasSubstr("choose another file"));
  EXPECT_THAT(PageFile::prepare("/no/such/place/a.html", "a.json").error().message, HasSubstr("--html"));
  EXPECT_TRUE(PageFile::prepare("", "a.json").ok());
}

}  // namespace
}  // namespace oomcast::report
