// One run, many seeds: ranges are counted, verdicts that flip are reported, and seed 1 is the forecast itself.
#include "report/chance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/report/recorded_program.h"

namespace oomcast::report {
namespace {

using sim::Verdict;
using support::HostBuilder;
using support::Program;
using testing::HasSubstr;
using namespace oomcast::literals;

sim::Outcome ended(Verdict verdict, Bytes footprint, std::optional<Nanoseconds> killed_at = std::nullopt) {
  sim::Outcome outcome;
  outcome.verdict = verdict;
  outcome.app.footprint_peak = footprint;
  if (killed_at) {
    outcome.oom_kill.emplace();
    outcome.oom_kill->t = *killed_at;
  }
  return outcome;
}

HeadlineRange the(const std::string& name, const Chance& chance) {
  for (const HeadlineRange& range : chance.headlines)
    if (range.name == name) return range;
  return {};
}

/// Grows past the low mark of the host in one go: how late kswapd wakes decides whether a task has to reclaim.
auto grows(Pages pages) {
  return [=](trace::EventSink& sink) {
    Program p(sink, 100);
    p.pace(2_us);
    p.map(0, static_cast<uint64_t>(pages.count()));
    p.touch(0, static_cast<uint64_t>(pages.count()));
    p.read_file(7, 0, 40'000);
    p.exit();
  };
}

Recorded recording_of(const RecordedProgram& program, const host::HostSpec& host) {
  return {{program.bytes, "test"}, host, {}, {}, true};
}

TEST(Chance, CountsVerdictsAndRangesOverAllSeeds) {
  const Chance chance = chance_of({ended(Verdict::kDirectReclaim, 10_MiB), ended(Verdict::kBackgroundReclaim, 30_MiB),
                                   ended(Verdict::kDirectReclaim, 12_MiB), ended(Verdict::kDirectReclaim, 11_MiB)});
  EXPECT_TRUE(chance.flips());
  EXPECT_EQ(chance.worst(), Verdict::kDirectReclaim);
  EXPECT_EQ(chance_text(chance), "direct_reclaim with 3 of 4 seeds, background_reclaim with 1");
  const HeadlineRange footprint = the("footprint_peak_bytes", chance);
  EXPECT_EQ(footprint.seeds, 4);
  EXPECT_EQ(Bytes(footprint.least), 10_MiB);
  EXPECT_EQ(Bytes(footprint.median), 11_MiB);
  EXPECT_EQ(Bytes(footprint.most), 30_MiB);
}

TEST(Chance, AMomentIsRangedOverTheSeedsThatHaveIt) {
  const Chance chance = chance_of({ended(Verdict::kOomKill, 10_MiB, 5_ms), ended(Verdict::kDirectReclaim, 10_MiB),
                                   ended(Verdict::kOomKill, 10_MiB, 7_ms)});
  EXPECT_EQ(the("oom_kill_ns", chance).seeds, 2);
  EXPECT_EQ(Nanoseconds(the("oom_kill_ns", chance).most), 7_ms);
  EXPECT_EQ(the("kswapd_wake_ns", chance).name, "") << "no seed woke kswapd";
}

TEST(Chance, OneVerdictForAllSeedsDoesNotFlip) {
  const Chance chance = chance_of({ended(Verdict::kFits, 10_MiB), ended(Verdict::kFits, 10_MiB)});
  EXPECT_FALSE(chance.flips());
  EXPECT_EQ(chance_text(chance), "fits with 2 of 2 seeds");
  EXPECT_EQ(chance_json(chance)["flips"], false);
}

TEST(Chance, ThatNobodyAskedForIsNull) { EXPECT_TRUE(chance_json({}).is_null()); }

TEST(Chance, TheFirstSeedIsTheForecastAndOthersDiffer) {
  const host::HostSpec host = HostBuilder().node(256_MiB).swap(256_MiB).build();
  const RecordedProgram program = record(host, grows(58'000_pages));
  ChanceSettings settings;
  const Chance one = try_seeds(recording_of(program, host), settings);
  ASSERT_EQ(one.seeds, 1);
  EXPECT_EQ(the("stall_ns_total", one).most, program.outcome.stall.total.count());
  EXPECT_EQ(the("pswpout_pages", one).most, program.outcome.counters[host::Vmstat::pswpout]);
  settings.seeds = 16;
  const Chance many = try_seeds(recording_of(program, host), settings);
  EXPECT_EQ(many.seeds, 16);
  EXPECT_EQ(many.cut, "");
  EXPECT_LT(the("kswapd_wake_ns", many).least + the("stall_ns_total", many).least,
            the("kswapd_wake_ns", many).most + the("stall_ns_total", many).most);
  settings.jobs = 1;
  EXPECT_EQ(chance_json(try_seeds(recording_of(program, host), settings)), chance_json(many))
      << "the order in which seeds are simulated changes nothing";
}

TEST(Chance, ASignalEndsItAndTheSeedsThatAreDoneCount) {
  const host::HostSpec host = HostBuilder().node(256_MiB).build();
  const RecordedProgram program = record(host, grows(1000_pages));
  ChanceSettings settings;
  settings.seeds = 8;
  settings.jobs = 1;
  int asked = 0;
  settings.interrupted = [&] { return ++asked > 4; };
  const Chance chance = try_seeds(recording_of(program, host), settings);
  EXPECT_GT(chance.seeds, 0);
  EXPECT_LT(chance.seeds, 8);
  EXPECT_THAT(chance.cut, HasSubstr("of 8 seeds were simulated: a signal to oomcast ended it"));
}

TEST(Chance, ARecordingThatCannotBeReadIsNamed) {
  const host::HostSpec host = HostBuilder().node(256_MiB).build();
  RecordedProgram program = record(host, grows(1000_pages));
  program.bytes[0] = 'x';
  ChanceSettings settings;
  settings.seeds = 4;
  const Chance chance = try_seeds(recording_of(program, host), settings);
  EXPECT_EQ(chance.seeds, 0);
  EXPECT_THAT(chance.cut, HasSubstr("0 of 4 seeds were simulated: test:"));
  EXPECT_FALSE(chance_json(chance).is_null());
}

}  // namespace
}  // namespace oomcast::report
