// A sweep tries every host that was asked for, and its table is the same however many run at a time.
#include "report/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/report/recorded_program.h"

namespace oomcast::report {
namespace {

using namespace oomcast::literals;
using support::HostBuilder;
using support::Program;
using testing::ElementsAre;
using testing::HasSubstr;

Result<std::vector<SweepRow>> swept_hosts(const std::string& trace, const host::HostSpec& host,
                                          const std::vector<Variation>& variations, int jobs = 1) {
  auto combinations = Combinations::of(variations);
  if (!combinations) return combinations.error();
  return sweep({Workload{trace, "t.trace"}, host, RunOptions{}}, combinations.value(), jobs);
}

class Sweep : public testing::Test {
 protected:
  /// 40 MiB on a host with 64 MiB.
  host::HostSpec host = HostBuilder().node(64_MiB).swap(256_MiB).set("vm.overcommit_memory", 1).build();
  RecordedProgram recorded = record(host, [](trace::EventSink& sink) {
    Program p(sink, 100);
    p.map(0, 10240);
    p.touch(0, 10240);
    p.exit();
  });

  std::vector<SweepRow> rows(const std::vector<Variation>& variations, int jobs = 2) const {
    auto swept = swept_hosts(recorded.bytes, host, variations, jobs);
    EXPECT_TRUE(swept.ok()) << swept.error().message;
    return swept.ok() ? std::move(swept).value() : std::vector<SweepRow>{};
  }
};

TEST_F(Sweep, EveryCombinationTheLastVariationFastest) {
  auto all = rows({{"memory", {"32M", "64M"}}, {"swap[0].size", {"4M", "256M"}}});
  ASSERT_EQ(all.size(), 4u);
  EXPECT_THAT(all[1].values, ElementsAre("32M", "256M"));
  EXPECT_EQ(all[0].verdict, sim::Verdict::kOomKill) << "40 MiB fit neither RAM nor RAM and swap";
  EXPECT_EQ(all[1].verdict, sim::Verdict::kDirectReclaim);
  EXPECT_EQ(all[3].verdict, sim::Verdict::kFits);
  EXPECT_TRUE(all[1].extrapolated()) << "recorded where nothing was reclaimed";
  EXPECT_FALSE(all[3].extrapolated());
}

TEST_F(Sweep, AHostThatCannotBeIsARowOfItsOwn) {
  auto all = rows({{"vm.swappiness", {"60", "7000"}}});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].error, "");
  EXPECT_THAT(all[1].error, HasSubstr("vm.swappiness"));
  EXPECT_THAT(sweep_table({{"vm.swappiness", {}}}, all), HasSubstr("7000           no such host: "));
}

// Whether kswapd or the task reclaims the last pages is a race: over microseconds no verdict is firm.
TEST_F(Sweep, AVerdictThatHangsOnMicrosecondsIsOnTheEdge) {
  auto parsed = parse_variation("memory=42M..58M:1M");
  ASSERT_TRUE(parsed.ok());
  auto all = rows({parsed.value()});
  for (size_t i = 0; i < all.size(); ++i) {
    const sim::Stall& stall = all[i].figures.stall;
    const Nanoseconds stalled = stall.direct_reclaim_total + stall.swap_in_total + stall.throttled_total;
    if (all[i].verdict == sim::Verdict::kDirectReclaim && stalled < Nanoseconds(1'000'000)) {
      EXPECT_TRUE(all[i].on_the_edge) << all[i].values[0];
    }
    for (size_t less = 0; less < i; ++less) {
      if (*all[less].verdict < *all[i].verdict) {
        EXPECT_TRUE(all[i].on_the_edge) << all[i].values[0] << " is worse than " << all[less].values[0];
      }
    }
  }
  SweepRow edge;
  edge.values = {"50M"};
  edge.verdict = sim::Verdict::kDirectReclaim;
  edge.on_the_edge = true;
  EXPECT_THAT(sweep_table({{"memory", {}}}, {edge}),
              testing::AllOf(HasSubstr("direct_reclaim ~"), HasSubstr("~ on the edge: ")));
  EXPECT_THAT(sweep_json({{"memory", {}}}, {edge}), HasSubstr("\"on_the_edge\": true"));
}

std::string error_of(const RecordedProgram& recorded, const host::HostSpec& host,
                     const std::vector<Variation>& variations) {
  auto swept = swept_hosts(recorded.bytes, host, variations);
  return swept.ok() ? "no error" : swept.error().message;
}

