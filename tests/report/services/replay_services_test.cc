// Several recordings are forecast as services of one host, and each is accounted for.
#include "report/services/replay_services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/findings.h"
#include "report/json_report.h"
#include "report/summary.h"
#include "tests/report/recorded_program.h"
#include "tests/report/schema_check.h"

namespace oomcast::report {
namespace {

using namespace oomcast::literals;
using support::HostBuilder;
using support::Program;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

host::HostSpec roomy() { return HostBuilder().node(256_MiB).build(); }

/// A program of so many pages, touched 64 at a time every 10 us, that lives for a second more.
RecordedProgram of_pages(uint64_t pages, bool finished = true) {
  return record(
      roomy(),
      [pages](trace::EventSink& sink) {
        Program p(sink, 100);
        p.pace(10_us).window(64);  // audits recount the whole host: few events
        p.map(0, pages);
        p.touch(0, pages, 7);
        p.sleep(1_s);
        p.exit();
      },
      nullptr, 0, finished);
}

RecordedService service(const std::string& name, const RecordedProgram& recorded) {
  RecordedService out;
  out.name = name;
  out.trace_name = name + ".trace";
  out.trace = std::make_shared<const std::string>(recorded.bytes);
  return out;
}

Replayed replayed(const std::vector<RecordedService>& services, const host::HostSpec& host) {
  ReplaySettings settings;
  settings.model.audit = true;
  auto result = replay_services(services, host, settings);
  EXPECT_TRUE(result.ok()) << result.error().message;
  return std::move(result).value();
}

nlohmann::ordered_json report_of(const Replayed& replayed) {
  return to_json(replayed.outcome, replayed.capture, find_all(replayed.outcome, replayed.capture));
}

TEST(ReplayServices, OneServiceAloneIsItsRecording) {
  const RecordedProgram recorded = of_pages(4000);
  const Replayed alone = replayed({service("web", recorded)}, roomy());
  EXPECT_EQ(alone.outcome.counters[host::Vmstat::pgfault], recorded.outcome.counters[host::Vmstat::pgfault]);
  EXPECT_EQ(alone.outcome.app.footprint_peak, recorded.outcome.app.footprint_peak);
  EXPECT_EQ(alone.outcome.forecast, recorded.outcome.forecast);
  EXPECT_EQ(alone.outcome.events, recorded.outcome.events);
  EXPECT_EQ(alone.outcome.digest, recorded.outcome.digest);
}

TEST(ReplayServices, CopiesRunBesideEachOtherAndAddUp) {
  const RecordedProgram recorded = of_pages(4000);
  const Replayed two = replayed({service("a", recorded), service("b", recorded)}, roomy());
  EXPECT_EQ(two.outcome.app.footprint_peak, to_bytes(8000_pages));
  EXPECT_EQ(two.outcome.events, 2 * recorded.outcome.events);
  EXPECT_LT(two.outcome.forecast.count(), recorded.outcome.forecast.count() * 3 / 2);
  ASSERT_EQ(two.outcome.services.size(), 2u);
  for (const sim::ServiceOutcome& each : two.outcome.services) EXPECT_EQ(each.footprint_peak, to_bytes(4000_pages));
  EXPECT_THAT(two.outcome.audit_faults, IsEmpty());
}

TEST(ReplayServices, TheSameAgainIsTheSameReport) {
  const RecordedProgram recorded = of_pages(9000);
  const host::HostSpec tight = HostBuilder().node(64_MiB).swap(64_MiB).build();
  const std::vector<RecordedService> services{service("a", recorded), service("b", recorded)};
  EXPECT_EQ(report_text(report_of(replayed(services, tight))), report_text(report_of(replayed(services, tight))));
}

TEST(ReplayServices, TogetherTheyExceedWhatEachWouldFit) {
  const RecordedProgram recorded = of_pages(9000);
  const host::HostSpec tight = HostBuilder().node(64_MiB).build();
  EXPECT_LT(replayed({service("a", recorded)}, tight).outcome.verdict, sim::Verdict::kOomKill);
  const Replayed two = replayed({service("a", recorded), service("b", recorded)}, tight);
  EXPECT_EQ(two.outcome.verdict, sim::Verdict::kOomKill);
  const nlohmann::ordered_json report = report_of(two);
  EXPECT_THAT(schema_violations(report_text(report)), IsEmpty());
  EXPECT_EQ(report["services"].size(), 2u);
  EXPECT_EQ(report["services"][0]["name"], "a");
  EXPECT_EQ(report["services"][0]["oom_kills"].get<int>() + report["services"][1]["oom_kills"].get<int>(), 1);
  bool found = false;
  for (const auto& finding : report["findings"]) found |= finding["id"] == "services";
  EXPECT_TRUE(found);
  const std::string summary =
      summary_text(two.outcome, two.capture, find_all(two.outcome, two.capture), report, "r.json", {});
  EXPECT_THAT(summary, AllOf(HasSubstr("a: "), HasSubstr("b: "), HasSubstr("killed at")));
}

TEST(ReplayServices, ALaterStartLetsTheFirstOneEnd) {
  const RecordedProgram recorded = of_pages(9000);
  const host::HostSpec tight = HostBuilder().node(64_MiB).build();
  RecordedService late = service("late", recorded);
  late.start = 30_s;
  const Replayed one_after_the_other = replayed({service("early", recorded), late}, tight);
  EXPECT_LT(one_after_the_other.outcome.verdict, sim::Verdict::kOomKill);
  EXPECT_GT(one_after_the_other.outcome.forecast, 31_s);
}

TEST(ReplayServices, ALimitMakesAGroupBelowTheOneOfAll) {
  const RecordedProgram recorded = of_pages(4000);
  RecordedService limited = service("limited", recorded);
  limited.limits = {"memory.max=8M"};
  host::HostSpec host = roomy();
  host.cgroup.present = true;
  host.cgroup.memory_max = int64_t{128} << 20;
  const Replayed two = replayed({limited, service("free", recorded)}, host);
  EXPECT_EQ(two.outcome.services[0].killed, 1);
  EXPECT_EQ(two.outcome.services[0].cgroup, "/app/limited");
  EXPECT_EQ(two.outcome.services[1].killed, 0);
  // Both are charged to the group of all, the limited one until it dies.
  EXPECT_GE(two.outcome.cgroup.peak, to_bytes(4000_pages));
  EXPECT_THAT(two.outcome.audit_faults, IsEmpty());
  EXPECT_EQ(two.capture.services[0].name, "limited");
}

TEST(ReplayServices, SitesSayWhoseTheyAre) {
  const RecordedProgram recorded = of_pages(1000);
  const Replayed two = replayed({service("a", recorded), service("b", recorded)}, roomy());
  ASSERT_EQ(two.outcome.sites.size(), 2u);
  ASSERT_EQ(two.capture.stacks.size(), 2u);
  EXPECT_EQ(two.capture.stacks[0].back(), "a");
  EXPECT_EQ(two.capture.stacks[1].back(), "b");
}

TEST(ReplayServices, ARecordingThatIsCutEndsItsServiceAlone) {
  const RecordedProgram whole = of_pages(1000);
  RecordedProgram cut = of_pages(1000, false);
  const Replayed two = replayed({service("cut", cut), service("whole", whole)}, roomy());
  EXPECT_THAT(two.capture.cut, HasSubstr("cut: the trace ends in the middle"));
  const nlohmann::ordered_json report = report_of(two);
  EXPECT_EQ(report["services"][0]["ended"], "trace_cut");
  EXPECT_EQ(report["services"][1]["ended"], "exited");
  EXPECT_TRUE(report["verdict"].is_null());
}

TEST(ReplayServices, WhatIsNoRecordingIsRefusedByName) {
  RecordedService broken = service("web", of_pages(10));
  broken.trace = std::make_shared<const std::string>("no trace");
  const auto refused = replay_services({service("db", of_pages(10)), broken}, roomy(), {});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("web.trace: not a trace"));
}

TEST(ReplayServices, ANodeThatTheHostLacksIsRefusedByName) {
  RecordedService elsewhere = service("web", of_pages(10));
  elsewhere.cpu_node = 5;
  const auto refused = replay_services({elsewhere}, roomy(), {});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("web: --cpu-node 5"));
}

TEST(ReplayServices, AnAdjOfItsOwnDecidesWhoDies) {
  const RecordedProgram recorded = of_pages(9000);
  const host::HostSpec tight = HostBuilder().node(64_MiB).build();
  for (const bool second : {false, true}) {
    std::vector<RecordedService> services{service("a", recorded), service("b", recorded)};
    services[second ? 1 : 0].oom_score_adj = 900;
    const Replayed two = replayed(services, tight);
    EXPECT_GE(two.outcome.services[second ? 1 : 0].killed, 1);
    EXPECT_EQ(two.outcome.services[second ? 0 : 1].killed, 0);
  }
}

}  // namespace
}  // namespace oomcast::report
