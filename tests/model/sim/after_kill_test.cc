// What the program went on to hold after the model killed it: counted, and nothing else.
#include "model/sim/after_kill.h"

#include <gtest/gtest.h>

#include "model/sim/simulation.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"

namespace oomcast::sim {
namespace {

using support::HostBuilder;
using support::Program;
using namespace oomcast::literals;

/// A program in a group of 32 MiB that is killed when it touches the last of 10,000 pages, numbered from 0.
class AfterKillTest : public testing::Test {
 protected:
  void die() {
    p.map(0, 10000);
    p.touch(0, 10000);  // killed on the way
  }
  /// Its pages are numbered from 100,000.
  void map_shared(uint64_t file, uint64_t pages) { p.map_file(100000, pages, file, trace::kWritable); }
  Bytes whole_run_peak() {
    p.exit();
    const Outcome outcome = s.finish();
    EXPECT_GE(outcome.oom_kills.size(), 1u);
    return outcome.app.whole_run_peak;
  }
  Simulation s{HostBuilder().node(512_MiB).limit(32_MiB).build(), Options{}};
  Program p{s, 100};
};

Outcome run_in_group(Bytes limit, uint64_t pages) {
  Simulation s(HostBuilder().node(512_MiB).limit(limit).build(), Options{});
  Program p(s, 100);
  p.map(0, pages);
  p.touch(0, pages);
  p.exit();
  return s.finish();
}

TEST(AfterKill, TheNeedIsWhatTheProgramAndItsPageTablesGrewByOnceItWasKilled) {
  const Outcome killed = run_in_group(32_MiB, 20000);
  ASSERT_EQ(killed.oom_kills.size(), 1u);
  EXPECT_EQ(killed.app.whole_run_peak, to_bytes(20000_pages));
  EXPECT_LE(killed.app.footprint_peak, 32_MiB) << "on the target it was dead by then";
  ASSERT_TRUE(killed.need_after_kill.has_value());
  const Bytes anonymous = to_bytes(20000_pages) - killed.oom_kill->app_footprint;
  EXPECT_GT(*killed.need_after_kill, anonymous) << "page tables";
  EXPECT_LT(*killed.need_after_kill, anonymous + anonymous / 100);
}

TEST(AfterKill, WithThatMuchMoreItSurvivesAndWithAHundredthLessItDoesNot) {
  const Bytes need = run_in_group(32_MiB, 20000).need_after_kill.value();
  EXPECT_TRUE(run_in_group(32_MiB + need, 20000).oom_kills.empty());
  EXPECT_FALSE(run_in_group(32_MiB + need - need / 100, 20000).oom_kills.empty());
}

TEST_F(AfterKillTest, WhatItGaveBackIsNotNeededAndMemoryThatMovesIsCountedOnce) {
  die();
  p.give_back(0, 9000);
  p.map(100000, 9000);
  p.touch(100000, 5000);
  p.move(100000, 300000, 9000);
  p.touch(300000, 5000);
  p.unmap(300000, 9000);
  EXPECT_EQ(whole_run_peak(), to_bytes(10000_pages));
}

TEST_F(AfterKillTest, MemoryThatMovesDownwardsAcrossPageTablesKeepsItsPages) {
  die();
  p.move(701, 0, 9299);
  p.touch(0, 9299);
  EXPECT_EQ(whole_run_peak(), to_bytes(10000_pages));
}

TEST_F(AfterKillTest, AnEventThatNamesPetabytesEndsAndCountsNoMoreThanATebibyte) {
  constexpr uint64_t kPetabyte = uint64_t{1} << 38;
  die();
  p.window(kPetabyte).touch(0, kPetabyte);
  p.touch(0, kPetabyte);
  p.move(0, kPetabyte + 1, kPetabyte);
  p.unmap(0, 2 * kPetabyte);
  EXPECT_EQ(whole_run_peak(), to_bytes(Pages(AfterKill::kPagesMax)));
}

TEST_F(AfterKillTest, EveryVictimGoesOnToNeedWhatItHad) {
  Program first = p.fork(101), second = p.fork(102);
  for (Program* each : {&first, &second}) {
    each->map(0, 9000);
    each->touch(0, 9000);
  }
  for (Program* each : {&first, &second, &p}) each->exit();
  const Outcome outcome = s.finish();
  ASSERT_EQ(outcome.oom_kills.size(), 2u);
  EXPECT_EQ(outcome.app.whole_run_peak, to_bytes(18000_pages));
}

TEST_F(AfterKillTest, APageOfAFileOnDiskIsPageCacheAndNoNeed) {
  die();
  map_shared(7, 5000);
  p.touch(100000, 5000);
  EXPECT_EQ(whole_run_peak(), to_bytes(10000_pages));
}

TEST_F(AfterKillTest, AFileOnDiskThatWasMappedBeforeTheKillIsNoNeedEither) {
  p.map_file(100000, 5000, 7, trace::kWritable);
  die();
  p.move(100000, 200000, 5000);
  p.touch(200000, 5000);
  EXPECT_EQ(whole_run_peak(), to_bytes(10000_pages));
}

TEST_F(AfterKillTest, WhatAFileOnDiskGetsInAPrivateMappingIsTheVictims) {
  die();
  p.map_file(100000, 5000, 7, trace::kWritable | trace::kPrivate);
  p.touch(100000, 5000);
  EXPECT_EQ(whole_run_peak(), to_bytes(15000_pages));
}

TEST_F(AfterKillTest, SharedMemoryOfTheVictimAloneIsItsNeedBeforeAndAfterTheKill) {
  p.file_in_memory(7, trace::kNameless);
  p.map_file(100000, 5000, 7, trace::kWritable);
  p.touch(100000, 2000);
  die();
  p.touch(102000, 3000);
  p.give_back(100000, 5000);  // of a shared mapping: the file keeps its pages
  EXPECT_EQ(whole_run_peak(), to_bytes(15000_pages));
}

TEST(AfterKill, SharedMemoryThatIsKilledInTheMiddleOfATouchCountsWhole) {
  Simulation s(HostBuilder().node(512_MiB).limit(16_MiB).build(), Options{});
  Program p(s, 100);
  p.file_in_memory(7, trace::kNameless);
  p.map_file(100000, 10000, 7, trace::kWritable);
  p.window(10000).touch(100000, 10000);  // one event, and the host holds the first part of it
  p.exit();
  EXPECT_EQ(s.finish().app.whole_run_peak, to_bytes(10000_pages));
}

TEST_F(AfterKillTest, SharedMemoryThatIsMappedInPiecesCountsOnceAndWhole) {
  p.file_in_memory(7, trace::kNameless);
  p.map_file(100000, 3000, 7, trace::kWritable);
  p.map_file(200000, 3000, 7, trace::kWritable);
  p.touch(100000, 3000);
  p.unmap(101000, 1);
  die();
  p.sleep(1'000_ms);  // the host has freed all of it
  p.map(300000, 5000);
  p.touch(300000, 5000);
  EXPECT_EQ(whole_run_peak(), to_bytes(18000_pages));
}

TEST_F(AfterKillTest, WhatItGoesOnToWriteIntoAFileInMemoryIsNeededToo) {
  p.file_in_memory(7);
  p.write_file(7, 0, 10000);  // killed on the way, and what is written stays
  p.write_file(7, 5000, 10000);
  EXPECT_EQ(whole_run_peak(), to_bytes(15000_pages));
}

TEST_F(AfterKillTest, AFileWithoutANameCountsWholeThoughItIsMappedNowhere) {
  p.file_in_memory(7, trace::kNameless);
  p.write_file(7, 0, 5000);
  p.write_file(7, 5000, 5000);  // killed on the way
  p.sleep(1'000_ms);            // the host has freed all of it
  p.write_file(7, 10000, 2000);
  p.exit();
  Program next(s, 200);
  next.map(0, 1000);
  next.touch(0, 1000);
  next.exit();
  EXPECT_EQ(s.finish().app.whole_run_peak, to_bytes(12000_pages)) << "it has ended with its program";
}

TEST_F(AfterKillTest, WhatIsCutOffAFileInMemoryIsNotNeededAnyMore) {
  p.file_in_memory(7);
  p.write_file(7, 0, 10000);  // killed on the way
  p.write_file(7, 10000, 2000);
  p.truncate_file(7, 10000);
  p.write_file(7, 10000, 3000);
  EXPECT_EQ(whole_run_peak(), to_bytes(13000_pages));
}

TEST_F(AfterKillTest, WhatItAddsWhileItsMemoryIsFreedIsCountedToo) {
  die();
  p.sleep(6_ms);  // two milliseconds after the victim has begun to exit
  p.map(100000, 5000);
  p.touch(100000, 5000);
  p.exit();
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.app.whole_run_peak, to_bytes(15000_pages));
}

TEST(AfterKill, WhatTheHostHoldsOfSharedMemoryIsNotCountedASecondTime) {
  Simulation s(HostBuilder().node(512_MiB).limit(64_MiB).build(), Options{});
  Program p(s, 100);
  p.file_in_memory(7, trace::kNameless);
  p.map_file(100000, 5000, 7, trace::kWritable);
  p.touch(100000, 5000);
  Program child = p.fork(101);
  child.map(0, 20000);
  child.touch(0, 20000);  // killed on the way
  child.touch(100000, 5000);
  child.exit();
  p.exit();
  const Outcome outcome = s.finish();
  ASSERT_EQ(outcome.oom_kills.size(), 1u);
  EXPECT_EQ(outcome.oom_kills[0].victim.pid, 101);
  EXPECT_EQ(outcome.app.whole_run_peak, to_bytes(25000_pages));
}

TEST(AfterKill, ARunWithoutAKillNeedsNothingMore) {
  const Outcome outcome = run_in_group(128_MiB, 20000);
  EXPECT_FALSE(outcome.need_after_kill.has_value());
  EXPECT_EQ(outcome.app.whole_run_peak, outcome.app.footprint_peak);
}

}  // namespace
}  // namespace oomcast::sim
