// Each export of a report made by hand says what the report says, and hostile names break none of them.
#include "report/export/exports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace oomcast::report {
namespace {

using testing::HasSubstr;
using testing::Not;

ReportView redis() {
  ReportView view;
  view.command = {"redis-server"};
  view.host = "vm-1g";
  view.verdict = "direct_reclaim";
  view.forecast_s = 3;
  view.sites = {{"heap", {"zmalloc at zmalloc.c:120 (inlined)", "main at server.c:7000"}, 3000, 2000},
                {"heap", {"zmalloc at zmalloc.c:130", "main at server.c:7000"}, 500, 400},
                {"unsampled", {}, 100, 50}};
  view.incidents = {{"direct_reclaim", 1.5, 7, "redis", "host", "below min", {}, false}};
  view.t_s = {1, 2};
  view.series = {{"node_free_bytes.node0", {4096.0, std::nullopt}}, {"dirty_bytes", {0.0, 12.5}}};
  return view;
}

TEST(Frame, AFunctionHasAFileAndALine) {
  FrameView frame = frame_of("operator new(unsigned long) at new op.cc:12 (inlined)");
  EXPECT_EQ(frame.function, "operator new(unsigned long)");
  EXPECT_EQ(frame.file, "new op.cc");
  EXPECT_EQ(frame.line, 12);
  EXPECT_EQ(frame_of("libc.so.6+0x123").function, "libc.so.6+0x123");
  EXPECT_EQ(frame_of("std::at:7").function, "std::at:7");
}

TEST(Folded, StacksThatDifferInTheirLinesAreOne) {
  EXPECT_EQ(folded_stacks(redis(), SiteBytes::kResident), "[unsampled] 50\nmain;zmalloc 2400\n");
  EXPECT_EQ(folded_stacks(redis(), SiteBytes::kTouched), "[unsampled] 100\nmain;zmalloc 3500\n");
}

TEST(Folded, ANameCannotEndAFrameOrAStack) {
  ReportView view = redis();
  view.sites = {{"heap", {"a;b\nc 9"}, 1, 1}};
  EXPECT_EQ(folded_stacks(view, SiteBytes::kResident), "a:b c 9 1\n");
}

TEST(Speedscope, StacksGoFromTheOutside) {
  auto file = nlohmann::json::parse(speedscope_json(redis()));
  EXPECT_EQ(file["shared"]["frames"][0], (nlohmann::json{{"name", "main"}, {"file", "server.c"}, {"line", 7000}}));
  EXPECT_EQ(file["profiles"][0]["samples"][0], (nlohmann::json{0, 1}));
  EXPECT_EQ(file["profiles"][0]["endValue"], 2450);
  EXPECT_EQ(file["profiles"][1]["endValue"], 3600);
}

TEST(ChromeTrace, UnknownValuesAreLeftOut) {
  auto file = nlohmann::json::parse(chrome_trace_json(redis()));
  int free = 0;
  for (const auto& event : file["traceEvents"]) free += event["name"] == "free memory (bytes)";
  EXPECT_EQ(free, 1);
}

TEST(OpenMetrics, LabelsAreEscapedAndTheEndIsMarked) {
  ReportView view = redis();
  view.command = {"a\"b\\c\nd"};
  std::string text = openmetrics_text(view, {"r.json", {}});
  EXPECT_THAT(text, HasSubstr(R"(command="a\"b\\c\nd")"));
  EXPECT_THAT(text, HasSubstr("oomcast_verdict{oomcast_verdict=\"direct_reclaim\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("oomcast_site_resident_peak_bytes{kind=\"heap\",frame=\"zmalloc at zmalloc.c:130\"} 400\n"));
  EXPECT_THAT(text, Not(HasSubstr("oomcast_app_footprint_peak_bytes")));  // the report does not hold it
  EXPECT_TRUE(text.ends_with("# EOF\n"));
}

TEST(Csv, WhatIsNotKnownIsEmpty) {
  EXPECT_EQ(timeline_csv(redis()), "t_s,node_free_bytes.node0,dirty_bytes\n1,4096,0\n2,,12.5\n");
}

TEST(Exports, AnEmptyReportIsExportedToo) {
  ReportView nothing;
  EXPECT_EQ(folded_stacks(nothing, SiteBytes::kResident), "");
  EXPECT_EQ(timeline_csv(nothing), "t_s\n");
  EXPECT_FALSE(pprof_profile(nothing).empty());
  EXPECT_TRUE(nlohmann::json::accept(speedscope_json(nothing)));
  EXPECT_TRUE(nlohmann::json::accept(chrome_trace_json(nothing)));
}

}  // namespace
}  // namespace oomcast::report
