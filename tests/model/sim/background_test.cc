// Other processes read and write files on the host while the program runs.
#include "model/sim/background.h"

#include <gtest/gtest.h>

#include "model/sim/simulation.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"

namespace oomcast::sim {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Program;
using namespace oomcast::literals;

constexpr Nanoseconds kSecond{1'000'000'000};

Options audited() {
  Options options;
  options.audit = true;
  return options;
}

// The program sleeps, a second at a time.
Outcome watch(const host::HostSpec& spec, int seconds) {
  Simulation s(spec, audited());
  Program p(s, 100);
  for (int i = 0; i < seconds; ++i) p.sleep(kSecond);
  p.exit();
  Outcome outcome = s.finish();
  EXPECT_TRUE(outcome.audit_faults.empty()) << outcome.audit_faults[0].what;
  return outcome;
}

TEST(Background, AReaderReadsAtItsRateUntilTheRunEnds) {
  const Outcome outcome = watch(HostBuilder().node(64_MiB).reader(7, 1_GiB, 2_MiB).build(), 10);
  EXPECT_NEAR(static_cast<double>(outcome.counters[Vmstat::pgpgin]), 10 * 2048, 400) << "KiB";
  EXPECT_EQ(outcome.forecast, 10 * kSecond);
}

TEST(Background, AReaderFillsMemoryAndMakesKswapdRun) {
  const Outcome quiet = watch(HostBuilder().node(64_MiB).build(), 10);
  const Outcome busy = watch(HostBuilder().node(64_MiB).reader(7, 1_GiB, 20_MiB).build(), 10);
  EXPECT_EQ(quiet.counters[Vmstat::pageoutrun], 0);
  EXPECT_GT(busy.counters[Vmstat::pageoutrun], 0);
  EXPECT_GT(busy.counters[Vmstat::pgsteal_file], 30000) << "200 MiB went through 64";
  EXPECT_GE(busy.verdict, Verdict::kBackgroundReclaim);
}

TEST(Background, AReaderPushesOutWhatTheProgramHadCached) {
  const auto read_again = [](bool beside_a_reader) {
    HostBuilder builder;
    builder.node(64_MiB).caches(1, 4000_pages);
    if (beside_a_reader) builder.reader(7, 1_GiB, 20_MiB);
    Simulation s(builder.build(), audited());
    Program p(s, 100);
    p.sleep(10 * kSecond);
    p.read_file(1, 0, 4000);
    p.exit();
    return s.finish().counters[Vmstat::pgpgin];
  };
  EXPECT_EQ(read_again(false), 0) << "cached at the start";
  EXPECT_GT(read_again(true), 10 * 20 * 1024 + 14000);
}

TEST(Background, AWriterIsHeldToTheSpeedOfTheDisk) {
  // A disk with an arm: one request of at most 256 pages at a time, 12200 pages a second.
  host::HostSpec spec = HostBuilder().node(128_MiB).writer(7, 512_MiB, 400_MiB).build();
  spec.disk = {Nanoseconds(21'000'000), Nanoseconds(21'000'000), Nanoseconds(20'000'000), Nanoseconds(20'000'000)};
  const Outcome outcome = watch(spec, 10);
  EXPECT_GT(outcome.counters[Vmstat::nr_written], 1000);
  EXPECT_LT(outcome.counters[Vmstat::nr_dirtied], 32768 / 5 + 10 * 12200) << "of a million that it would like to write";
  int64_t most = 0;
  for (const TimelineRow& row : outcome.timeline) most = std::max(most, (row.dirty + row.writeback).count());
  EXPECT_GT(most, 2000);
  EXPECT_LT(most, 32768 * 22 / 100) << "a fifth of memory may be dirty";
  EXPECT_EQ(outcome.stall.throttled_total, Nanoseconds(0)) << "the program itself waits for nothing";
}

TEST(Background, SingleBlocksMissWhatALongReadDoesNot) {
  host::HostSpec spec = HostBuilder().node(64_MiB).reader(7, 1_GiB, 400_KiB).build();
  const int64_t in_a_row = watch(spec, 5).counters[Vmstat::pgpgin];
  spec.background[0].sequential = false;
  EXPECT_EQ(watch(spec, 5).counters[Vmstat::pgpgin] % 4, 0);
  EXPECT_NE(watch(spec, 5).counters[Vmstat::pgpgin], in_a_row);
}

TEST(Background, WhoeverIsKilledReadsNoMore) {
  host::HostSpec spec =
      HostBuilder().node(64_MiB).process(50, "backup", 24_MiB, 900).reader(7, 1_GiB, 1_MiB, 50).build();
  Simulation s(spec, audited());
  Program p(s, 100);
  p.map(0, 12000);
  p.touch(0, 11000);
  for (int i = 0; i < 20; ++i) p.sleep(kSecond);
  p.exit();
  const Outcome outcome = s.finish();
  ASSERT_EQ(outcome.oom_kills.size(), 1u);
  EXPECT_EQ(outcome.oom_kills[0].victim.pid, 50);
  EXPECT_LT(outcome.counters[Vmstat::pgpgin], 2048) << "of 20 MiB";
}

TEST(Background, WhatItWaitsForInItsGroupIsPressureOfTheGroup) {
  host::HostSpec spec =
      HostBuilder().node(64_MiB).process(50, "backup", 1_MiB).reader(7, 1_GiB, 20_MiB, 50).limit(8_MiB).build();
  spec.cgroups = {spec.cgroup};
  spec.cgroups[0].procs = {50};
  const Outcome outcome = watch(spec, 10);
  ASSERT_EQ(outcome.groups.size(), 1u);
  EXPECT_GT(outcome.groups[0].pressure_some.total, Nanoseconds(0)) << "it reclaims in the group";
}

TEST(Background, EqualRunsAreEqual) {
  const host::HostSpec spec = HostBuilder()
                                  .node(64_MiB)
                                  .caches(1, 1000_pages, 100_pages, 30)
                                  .reader(7, 1_GiB, 10_MiB)
                                  .writer(8, 100_MiB, 5_MiB)
                                  .build();
  EXPECT_EQ(watch(spec, 5).digest, watch(spec, 5).digest);
}

TEST(Background, AFileHasTheNumberOfTheRecorderOrOneOfItsPath) {
  EXPECT_EQ(file_number("/a", 77), 77u);
  EXPECT_EQ(file_number("/a", 0), file_number("/a", 0));
  EXPECT_NE(file_number("/a", 0), file_number("/b", 0));
}

}  // namespace
}  // namespace oomcast::sim
