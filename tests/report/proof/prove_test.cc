// A suggestion is proven by a simulation of the changed host, on the recording of the run, or it says why it is not.
#include "report/proof/prove.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/report/proof/proven_program.h"

namespace oomcast::report {
namespace {

using support::HostBuilder;
using support::Program;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using namespace oomcast::literals;

/// Writes so many MiB, page by page.
auto writes(int64_t mib) {
  return [mib](trace::EventSink& sink) {
    Program p(sink, 100);
    p.map(0, static_cast<uint64_t>(mib) * 256);
    p.touch(0, static_cast<uint64_t>(mib) * 256);
    p.exit();
  };
}

host::HostSpec limited(Bytes limit) { return HostBuilder().node(512_MiB).limit(limit).build(); }

TEST(Prove, TheSmallestLimitThatIsEnoughIsFoundAndNamed) {
  const Proven proven = prove_program(limited(64_MiB), writes(100));
  const Try limit = proven.suggestion("oom_kill", "memory.max=");
  EXPECT_EQ(limit.proven, true);
  EXPECT_LE(limit.verdict_after, sim::Verdict::kDirectReclaim);
  ASSERT_TRUE(limit.proof);
  // 100 MiB and 200 KiB of page tables; a limit is searched to the MiB.
  EXPECT_GT(*limit.proof->smallest, (100_MiB).count());
  EXPECT_LE(*limit.proof->smallest, (102_MiB).count());
  EXPECT_LT(*limit.proof->below, *limit.proof->smallest);
  EXPECT_EQ(limit.proof->verdict_below, sim::Verdict::kOomKill);
  EXPECT_THAT(limit.proof->dies, IsEmpty());
  EXPECT_THAT(limit.change, HasSubstr("M ("));
}

TEST(Prove, WhatIsSetAlongWithTheValueIsNamed) {
  host::HostSpec host = HostBuilder().node(512_MiB).swap(256_MiB).limit(64_MiB).build();
  host.cgroup.v1 = true;
  host.cgroup.memory_memsw_max = (80_MiB).count();
  const Try limit = prove_program(host, writes(100)).suggestion("oom_kill", "memory.limit_in_bytes=");
  EXPECT_EQ(limit.proven, true);
  EXPECT_THAT(limit.change, EndsWith(", and memory.memsw.limit_in_bytes=max"));
}

TEST(Prove, WhatIsHandedOverHasTheSpreadOnTopAndWasSimulated) {
  const Try limit = prove_program(limited(64_MiB), writes(100)).suggestion("oom_kill", "memory.max=");
  ASSERT_EQ(limit.proof->settings.size(), 1u);
  const std::string& word = limit.proof->settings.front();
  EXPECT_THAT(word, StartsWith("cgroup.memory.max="));
  const int64_t given = std::stoll(word.substr(word.find('=') + 1));
  EXPECT_GE(given, *limit.proof->smallest + (2_MiB).count());
  host::HostSpec changed = limited(64_MiB);
  ASSERT_TRUE(host::set_field(changed, word).ok());
  EXPECT_LT(record(changed, writes(100)).outcome.verdict, sim::Verdict::kAllocRefused);
}

TEST(Prove, TheValueJustBelowFailsWhenItIsTheHosts) {
  const Try limit = prove_program(limited(64_MiB), writes(100)).suggestion("oom_kill", "memory.max=");
  EXPECT_EQ(record(limited(Bytes(*limit.proof->below)), writes(100)).outcome.verdict, sim::Verdict::kOomKill);
  EXPECT_LT(record(limited(Bytes(*limit.proof->smallest)), writes(100)).outcome.verdict, sim::Verdict::kAllocRefused);
}

TEST(Prove, MoreMemoryOfTheHost) {
  const Proven proven = prove_program(
      HostBuilder().node(128_MiB).process(1, "init", 1_MiB, -1000).set("vm.overcommit_memory", 1).build(), writes(200));
  const Try memory = proven.suggestion("oom_kill", "memory=");
  EXPECT_EQ(memory.proven, true);
  EXPECT_GT(*memory.proof->smallest, (200_MiB).count());
  EXPECT_LT(*memory.proof->smallest, (230_MiB).count());
  EXPECT_GT(memory.proof->held_back.count(), 0);  // larger watermarks
}

TEST(Prove, AnAdjThatSparesTheProgramSaysWhoDiesInstead) {
  const Proven proven = prove_program(
      HostBuilder().node(128_MiB).process(1, "init", 1_MiB, -1000).process(80, "sshd", 40_MiB).build(), writes(110));
  const Try adj = proven.suggestion("oom_kill", "oom_score_adj");
  EXPECT_EQ(adj.proven, true);
  EXPECT_EQ(adj.verdict_after, sim::Verdict::kOomKill);
  EXPECT_THAT(adj.proof->dies, testing::ElementsAre("sshd (pid 80)"));
  EXPECT_THAT(proof_text(adj), HasSubstr("sshd (pid 80) dies"));
}

TEST(Prove, AnAdjThatOnlyPutsItOffIsNoHelp) {
  const Proven proven = prove_program(HostBuilder()
                                          .node(128_MiB)
                                          .process(1, "init", 1_MiB, -1000)
                                          .process(80, "sshd", 20_MiB)
                                          .set("vm.overcommit_memory", 1)
                                          .build(),
                                      writes(250));
  const Try adj = proven.suggestion("oom_kill", "oom_score_adj");
  EXPECT_EQ(adj.proven, false);
  EXPECT_THAT(proof_text(adj), HasSubstr("does not help"));
}

TEST(Prove, WithoutTimeNothingIsProvenAndItSaysSo) {
  HowToProve how;
  how.budget_s = 0;
  const Proven proven = prove_program(limited(64_MiB), writes(100), how);
  for (const Finding& finding : proven.findings)
    for (const Try& each : finding.tries) {
      EXPECT_FALSE(each.proven);
      EXPECT_THAT(each.not_simulated, testing::Not(IsEmpty()));
    }
  EXPECT_THAT(proven.summary.not_possible, HasSubstr("--prove SECONDS"));
}

TEST(Prove, ARecordingThatDoesNotGiveTheForecastProvesNothing) {
  const host::HostSpec other = limited(256_MiB);
  HowToProve how;
  how.assumed_host = &other;
  const Proven proven = prove_program(limited(64_MiB), writes(100), how);
  EXPECT_THAT(proven.summary.not_possible, HasSubstr("replayed on the same host, gives fits"));
  EXPECT_FALSE(proven.suggestion("oom_kill", "at least").proven);
}

TEST(Prove, AProgramThatWasReallyKilledSaysNothingOfWhatItWouldHaveNeeded) {
  HowToProve how;
  how.options.model.kill_on_oom = true;
  EXPECT_THAT(prove_program(limited(64_MiB), writes(100), how).summary.not_possible, HasSubstr("--on-oom kill"));
}

TEST(Prove, JobsDoNotChangeTheAnswers) {
  HowToProve one, many;
  one.jobs = 1;
  many.jobs = 4;
  const host::HostSpec host =
      HostBuilder().node(96_MiB).process(1, "init", 1_MiB, -1000).process(80, "sshd", 20_MiB).build();
  EXPECT_EQ(prove_program(host, writes(120), one).findings_text(),
            prove_program(host, writes(120), many).findings_text());
}

// One suggestion has all cores to itself: its search then tries several values at a time, and finds the same one.
TEST(Prove, CoresDoNotChangeWhatASearchFinds) {
  HowToProve how;
  for (const int jobs : {1, 3, 8}) {
    how.jobs = jobs;
    const Try limit = prove_program(limited(64_MiB), writes(100), how).suggestion("oom_kill", "memory.max=");
    ASSERT_TRUE(limit.proof) << jobs;
    EXPECT_EQ(limit.proof->smallest, 101 << 20) << jobs;
    EXPECT_EQ(limit.proof->below, 100 << 20) << jobs;
  }
}

// The largest limit of the program's own that keeps others alive: above it one of them dies.
TEST(Prove, TheLargestLimitThatProtectsOthers) {
  const host::HostSpec host =
      HostBuilder().node(128_MiB).process(1, "init", 1_MiB, -1000).process(80, "sshd", 20_MiB, 1000).build();
  const Proven proven = prove_program(host, writes(110));
  const Try limit = proven.suggestion("oom_bystander", "memory.max=");
  EXPECT_EQ(limit.proven, true);
  ASSERT_TRUE(limit.proof && limit.proof->smallest);
  for (const std::string& name : limit.proof->dies) EXPECT_THAT(name, testing::Not(HasSubstr("sshd")));
  EXPECT_LT(*limit.proof->smallest, (110_MiB).count());
  EXPECT_GT(*limit.proof->smallest, (80_MiB).count());
  EXPECT_EQ(limit.proof->below, *limit.proof->smallest + (1_MiB).count());
}

TEST(Prove, AProgramThatFitsHasNothingToProve) {
  const Proven proven = prove_program(limited(256_MiB), writes(20));
  EXPECT_EQ(proven.summary.suggestions, 0);
  EXPECT_THAT(proven.summary.not_possible, IsEmpty());
}

}  // namespace
}  // namespace oomcast::report
