// How wide a window may be, where it ends, and which of its pages count.
#include "preload/record/capture/windows.h"

#include <gmock/gmock.h>

#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class WindowsTest : public RoomsTest {
 protected:
  WindowsTest() : fake(add_held()), process(fake.process), memory(fake.memory), channel(fake.channel) {
    add_area(0, 8192);
    auto added = std::make_unique<Task>(static_cast<pid_t>(process.pid), 7u, clocks.now);
    task = (process.tasks[7] = std::move(added)).get();
  }

  void add_area(uint64_t first, uint64_t last, bool writable = true) {
    Area area;
    area.start = at_page(first);
    area.end = at_page(last);
    area.anonymous = area.registered = area.reported = true;
    area.writable = writable;
    process.map.insert(area);
  }
  /// The window of a first write, filled as WindowFiller fills it.
  Window fault(uint64_t page, Fresh fresh = Fresh::kMissing) {
    clocks.now += 1000;
    const Window window = rooms.windows.window_for(process, *task, at_page(page), fresh);
    // The walk has touched the prefilled pages up to this fault.
    for (uint64_t at = window.walk->prefilled_start; at < window.walk->prefilled_end; at += kPage)
      process.pages.touch(at);
    for (uint64_t at = window.start; at < window.end; at += kPage) process.pages.become(PageBit::kPrefilled, at);
    process.pages.touch(at_page(page));
    Walk& walk = *window.walk;
    walk.walked_pages += window.pages();
    walk.next = window.down ? 0 : window.end;
    walk.below = window.down || walk.steps == 1 ? window.start - kPage : 0;
    walk.prefilled_start = window.down ? window.start : at_page(page) + kPage;
    walk.prefilled_end = window.down ? at_page(page) : window.end;
    return window;
  }
  /// Faults at the end of each window, until the walk has gone over `pages`. Returns the widths of the windows.
  std::vector<uint64_t> walk_up(uint64_t from, uint64_t pages) {
    std::vector<uint64_t> widths;
    for (uint64_t page = from; page < from + pages; page += widths.back()) widths.push_back(fault(page).pages());
    return widths;
  }

  FakeProcess fake;
  Process& process;
  FakeMemory& memory;
  FakeChannel& channel;
  Task* task = nullptr;
};

TEST_F(WindowsTest, AWindowDoublesWithEachStepOfAWalk) {
  const std::vector<uint64_t> widths = walk_up(0, 127);
  EXPECT_THAT(widths, ElementsAre(1, 1, 2, 4, 8, 16, 32, 64));
}

TEST_F(WindowsTest, AWindowBeyondSixtyFourPagesHasToBeEarned) {
  for (uint64_t page = 0, walked = 0; page < 4000; walked = page) {
    const uint64_t width = fault(page).pages();
    EXPECT_LE(width, std::max<uint64_t>(64, walked / 8)) << "after " << walked << " pages";
    page += width;
  }
}

TEST_F(WindowsTest, NoWindowIsWiderThanTwoMebibytes) {
  uint64_t widest = 0;
  for (uint64_t page = 0; page < 8000;) {
    const uint64_t width = fault(page).pages();
    widest = std::max(widest, width);
    page += width;
  }
  EXPECT_EQ(widest, 512u);
}

TEST_F(WindowsTest, NoWindowIsWiderThanAnEighthOfTheHeadroom) {
  sink.headroom = 80;
  for (const uint64_t width : walk_up(0, 500)) EXPECT_LE(width, 10u);
  sink.headroom = 7;
  EXPECT_EQ(fault(1000).pages(), 1u);
}

TEST_F(WindowsTest, AWalkDownwardsIsFilledDownwards) {
  fault(1000);
  EXPECT_EQ(fault(999).pages(), 1u);
  const Window third = fault(998);
  EXPECT_TRUE(third.down);
  EXPECT_EQ(third.start, at_page(997));
  EXPECT_EQ(third.end, at_page(999));
}