TEST_F(Sweep, AKeyThatDoesNotExistIsOneError) {
  EXPECT_THAT(error_of(recorded, host, {{"vm.swapiness", {"0", "60"}}}), HasSubstr("did you mean 'swappiness'?"));
  EXPECT_THAT(error_of(recorded, host, {{"memory", {"32M", "64M"}}, {"vm.swapiness", {"0"}}}),
              HasSubstr("did you mean 'swappiness'?"));
}

TEST_F(Sweep, AKeyIsVariedOnce) {
  EXPECT_THAT(error_of(recorded, host, {{"memory", {"32M"}}, {"memory", {"64M"}}}),
              HasSubstr("--vary memory is given twice"));
  EXPECT_THAT(error_of(recorded, host, {{"oom-score-adj", {"1"}}, {"--oom-score-adj", {"2"}}}),
              HasSubstr("is given twice"));
}

TEST_F(Sweep, OptionsOfTheTargetCanVaryToo) {
  auto all = rows({{"memory", {"32M"}}, {"swap[0].size", {"4M"}}, {"oom-score-adj", {"0", "-1000"}}});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].figures.victim, "app");
  EXPECT_NE(all[1].figures.victim, "app") << "no process with -1000 is ever killed";
}

TEST_F(Sweep, TheRowsDoNotDependOnHowManyRunAtATime) {
  const std::vector<Variation> variations = {{"memory", {"16M", "24M", "32M", "48M", "64M"}}};
  EXPECT_EQ(sweep_json(variations, rows(variations, 1)), sweep_json(variations, rows(variations, 4)));
}

TEST_F(Sweep, TheJsonHasVerdictsAndFootprints) {
  const std::vector<Variation> variations = {{"memory", {"32M", "64M"}}};
  auto json = nlohmann::json::parse(sweep_json(variations, rows(variations)));
  EXPECT_EQ(json["schema"], "oomcast.sweep.v1");
  EXPECT_EQ(json["rows"][1]["verdict"], "fits");
  EXPECT_EQ(json["rows"][0]["vary"]["memory"], "32M");
  EXPECT_GT(json["rows"][0]["first"]["direct_reclaim"]["app_footprint_bytes"], 0);
}

TEST_F(Sweep, ADamagedTraceIsOneError) {
  std::string bytes = recorded.bytes;
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  auto swept = swept_hosts(bytes, host, {{"memory", {"32M"}}});
  ASSERT_FALSE(swept.ok());
  EXPECT_THAT(swept.error().message, HasSubstr("damaged"));
}

TEST_F(Sweep, AHostOfItsOwnForEachName) {
  const host::HostSpec small = HostBuilder().node(32_MiB).swap(4_MiB).set("vm.overcommit_memory", 1).build();
  const Workload workload{recorded.bytes, "t.trace"};
  const RunOptions options;
  const HostReader named = [&](const std::string& name) -> Result<host::HostSpec> {
    if (name == "big") return host;
    if (name == "small") return small;
    return Error{name + ": no such file"};
  };
  auto combinations = Combinations::of({{"host", {"big", "small", "none"}}, {"vm.swappiness", {"60"}}});
  auto all = sweep({workload, host, options, named}, combinations.value(), 2);
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_EQ(all.value()[0].verdict, sim::Verdict::kFits);
  EXPECT_EQ(all.value()[1].verdict, sim::Verdict::kOomKill);
  EXPECT_EQ(all.value()[2].error, "none: no such file");
}

TEST_F(Sweep, RowsOfARangeAreThoseOfTheWholeSweep) {
  const std::vector<Variation> variations = {{"memory", {"24M", "32M", "64M"}}, {"vm.swappiness", {"0", "60"}}};
  const Workload workload{recorded.bytes, "t.trace"};
  const RunOptions options;
  const auto combinations = Combinations::of(variations);
  const SweepInput input{workload, host, options};
  auto first = forecast_rows(input, combinations.value(), {0, 4}, 2);
  auto rest = forecast_rows(input, combinations.value(), {4, 2}, 2);
  ASSERT_TRUE(first.ok() && rest.ok());
  std::vector<SweepRow> joined = first.value();
  joined.insert(joined.end(), rest->begin(), rest->end());
  ASSERT_TRUE(conclude_rows(input, combinations.value(), joined).ok());
  EXPECT_EQ(sweep_json(variations, joined), sweep_json(variations, rows(variations)));
}

}  // namespace
}  // namespace oomcast::report
