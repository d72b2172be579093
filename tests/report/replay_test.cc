// A replay says what the live run said, and owns up to what it cannot know.
#include "report/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/coverage.h"
#include "report/json_report.h"
#include "report/summary.h"
#include "tests/report/recorded_program.h"

namespace oomcast::report {
namespace {

using namespace oomcast::literals;
using support::HostBuilder;
using support::Program;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

host::HostSpec roomy() { return HostBuilder().node(256_MiB).build(); }
host::HostSpec tight() { return HostBuilder().node(48_MiB).swap(128_MiB).build(); }

/// 64 MiB, then the first half of it again.
void grow_and_reuse(trace::EventSink& sink) {
  Program p(sink, 100);
  p.pace(Nanoseconds(10'000));
  p.map(0, 16384);
  p.touch(0, 16384);
  p.touch(0, 8192);
  p.exit();
}

std::string text_of(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  return report_text(to_json(outcome, capture, find_all(outcome, capture)));
}

Replayed replayed(const RecordedProgram& recorded, const host::HostSpec& host, std::optional<int> adj = {}) {
  ReplaySettings settings;
  settings.oom_score_adj = adj;
  if (adj) settings.model.oom_score_adj = *adj;
  auto result = replay(recorded.bytes, "t.trace", host, settings);
  EXPECT_TRUE(result.ok()) << result.error().message;
  return std::move(result).value();
}

TEST(Replay, OnTheSameHostGivesTheSameReport) {
  for (const host::HostSpec& host : {roomy(), tight()}) {
    const RecordedProgram recorded = record(host, grow_and_reuse);
    const Replayed again = replayed(recorded, host);
    EXPECT_EQ(text_of(again.outcome, again.capture), text_of(recorded.outcome, again.capture));
    EXPECT_EQ(again.outcome.digest, recorded.outcome.digest);
    EXPECT_THAT(again.capture.extrapolated, IsEmpty());
  }
}

TEST(Replay, TheHostOfTheRecordingIsInTheTrace) {
  const RecordedProgram recorded = record(tight(), grow_and_reuse);
  auto header = read_trace_header(recorded.bytes, "t.trace");
  ASSERT_TRUE(header.ok());
  auto host = recorded_host(header.value(), "t.trace");
  ASSERT_TRUE(host.ok()) << host.error().message;
  EXPECT_EQ(replayed(recorded, host.value()).outcome.digest, recorded.outcome.digest);
}

TEST(Replay, OnATighterHostIsMarkedAsExtrapolated) {
  const RecordedProgram recorded = record(roomy(), grow_and_reuse);
  const Replayed on_tight = replayed(recorded, tight());
  EXPECT_THAT(on_tight.capture.extrapolated, HasSubstr("were not watched"));
  for (const Basis& basis : headline_basis(on_tight.outcome, on_tight.capture))
    if (basis.key == "verdict" || basis.key == "stall") {
      EXPECT_EQ(basis.rests_on, RestsOn::kExtrapolated) << basis.key;
    }
  EXPECT_THAT(all_caveats(on_tight.outcome, on_tight.capture),
              Contains(HasSubstr("Extrapolated: recorded for 'test'")));
}

TEST(Replay, OnAHostThatNeverReclaimsIsNot) {
  EXPECT_THAT(replayed(record(tight(), grow_and_reuse), roomy()).capture.extrapolated, IsEmpty());
}

TEST(Replay, RecordedForATighterHostNothingIsExtrapolatedThere) {
  const host::HostSpec second = tight();
  const Replayed there = replayed(record(roomy(), grow_and_reuse, &second), second);
  EXPECT_THAT(there.capture.extrapolated, IsEmpty());
}

TEST(Replay, ATraceThatWasCutIsReplayedUpToThereAndSaysSo) {
  RecordedProgram recorded = record(roomy(), grow_and_reuse, nullptr, 0, false);
  const Replayed cut = replayed(recorded, roomy());
  EXPECT_FALSE(cut.capture.exited);
  EXPECT_EQ(cut.capture.tracker, "unknown");
  EXPECT_THAT(all_caveats(cut.outcome, cut.capture), Contains(HasSubstr("ends in the middle of the recording")));
  EXPECT_EQ(cut.outcome.verdict, sim::Verdict::kFits);
  EXPECT_FALSE(supported_verdict(cut.outcome, cut.capture).has_value()) << "what came after the cut may not fit";
  const std::string summary = summary_text(cut.outcome, cut.capture, find_all(cut.outcome, cut.capture),
                                           to_json(cut.outcome, cut.capture, {}), "r.json", {});
  EXPECT_THAT(summary, testing::StartsWith("oomcast: INCOMPLETE: the trace ends in the middle"));
  EXPECT_THAT(summary, testing::Not(HasSubstr("no events lost")));
  EXPECT_THAT(summary, testing::Not(HasSubstr("exit status")));
}

TEST(Replay, WhatIsExtrapolatedIsInTheSummary) {
  const Replayed there = replayed(record(roomy(), grow_and_reuse), tight());
  EXPECT_THAT(summary_text(there.outcome, there.capture, {}, to_json(there.outcome, there.capture, {}), "r.json", {}),
              HasSubstr("extrapolated: recorded for 'test'"));
}

TEST(Replay, ADamagedTraceIsRefused) {
  RecordedProgram recorded = record(roomy(), grow_and_reuse);
  recorded.bytes[recorded.bytes.size() / 2] = static_cast<char>(recorded.bytes[recorded.bytes.size() / 2] ^ 4);
  auto result = replay(recorded.bytes, "t.trace", roomy(), {});
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("t.trace: damaged in block"));
}

TEST(Replay, AnotherOomScoreAdjTakesThePlaceOfTheRecordedOne) {
  auto with_adj = [](trace::EventSink& sink) {
    Program p(sink, 100);
    trace::Event limited;  // ulimit -v
    limited.kind = trace::EventKind::kLimit;
    limited.pid = limited.tid = 100;
    limited.address = 9;
    limited.argument = uint64_t{1} << 40;
    sink.feed(limited);
    trace::Event adj;
    adj.kind = trace::EventKind::kOomScoreAdj;
    adj.pid = adj.tid = 100;
    adj.address = 300;
    sink.feed(adj);
    p.map(0, 100);
    p.touch(0, 100);
  };
  const RecordedProgram recorded = record(roomy(), with_adj, nullptr, 300);
  EXPECT_EQ(replayed(recorded, roomy()).outcome.app.processes.at(0).oom_score_adj, 300);
  EXPECT_EQ(replayed(recorded, roomy(), -7).outcome.app.processes.at(0).oom_score_adj, -7);
}

TEST(Replay, AProgramThatAskedForItsLimitsMakesOtherLimitsAGuess) {
  const auto program = [](trace::EventSink& sink) {
    support::Program p(sink, 100);
    p.map(0, 2000);
    p.touch(0, 2000);
    p.exit();
  };
  const host::HostSpec host = support::HostBuilder().node(Bytes(256 << 20)).limit(Bytes(64 << 20)).build();
  const RecordedProgram asked = record(host, program, nullptr, 0, true, {"memory limits in /sys/fs/cgroup"});
  const RecordedProgram did_not = record(host, program);
  host::HostSpec other = host;
  other.cgroup.memory_max = 32 << 20;
  EXPECT_THAT(replay(asked.bytes, "t", other, {})->capture.extrapolated,
              HasSubstr("memory.max 64.0 MiB, memory.high max, memory.swap.max max in the recording"));
  EXPECT_EQ(replay(asked.bytes, "t", host, {})->capture.extrapolated, "");
  EXPECT_EQ(replay(did_not.bytes, "t", other, {})->capture.extrapolated, "");
}

}  // namespace
}  // namespace oomcast::report