TEST_F(WindowsTest, TwelveWalksAreFollowedAtOnceAndTheOldestMakesRoom) {
  for (uint64_t page = 0; page < 4; ++page)
    for (uint64_t walk = 0; walk < 12; ++walk) {
      const uint64_t at = walk * 600 + (page == 3 ? 4 : page);
      EXPECT_EQ(fault(at).pages(), page < 2 ? 1u : page == 2 ? 2u : 4u) << "walk " << walk << ", page " << at;
    }
  fault(7900);  // a thirteenth: the walk of page 0 is the oldest one
  EXPECT_EQ(fault(8).walk->steps, 1u) << "the walk begins anew";
}

TEST_F(WindowsTest, AWindowEndsBeforeAPageThatIsThere) {
  walk_up(0, 63);
  process.pages.touch(at_page(70));
  const Window window = fault(64);
  EXPECT_EQ(window.end, at_page(70));
  EXPECT_TRUE(window.sentinel) << "no fault would come behind it";
}

TEST_F(WindowsTest, AWindowEndsWithTheMappingAndNeedsASentinelThere) {
  walk_up(8192 - 100, 64);
  const Window last = fault(8192 - 36);
  EXPECT_EQ(last.end, at_page(8192));
  EXPECT_TRUE(last.sentinel);
}

TEST_F(WindowsTest, BehindTheHeapsEndTheLibraryAsksAndNoSentinelIsNeeded) {
  process.heap.end = at_page(8192);
  walk_up(8192 - 100, 64);
  EXPECT_FALSE(fault(8192 - 36).sentinel);
}

TEST_F(WindowsTest, AnArenaThatEndsAtItsReserveNeedsNoSentinel) {
  add_area(8192, 9000, false);
  walk_up(8192 - 100, 64);
  EXPECT_FALSE(fault(8192 - 36).sentinel);
}

TEST_F(WindowsTest, AWindowEndsWithALargeAllocation) {
  process.sampled[at_page(0)] = {at_page(100) - 16, 1, true, SiteKind::kHeap};
  process.sampled[at_page(0)].end = at_page(100);
  walk_up(0, 64);
  const Window window = fault(64);
  EXPECT_EQ(window.end, at_page(100));
  EXPECT_TRUE(window.sentinel);
}

TEST_F(WindowsTest, AWalkBehindTouchedMemoryBeginsAsFarAsTheLastOnesCame) {
  walk_up(0, 200);
  clocks.now += 1'000'000'000;
  memory.touch(at_page(0), 300);  // all that was filled has been written
  rooms.windows.close_stalled(process, 100'000'000);
  ASSERT_GT(task->first_window_pages, 1u);
  process.pages.touch(at_page(4999));
  EXPECT_EQ(fault(5000).pages(), task->first_window_pages);
  EXPECT_EQ(fault(6000).pages(), 1u) << "one touch alone says nothing";
}

TEST_F(WindowsTest, AWalkThatStopsEarlyMakesTheNextOneBeginNarrower) {
  task->first_window_pages = 64;
  process.pages.touch(at_page(4999));
  const Window window = fault(5000);
  ASSERT_EQ(window.pages(), 64u);
  window.walk->walked_pages = 1;  // one page was used
  memory.touch(at_page(5000), 64, {.has_content = false});
  rooms.windows.end_walk(process, *task, *window.walk);
  EXPECT_EQ(task->first_window_pages, 16u);
}

TEST_F(WindowsTest, AStalledWalkCountsPagesWithContentAndArmsTheOthers) {
  walk_up(0, 32);
  Walk& walk = task->walks[0];
  ASSERT_EQ(walk.prefilled_end - walk.prefilled_start, 15 * kPage);
  const uint64_t first = (walk.prefilled_start - kStart) / kPage;
  memory.touch(walk.prefilled_start, 15, {.has_content = false});
  memory.touch(walk.prefilled_start, 4);
  sink.events.clear();
  clocks.now += 100'000'000;
  rooms.windows.close_stalled(process, 100'000'000);
  EXPECT_THAT(written(process), ElementsAre(first, first + 1, first + 2, first + 3));
  EXPECT_EQ(process.pages.count(PageBit::kPrefilledArmed), 11u);
  EXPECT_EQ(process.pages.count(PageBit::kPrefilled), 0u);
  EXPECT_FALSE(channel.armed.contains(at_page(first + 3)));
  EXPECT_TRUE(channel.armed.contains(at_page(first + 4)));
}

