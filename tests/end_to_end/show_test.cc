// A finished report shows how the kernel stood at an incident, in the formats of /proc, and says what it does not hold.
#include <gmock/gmock.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::StartsWith;

/// A program that needs more than there is: kswapd, direct reclaim and a kill.
class Show : public EndToEnd {
 protected:
  Show() {
    EXPECT_EQ(run("dd if=/dev/zero of=/dev/null bs=930M count=1 status=none", "--report r.json").status, 0);
    report_ = report("r.json");
  }
  Finished show(const std::string& options) const { return sh("$OOMCAST show r.json " + options); }
  const Json& moment(const std::string& name) const {
    for (const Json& each : report_["moments"])
      if (each["name"] == name) return each;
    ADD_FAILURE() << "no moment " << name;
    static const Json kNone = Json::object();
    return kNone;
  }
  Json report_;
};

TEST_F(Show, WithoutAMomentItIsTheOneThatTheVerdictIsAbout) {
  Finished shown = show("");
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, AllOf(StartsWith("oom_kill at "), HasSubstr("victim     dd (pid "),
                               HasSubstr("moments    start (0 s), ")));
}

TEST_F(Show, ZoneinfoHasEachZoneAsTheKernelPrintsIt) {
  const std::string text = show("--at direct_reclaim --as zoneinfo").out;
  for (const Json& zone : moment("direct_reclaim")["nodes"][0]["zones"]) {
    const std::string name = zone["zone"];
    const Json& marks = zone["watermarks"];
    EXPECT_THAT(text, HasSubstr("Node 0, zone " + std::string(8 - name.size(), ' ') + name + "\n  p"));
    EXPECT_THAT(text, HasSubstr("\n  pages free     " + zone["free_pages"].dump() + "\n        boost    " +
                                zone["boost_pages"].dump() + "\n        min      " + marks["min"].dump() +
                                "\n        low      " + marks["low"].dump() + "\n        high     " +
                                marks["high"].dump() + "\n        present  "));
  }
}

TEST_F(Show, TheZoneOfAnIncidentHasThePagesThatTheIncidentNames) {
  const Json& incident = report_["first"]["direct_reclaim"];
  for (const Json& zone : moment("direct_reclaim")["nodes"][0]["zones"])
    if (zone["zone"] == incident["zone"]) EXPECT_EQ(zone["free_pages"], incident["free_pages"]);
}

TEST_F(Show, CountersOnlyGrowAndEndAsTheReportHasThem) {
  Finished end = show("--at end --as vmstat");
  EXPECT_THAT(end.out, HasSubstr("\npgscan_direct " + report_["counters"]["pgscan_direct"].dump() + "\n"));
  EXPECT_THAT(end.out, HasSubstr("\noom_kill 1\n"));
  EXPECT_THAT(show("--at kswapd_wake --as vmstat").out, HasSubstr("\noom_kill 0\n"));
}

TEST_F(Show, TheKernelsLogOfTheKill) {
  Finished shown = show("--as dmesg");
  EXPECT_EQ(lines(shown.out), static_cast<long>(report_["oom_kills"][0]["dmesg"].size()));
  EXPECT_THAT(shown.out, ContainsRegex("\\] dd invoked oom-killer: "));
  EXPECT_EQ(show("--at oom_kill --as dmesg").out, shown.out);
  Finished silent = show("--at kswapd_wake --as dmesg");
  EXPECT_EQ(silent.out, "");
  EXPECT_THAT(silent.err, HasSubstr("no lines of the kernel's log at kswapd_wake"));
}

TEST_F(Show, MeminfoOfAnyTime) {
  const double wake = report_["first"]["kswapd_wake"]["t_s"];
  Finished at_wake = show("--at kswapd_wake --as meminfo"),
           between = show("--at " + std::to_string(wake / 2) + "s --as meminfo");
  EXPECT_THAT(at_wake.out, AllOf(StartsWith("MemTotal: "), ContainsRegex("\nCommitted_AS: +[0-9]+ kB\n")));
  EXPECT_THAT(between.out, AllOf(StartsWith("MemTotal: "), ContainsRegex("\nMemFree: +[0-9]+ kB\n")));
  EXPECT_THAT(between.err, HasSubstr("from the timeline at "));
}

TEST_F(Show, SarAndPsi) {
  EXPECT_EQ(lines(show("--as sar").out), 3 + static_cast<long>(report_["timeline"]["t_s"].size()));
  EXPECT_LE(lines(show("--at oom_kill --as sar").out), 3 + 17);
  EXPECT_THAT(show("--at end --as psi").out,
              ContainsRegex("^some avg10=[0-9.]+ avg60=[0-9.]+ avg300=[0-9.]+ total=[0-9]+\nfull "));
}

TEST_F(Show, WhatTheReportDoesNotHoldIsSaidAndNotInvented) {
  Finished between = show("--at 0.001s --as zoneinfo");
  EXPECT_EQ(between.status, 1);
  EXPECT_EQ(between.out, "");
  EXPECT_THAT(between.err, AllOf(HasSubstr("does not hold the zones at 0.001 s"), HasSubstr("oom_kill (")));
  EXPECT_EQ(lines(between.err), 1);
}

TEST_F(Show, AReportFromBeforeThereWereMomentsShowsItsIncidents) {
  Json old = report_;
  old.erase("moments");
  std::ofstream(at("old.json")) << old;
  Finished shown = sh("$OOMCAST show old.json --at direct_reclaim");
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("why        "));
  Finished zones = sh("$OOMCAST show old.json --at direct_reclaim --as zoneinfo");
  EXPECT_EQ(zones.status, 1);
  EXPECT_THAT(zones.err, HasSubstr("older oomcast"));
}

TEST_F(Show, AMomentThatIsNoneIsOneError) {
  const std::pair<const char*, const char*> bad[] = {{"--at swap_out", "swap_out never happens"},
                                                     {"--at noon", "'noon' is no moment"},
                                                     {"--at 1e9s", "after the end"},
                                                     {"--at -1s", "no moment"},
                                                     {"--as html", "--as"}};
  for (const auto& [options, words] : bad) {
    Finished refused = show(options);
    EXPECT_EQ(refused.status, 2) << options;
    EXPECT_THAT(refused.err, AllOf(StartsWith("oomcast: show: "), HasSubstr(words)));
    EXPECT_EQ(lines(refused.err), 1) << refused.err;
  }
}

}  // namespace
}  // namespace oomcast::end_to_end
