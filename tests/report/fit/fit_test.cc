// Tests the smallest size of a small recorded program, and what goes wrong just below it.
#include "report/fit/fit.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/report/recorded_program.h"

namespace oomcast::report {
namespace {

using namespace oomcast::literals;
using support::HostBuilder;
using support::Program;
using testing::HasSubstr;

constexpr int64_t kMiB = 1 << 20;

class Fitting : public testing::Test {
 protected:
  /// 40 MiB on a host with 256 MiB and no swap.
  host::HostSpec host = HostBuilder().node(256_MiB).set("vm.overcommit_memory", 1).build();
  RecordedProgram recorded = record(host, [](trace::EventSink& sink) {
    Program p(sink, 100);
    p.map(0, 10240);
    p.touch(0, 10240);
    p.exit();
  });

  Fit fitted(const FitOptions& options) const {
    auto found = fit({recorded.bytes, "t.trace"}, host, {}, options, [](int, int64_t, int64_t) {});
    EXPECT_TRUE(found.ok()) << found.error().message;
    return found.ok() ? std::move(found).value() : Fit{};
  }
};

TEST_F(Fitting, TheSmallestLimitHoldsThePagesAndTheirTables) {
  Fit found = fitted({});
  ASSERT_TRUE(found.smallest && found.below);
  EXPECT_GE(found.smallest->value, 40 * kMiB);
  EXPECT_LE(found.smallest->value, 42 * kMiB);
  EXPECT_EQ(found.below->verdict, sim::Verdict::kOomKill);
  EXPECT_NE(found.smallest->verdict, sim::Verdict::kOomKill);
  EXPECT_LT(found.below->value, found.smallest->value);
  EXPECT_EQ(found.recommended, found.smallest->value + found.smallest->value / 100 * 15);
}

TEST_F(Fitting, StricterWishesNeedNoLess) {
  FitOptions calm;
  calm.key = "memory";
  calm.until = "fits";
  FitOptions alive = calm;
  alive.until = "no_oom";
  Fit fits = fitted(calm), survives = fitted(alive);
  ASSERT_TRUE(fits.smallest && survives.smallest);
  EXPECT_GE(fits.smallest->value, survives.smallest->value);
  EXPECT_EQ(fits.smallest->verdict, sim::Verdict::kFits);
}

TEST_F(Fitting, ASizeThatLuckDecidesIsNotEnough) {
  FitOptions lucky;
  lucky.key = "memory";
  lucky.until = "no_direct_reclaim";
  FitOptions sure = lucky;
  lucky.seeds = 1;
  sure.seeds = 8;
  const Fit one = fitted(lucky), all = fitted(sure);
  ASSERT_TRUE(one.smallest && all.smallest);
  EXPECT_GE(all.smallest->value, one.smallest->value);
  EXPECT_EQ(nlohmann::json::parse(fit_json(all))["seeds"], 8);
  RunOptions options;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    options.model.seed = Seed{seed};
    const Variation size{"memory", {std::to_string(all.smallest->value)}};
    const auto rows = sweep({Workload{recorded.bytes, "t.trace"}, host, options}, Combinations::of({size}).value(), 1);
    ASSERT_TRUE(rows.ok());
    EXPECT_LE(rows->front().verdict, sim::Verdict::kBackgroundReclaim) << "seed " << seed;
  }
}

TEST_F(Fitting, APodsLimitHoldsWithoutTheSwapThatItDoesNotGet) {
  FitOptions pod;
  pod.as = "k8s";
  const int64_t without = fitted(pod).smallest->value;
  host = HostBuilder().node(256_MiB).swap(256_MiB).set("vm.overcommit_memory", 1).build();
  const Fit found = fitted(pod);
  ASSERT_TRUE(found.smallest);
  EXPECT_GE(found.smallest->value, without);
  EXPECT_THAT(fit_lines(found), HasSubstr("the kubelet's default NoSwap"));
  FitOptions docker;
  docker.as = "docker";
  const Fit swapping = fitted(docker);
  ASSERT_TRUE(swapping.smallest);
  EXPECT_LT(swapping.smallest->value, without);
  EXPECT_THAT(fit_setting(swapping, "docker"), HasSubstr("--memory-swap=-1"));
}

TEST_F(Fitting, AHostThatIsTooSmallIsNamed) {
  host = HostBuilder().node(32_MiB).set("vm.overcommit_memory", 1).build();
  const Fit found = fitted({});
  EXPECT_FALSE(found.smallest);
  EXPECT_THAT(fit_lines(found),
              HasSubstr("the host itself is too small for it: another --host, or its size by --for memory"));
  EXPECT_EQ(fit_setting(found, "k8s"), "");
}

TEST_F(Fitting, AKeyThatIsNoneIsAnError) {
  FitOptions options;
  options.key = "memroy";
  auto found = fit({recorded.bytes, "t.trace"}, host, {}, options, [](int, int64_t, int64_t) {});
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(found.error().message, HasSubstr("memroy"));
}

TEST_F(Fitting, TheTextSaysWhatGoesWrongBelowAndTheSetting) {
  Fit found = fitted({});
  EXPECT_THAT(fit_setting(found, "systemd"), HasSubstr("[Service]\nMemoryMax="));
  EXPECT_THAT(fit_lines(found), HasSubstr(": oom_kill\nwhy "));
  EXPECT_THAT(fit_lines(found), HasSubstr("enough is so with all of 5 seeds"));
  auto json = nlohmann::json::parse(fit_json(found));
  EXPECT_EQ(json["smallest"], found.smallest->value);
  EXPECT_EQ(json["verdict_below"], "oom_kill");
}

TEST_F(Fitting, ASizeAtWhichTheKubeletEvictsIsNotEnough) {
  recorded = record(host, [](trace::EventSink& sink) {
    Program p(sink, 100);
    p.map(0, 10240);
    p.touch(0, 10240);
    for (int second = 0; second < 30; ++second) p.sleep(Nanoseconds(1'000'000'000));
    p.exit();
  });
  FitOptions options;
  options.key = "memory";
  options.until = "no_oom";
  const int64_t alone = fitted(options).smallest.value().value;
  host.kubelet.eviction_hard = 32_MiB;
  const int64_t on_a_node = fitted(options).smallest.value().value;
  EXPECT_GT(on_a_node, alone + 16 * kMiB);
  const auto rows = sweep({{recorded.bytes, "t.trace"}, host, {}},
                          Combinations::of({{"memory", {std::to_string(alone + 8 * kMiB)}}}).value(), 1);
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(rows->at(0).figures.evictions, 1);
  EXPECT_THAT(rows->at(0).why, HasSubstr("The kubelet evicts the program at"));
  EXPECT_THAT(sweep_table({{"memory", {}}}, rows.value()), HasSubstr(", evicted"));
}

}  // namespace
}  // namespace oomcast::report