TEST_F(WindowsTest, AWalkThatGoesOnIsNotStalled) {
  walk_up(0, 32);
  clocks.now += 99'999'999;
  rooms.windows.close_stalled(process, 100'000'000);
  EXPECT_EQ(process.pages.count(PageBit::kPrefilledArmed), 0u);
}

/// As Python fills its arenas: the piece at the end, too small for a pool, is never written.
TEST_F(WindowsTest, WalksThatRestAreCountedBeforeManyOfThemAreOpen) {
  task->first_window_pages = 256;
  for (uint64_t arena = 0; arena < 10; ++arena) {
    const uint64_t first = arena * 300;
    fault(first);
    fault(first + 1);
    memory.touch(at_page(first), 256, {.has_content = false});
    memory.touch(at_page(first), 253);
    clocks.now += 5'000'000;
  }
  EXPECT_GT(process.pages.count(PageBit::kTouched), 9 * 253u);
  EXPECT_LE(process.pages.count(PageBit::kPrefilled), 256u);
}

TEST_F(WindowsTest, WalksOfThreadsThatRunSideBySideStayOpen) {
  task->first_window_pages = 256;
  for (uint64_t walk = 0; walk < 10; ++walk) {
    fault(walk * 300);
    fault(walk * 300 + 1);
    memory.touch(at_page(walk * 300), 256);
    clocks.now += 100'000;
  }
  EXPECT_EQ(process.pages.count(PageBit::kTouched), 20u);
}

TEST_F(WindowsTest, HowWideTheWalkThatGoesOnIsClosesNoOther) {
  walk_up(0, 32);
  memory.touch(at_page(0), 32);
  clocks.now += 5'000'000;
  task->first_window_pages = 256;
  fault(300);
  ASSERT_EQ(fault(301).pages(), 256u);
  fault(301 + 256);
  EXPECT_EQ(task->walks[0].prefilled_pages(), 15u);
}

/// Three walks of 255 pages each that have not been proven, and rest.
class WalksThatRest : public WindowsTest {
 protected:
  WalksThatRest() {
    task->first_window_pages = 256;
    for (uint64_t first = 0; first < 900; first += 300) {
      fault(first);
      fault(first + 1);
      memory.touch(at_page(first), 257);
    }
    clocks.now += 5'000'000;
    sink.events.clear();
  }
};

TEST_F(WalksThatRest, AreNotAllGivenUpWhereTheKernelLetsNoneClose) {
  channel.refusals.assign(8, FaultResult::kRetry);
  fault(3000);
  fault(4000);
  EXPECT_THAT(process.held.unclosed, SizeIs(1)) << "the count cannot fall: the others go on";
  EXPECT_THAT(written(process), IsEmpty());
}

TEST_F(WalksThatRest, StayOpenWhereNoWriteCanBeProtected) {
  channel.protects_writes = false;
  fault(3000);
  uint64_t open = 0;
  for (const Walk& walk : task->walks) open += walk.prefilled_pages();
  EXPECT_EQ(open, 3 * 255u);
}

TEST_F(WindowsTest, AHoleOfEightPagesWithoutContentHasNotBeenWritten) {
  walk_up(0, 64);
  Walk& walk = task->walks[0];
  const uint64_t first = (walk.prefilled_start - kStart) / kPage;
  memory.touch(walk.prefilled_start, 31, {.has_content = false});
  memory.touch(at_page(first + 0), 1);
  memory.touch(at_page(first + 8), 1);   // seven pages of zeroes lie between: gone over
  memory.touch(at_page(first + 17), 1);  // eight: not
  sink.events.clear();
  rooms.windows.close_walk(process, walk);
  const std::vector<uint64_t> counted = written(process);
  EXPECT_EQ(counted.size(), 10u);
  EXPECT_EQ(counted.front(), first);
  EXPECT_EQ(counted.back(), first + 17);
}

