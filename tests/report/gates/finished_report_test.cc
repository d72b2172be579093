// Tests that gates find a report's numbers, and read and print them in their units.
#include "report/gates/finished_report.h"

#include <gmock/gmock.h>

#include "tests/report/gates/reports.h"

namespace oomcast::report {
namespace {

using gates_test::report;
using testing::Contains;
using testing::HasSubstr;
using testing::Optional;

TEST(FinishedReport, ANumberIsFoundUnderItsDottedKey) {
  EXPECT_THAT(value_of(report(1000), "app.footprint_peak_bytes").number, Optional(1000.0));
}

TEST(FinishedReport, AKeyMayHoldDotsItself) {
  FinishedReport one = report(1000);
  one.document["counters"]["memcg"]["memory.peak"] = 4096;
  EXPECT_THAT(value_of(one, "counters.memcg.memory.peak").number, Optional(4096.0));
}

TEST(FinishedReport, NullIsAKnownKeyWithoutANumber) {
  ReportValue value = value_of(report(1000), "counters.memcg.memory.peak");
  EXPECT_TRUE(value.known_key);
  EXPECT_EQ(value.number, std::nullopt);
}

TEST(FinishedReport, ObjectsListsAndUnknownKeysAreNoNumbers) {
  for (const char* key : {"app", "sites", "app.nothing", "", "sites.7", "app.footprint_peak_bytes.more"})
    EXPECT_FALSE(value_of(report(1000), key).known_key) << key;
}

TEST(FinishedReport, AllWaitsAddUp) { EXPECT_THAT(value_of(report(1000), "stall_ns_total").number, Optional(2.5e6)); }

TEST(FinishedReport, TheMarginLeavesOutWhatZoneDmaHoldsBack) {
  EXPECT_THAT(value_of(report(1000, "fits", 1500), "margin_to_low_bytes").number, Optional(500.0 * 4096));
  EXPECT_THAT(value_of(report(1000, "fits", 1500), "margin_to_low_percent").number, Optional(50.0));
}

TEST(FinishedReport, OfASmallHostsZoneDmaOnlyTheReserveIsHeldBack) {
  FinishedReport one = report(1000, "fits", 1500);
  for (auto& zone : one.document["host"]["nodes"][0]["zones"])
    if (zone["zone"] == "DMA") zone["held_back_pages"] = zone["free_pages"].get<int>() - 200;
  EXPECT_THAT(value_of(one, "margin_to_low_bytes").number, Optional(700.0 * 4096));
}

TEST(FinishedReport, TheMarginIsNegativeWhereKswapdWokeBetweenTwoSamples) {
  FinishedReport one = report(1000);
  one.document["first"]["kswapd_wake"] = {{"free_pages", 900}, {"watermarks", {{"low", 1000}}}};
  EXPECT_THAT(value_of(one, "margin_to_low_percent").number, Optional(-10.0));
}

TEST(FinishedReport, AVerdictIsItsRank) {
  EXPECT_THAT(value_of(report(1000, "oom_kill"), "verdict").number, Optional(4.0));
  EXPECT_EQ(value_text("verdict", 2), "direct_reclaim");
  EXPECT_THAT(parse_value("verdict", "background_reclaim"), Optional(1.0));
  EXPECT_EQ(parse_value("verdict", "fine"), std::nullopt);
}

TEST(FinishedReport, ASiteIsEveryStackThatNamesIt) {
  EXPECT_EQ(site_bytes(report(1000), "parse_config", false), 500);
  EXPECT_EQ(site_bytes(report(1000), "malloc", false), 750);
  EXPECT_EQ(site_bytes(report(1000), "malloc", true), 2000);
  EXPECT_EQ(site_bytes(report(1000), "nowhere", false), 0);
}

TEST(FinishedReport, ValuesHaveTheUnitOfTheirKey) {
  EXPECT_EQ(value_text("app.footprint_peak_bytes", 1048576), "1.0 MiB");
  EXPECT_EQ(value_text("stall_ns_total", 2.5e6), "2.50 ms");
  EXPECT_EQ(value_text("counters.pswpout", 12345), "12,345");
  EXPECT_THAT(parse_value("app.footprint_peak_bytes", "1M"), Optional(1048576.0));
  EXPECT_THAT(parse_value("stall_ns_total", "5ms"), Optional(5e6));
  EXPECT_THAT(parse_value("forecast_s", "250ms"), Optional(0.25));
  EXPECT_THAT(parse_value("margin_to_low_percent", "10 %"), Optional(10.0));
  EXPECT_THAT(parse_value("counters.pswpout", "0"), Optional(0.0));
}

TEST(FinishedReport, WhatIsNoValueOfTheUnitIsNotTaken) {
  for (const auto& [key, text] : std::vector<std::pair<std::string, std::string>>{{"app.footprint_peak_bytes", "5ms"},
                                                                                  {"stall_ns_total", "5M"},
                                                                                  {"stall_ns_total", "ms"},
                                                                                  {"counters.pswpout", "many"},
                                                                                  {"counters.pswpout", "nan"},
                                                                                  {"margin_to_low_percent", "%"},
                                                                                  {"forecast_s", ""}})
    EXPECT_EQ(parse_value(key, text), std::nullopt) << key << " " << text;
}

TEST(FinishedReport, OtherFilesAreRefusedByWhatTheyAre) {
  EXPECT_THAT(parse_finished_report("{\"schema\": 7}", "x").error().message, HasSubstr("not a report"));
  EXPECT_THAT(parse_finished_report("[1, 2", "x").error().message, HasSubstr("not JSON"));
  EXPECT_THAT(parse_finished_report("[]", "x").error().message, HasSubstr("not a report"));
  EXPECT_THAT(read_finished_report("/nowhere/r.json").error().message, HasSubstr("/nowhere/r.json: cannot be read"));
}

TEST(FinishedReport, AllKeysOfNumbersAreKnown) {
  EXPECT_THAT(number_keys(report(1)), Contains("app.footprint_peak_bytes"));
}

TEST(FinishedReport, AValueOfAnotherTypeThanTheSchemaSaysIsNamed) {
  const auto problem_of = [](const std::string& rest) {
    auto report = parse_finished_report("{\"schema\": \"oomcast.report.v1\", " + rest + "}", "r.json");
    return report ? std::string() : report.error().message;
  };
  EXPECT_EQ(problem_of("\"app\": {}"), "");  // what is missing is no fault
  EXPECT_EQ(problem_of("\"of_the_future\": [1, \"a\"]"), "");
  EXPECT_THAT(problem_of("\"sites\": [7]"),
              HasSubstr("r.json: this report is damaged: sites[0] is of type integer, not object"));
  EXPECT_THAT(problem_of("\"app\": {\"touched_bytes\": 1.5}"),
              HasSubstr("app.touched_bytes is of type number, not integer"));
  EXPECT_THAT(problem_of("\"verdict\": 4"), HasSubstr("verdict is of type integer, not null or string"));
  EXPECT_THAT(problem_of("\"first\": {\"oom_kill\": {\"stack\": [null]}}"),
              HasSubstr("first.oom_kill.stack[0] is of type null"));
}

}  // namespace
}  // namespace oomcast::report
