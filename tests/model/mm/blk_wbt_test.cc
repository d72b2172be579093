// Writeback throttling limits the writes that a disk holds: how the limits move, and who waits for what.
#include "model/mm/blk_wbt.h"

#include <gtest/gtest.h>

#include "model/mm/lru.h"
#include "model/mm/page_alloc.h"
#include "model/mm/swap.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

struct Wbt : testing::Test {
  explicit Wbt(host::KernelVersion kernel = {6, 1}) : m(spec(kernel), Kswapd::kAbsent) {}
  static host::HostSpec spec(host::KernelVersion kernel) {
    host::HostSpec out = HostBuilder().plain_node(20000_pages).swap(64_MiB).build();
    out.kernel = kernel;
    out.swaps[0].rotational = true;
    return out;
  }
  // Places that a task, or kswapd, gets before it is refused one.
  int places(ActorKind kind = ActorKind::kTask) {
    int got = 0;
    m.run([&] {
      m.k.sched.current().kind = kind;
      while (wbt_try_get(m.k, 0)) ++got;
    });
    return got;
  }
  void finish(int count, WbtQueue queue) {
    for (int i = 0; i < count; ++i) wbt_done(m.k, 0, true, queue, 1_ms);
  }
  // Windows of 100 ms in which writes end, one at a time.
  void write_for(int windows) {
    for (int window = 0; window < windows; ++window) {
      for (int i = 0; i < 4; ++i) {
        m.run([&] { ASSERT_TRUE(wbt_try_get(m.k, 0)); });
        m.pass(25_ms);
        finish(1, WbtQueue::kBackground);
      }
    }
  }
  Machine m;
};

struct Wbt612 : Wbt {
  Wbt612() : Wbt({6, 12}) {}
};

TEST_F(Wbt, ATaskMayHaveHalfTheDepthInFlightAndKswapdAllOfIt) {
  EXPECT_EQ(places(), 8);
  EXPECT_EQ(places(ActorKind::kKswapd), 16);
}

TEST_F(Wbt, ATaskMayHaveAQuarterWhileSomebodyReads) {
  m.pass(1_s);
  m.run([&] { wbt_note_read(m.k, 0); });
  EXPECT_EQ(places(), 4);
  EXPECT_EQ(places(ActorKind::kKswapd), 16);
}

TEST_F(Wbt612, WritesToSwapShareTheWholeDepthWhoeverWrites) {
  m.run([&] { wbt_note_read(m.k, 0); });
  EXPECT_EQ(places(), 16);
  EXPECT_EQ(places(ActorKind::kKswapd), 0);
}

TEST_F(Wbt, WhoeverIsRefusedWaitsUntilAllOfItsKindIsWritten) {
  ASSERT_EQ(places(), 8);
  bool through = false;
  const sim::FiberId waiter = m.begin([&] {
    wbt_wait(m.k, 0);
    through = true;
  });
  finish(7, WbtQueue::kBackground);
  m.pass(1_ms);
  EXPECT_FALSE(through) << "the write cache of the disk is let run dry first";
  finish(1, WbtQueue::kBackground);
  m.finish(waiter);
  EXPECT_TRUE(through);
  EXPECT_EQ(m.k.wbt[0].queue(WbtQueue::kBackground).inflight, 1);
}

TEST_F(Wbt, NobodyOvertakesThoseWhoWait) {
  ASSERT_EQ(places(), 8);
  m.begin([&] { wbt_wait(m.k, 0); });
  finish(1, WbtQueue::kBackground);
  EXPECT_EQ(places(), 0);
}

TEST_F(Wbt, ADyingTaskIsNotHeldUp) {
  ASSERT_EQ(places(), 8);
  m.run([&] {
    m.k.sched.current().dying = true;
    wbt_wait(m.k, 0);
  });
  EXPECT_EQ(m.k.wbt[0].queue(WbtQueue::kBackground).inflight, 9);
}

TEST_F(Wbt, DepthDoublesInEveryWindowWithWritesOnly) {
  write_for(1);
  EXPECT_EQ(places(ActorKind::kKswapd), 31);
}

TEST_F(Wbt, DepthEndsAtThreeQuartersOfTheQueue) {
  write_for(8);
  EXPECT_EQ(places(ActorKind::kKswapd), 192);
  EXPECT_EQ(places(), 96);
}

TEST_F(Wbt, ReadsThatTakeTooLongHalveTheDepth) {
  m.run([&] { ASSERT_TRUE(wbt_try_get(m.k, 0)); });
  wbt_done(m.k, 0, false, WbtQueue::kBackground, 80_ms);
  for (int i = 0; i < 3; ++i) {
    m.run([&] { ASSERT_TRUE(wbt_try_get(m.k, 0)); });
    finish(1, WbtQueue::kBackground);
  }
  m.pass(101_ms);
  EXPECT_EQ(places(ActorKind::kKswapd), 8);
}

TEST_F(Wbt, ReadsOfSeventyMillisecondsAreNotTooLongForADiskThatTurns) {
  m.run([&] { ASSERT_TRUE(wbt_try_get(m.k, 0)); });
  wbt_done(m.k, 0, false, WbtQueue::kBackground, 70_ms);
  for (int i = 0; i < 3; ++i) {
    m.run([&] { ASSERT_TRUE(wbt_try_get(m.k, 0)); });
    finish(1, WbtQueue::kBackground);
  }
  m.pass(101_ms);
  EXPECT_EQ(places(ActorKind::kKswapd), 31);
}

// What it is for: a reclaimer cannot write faster than the disk takes it.
TEST_F(Wbt, APlugWithMoreRequestsThanPlacesWaitsForTheDisk) {
  Nanoseconds took;
  m.run([&] {
    SwapPlug plug(m.k);
    for (int i = 0; i < 18; ++i) {
      const host::PageId page = new_page(m.k, alloc_page(m.k, kGfpHighUserMovable, 0), host::kPageSwapBacked);
      ASSERT_TRUE(add_to_swap(m.k, page));
      if (i % 2 == 0) swap_writepage(m.k, page);  // every other slot: nothing to merge
    }
    const Nanoseconds begin = m.k.sched.now();
    plug.flush();
    took = m.k.sched.now() - begin;
  });
  EXPECT_GE(took, 100_us) << "the ninth request goes out when the first eight are written";
  EXPECT_LT(took, 200_us);
}

}  // namespace
}  // namespace oomcast::mm