TEST_F(WindowsTest, ZeroPagesAreArmedAndTheirWritesFound) {
  memory.touch(at_page(0), 4, {.kind = FakePageKind::kZero});
  EXPECT_THAT(rooms.windows.arm_zeroes(process, at_page(0), at_page(8)), ElementsAre(Pair(at_page(0), at_page(4))));
  EXPECT_EQ(process.pages.count(PageBit::kZero), 4u);
  EXPECT_TRUE(channel.armed.contains(at_page(3)));
}

TEST_F(WindowsTest, ZeroPagesThatAWalkHasWrittenAreCountedAndTheOthersArmedAgain) {
  for (uint64_t page = 0; page < 8; ++page) process.pages.become(PageBit::kPrefilled, at_page(page));
  memory.touch(at_page(0), 5);
  memory.touch(at_page(5), 3, {.kind = FakePageKind::kZero});
  EXPECT_EQ(rooms.windows.settle_zeroes(process, task, at_page(0), at_page(8)), 5u);
  EXPECT_THAT(written(process), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(process.pages.count(PageBit::kZero), 3u);
}

TEST_F(WindowsTest, WhereTheKernelCannotTellNoZeroPageIsTakenAsWritten) {
  for (uint64_t page = 0; page < 8; ++page) process.pages.become(PageBit::kPrefilled, at_page(page));
  memory.touch(at_page(0), 8);
  memory.answers_to = at_page(3);
  EXPECT_EQ(rooms.windows.settle_zeroes(process, task, at_page(0), at_page(8)), 3u);
}

TEST_F(WindowsTest, AGrownHeapIsFilledWhereAWalkHasReachedItsEnd) {
  walk_up(0, 64);
  const uint64_t end = (task->walks[0].next - kStart) / kPage;
  rooms.windows.continue_at_break(process, *task, at_page(end), at_page(end + 33));
  EXPECT_EQ(channel.there.size(), 33u);
  EXPECT_TRUE(process.pages.test(PageBit::kPrefilled, at_page(end + 32)));
  EXPECT_EQ(task->walks[0].next, at_page(end + 33));
}

TEST_F(WindowsTest, AGrownHeapIsLeftAloneWhereNoWalkComesFromBelow) {
  walk_up(0, 64);
  rooms.windows.continue_at_break(process, *task, at_page(500), at_page(533));
  EXPECT_THAT(channel.there, IsEmpty());
}

TEST_F(WindowsTest, BeforeTheHeapGrowsAWalkHasTouchedUpToItsLastContent) {
  walk_up(0, 64);
  Walk& walk = task->walks[0];
  const uint64_t first = (walk.prefilled_start - kStart) / kPage;
  memory.touch(walk.prefilled_start, 31, {.has_content = false});
  memory.touch(at_page(first + 9), 1);
  sink.events.clear();
  rooms.windows.report_walked_to_break(process, *task, walk.next);
  EXPECT_EQ(written(process).size(), 10u) << "zeroes below content have been gone over";
  EXPECT_EQ(walk.prefilled_start, at_page(first + 10));
}

TEST_F(WindowsTest, AnUnknownPageIsLookedUpFirst) {
  memory.map(at_page(20'000), 16);
  const Window window = rooms.windows.window_for(process, *task, at_page(20'000), Fresh::kMissing);
  EXPECT_EQ(window.pages(), 1u);
  EXPECT_THAT(ranges(EventKind::kMap), ElementsAre(Pair(at_page(20'000), at_page(20'016))));
}

}  // namespace
}  // namespace oomcast::record
