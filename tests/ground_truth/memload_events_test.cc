// The events are those that a perfect capture of memload would deliver, in its order.
#include "tests/ground_truth/memload_events.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace oomcast::ground_truth {
namespace {

using trace::Event;
using trace::EventKind;

std::vector<Event> events_of(const char* command) {
  const auto script = parse_script(command);
  EXPECT_TRUE(script.ok()) << command;
  return play(script.value(), Timing{.page_touch_ps = 34800, .page_fault_ns = 1000});
}

std::vector<Event> only(const std::vector<Event>& events, EventKind kind) {
  std::vector<Event> kept;
  std::copy_if(events.begin(), events.end(), std::back_inserter(kept), [&](const Event& e) { return e.kind == kind; });
  return kept;
}

size_t count(const std::vector<Event>& events, EventKind kind) { return only(events, kind).size(); }

/// Touches of an idle memload: image, stack and the first heap page.
size_t idle_touches() { return count(events_of("memload wait"), EventKind::kTouch); }

TEST(Player, StartsNamesAndEndsTheProcess) {
  const auto events = events_of("memload wait");
  EXPECT_EQ(events[0].kind, EventKind::kProcessStart);
  EXPECT_EQ(events[1].kind, EventKind::kComm);
  EXPECT_EQ(events.back().kind, EventKind::kExit);
  EXPECT_EQ(events.back().address, 0u);
  EXPECT_EQ(idle_touches(), 7u) << "28 KiB beside the regions, as on the real kernel";
}

TEST(Player, TheLockOfARegionComesBeforeItsPagesAreFaultedIn) {
  const auto events = events_of("memload anon:0:40K lock:0 w:0 unlock:0");
  const auto locks = only(events, EventKind::kLock);
  ASSERT_EQ(locks.size(), 2u);
  EXPECT_EQ(locks[0].bytes, 40960u);
  EXPECT_EQ(locks[0].flags, trace::kLocked);
  EXPECT_EQ(locks[1].flags, 0);
  const auto at = std::find_if(events.begin(), events.end(), [](const Event& e) { return e.kind == EventKind::kLock; });
  EXPECT_EQ(std::count_if(at, events.end(), [](const Event& e) { return e.kind == EventKind::kTouch; }), 10)
      << "by the lock, and not once more by the writes";
}

// Its blocks lie anywhere in the heap: there is no range to lock, and mlock() fails.
TEST(Player, AHeapRegionCannotBeLocked) {
  const auto events = events_of("memload heap:0:40K:4K lock:0 unlock:0");
  EXPECT_TRUE(only(events, EventKind::kLock).empty());
  EXPECT_EQ(events.size(), events_of("memload heap:0:40K:4K").size()) << "nothing is touched either";
}

TEST(Player, AfterLockallWhatIsMappedIsFaultedInAtOnce) {
  const auto events = events_of("memload anon:1:40K lockall anon:0:80K w:0");
  EXPECT_EQ(only(events, EventKind::kLockAll).at(0).flags, trace::kLockCurrent | trace::kLockFuture);
  const auto last_map =
      std::find_if(events.rbegin(), events.rend(), [](const Event& e) { return e.kind == EventKind::kMap; }).base();
  const auto is_touch = [](const Event& e) { return e.kind == EventKind::kTouch; };
  EXPECT_EQ(std::count_if(last_map, events.end(), is_touch), 20);
  EXPECT_GE(std::count_if(events.begin(), last_map, is_touch), 10 + 33) << "the region and the stack of 132 KiB";
}

TEST(Player, TextThatComesFromADiskIsReadAtTheStartAndWhereTheKernelDroppedIt) {
  const auto script = parse_script("memload anon:0:8K w:0");
  std::vector<Event> events;
  Player player(
      script.value(), {}, [&](const Event& event) { events.push_back(event); }, {}, {}, true);
  const auto maps = only(events, EventKind::kMap);
  ASSERT_FALSE(maps.empty());
  const uint64_t text = maps[0].address;
  EXPECT_EQ(maps[0].flags, trace::kPrivate | trace::kExecutable);
  const auto in_text = [&](const Event& event) {
    return (event.kind == EventKind::kTouch || event.kind == EventKind::kReference) &&
           event.address - text < maps[0].bytes;
  };
  EXPECT_EQ(std::count_if(events.begin(), events.end(), in_text), 11) << "two pages in each 64 KiB that a fault maps";
  events.clear();
  player.advance();
  ASSERT_TRUE(in_text(events.front())) << "it runs";
  const uint64_t loops = events.front().address;
  events.clear();
  player.advance();
  EXPECT_FALSE(in_text(events.front()));
  player.watch(Player::kRootPid, loops);
  events.clear();
  player.advance();
  EXPECT_EQ(events.front().address, loops);
  EXPECT_EQ(count(events_of("memload wait"), EventKind::kMapFile), 0u) << "a root in memory";
}

TEST(Player, FirstPassTouchesAndLaterPassesRefer) {
  const auto events = events_of("memload anon:0:1M w:0 loop:2:0:0:50");
  EXPECT_EQ(count(events, EventKind::kTouch), idle_touches() + 256);
  const auto references = only(events, EventKind::kReference);
  ASSERT_GE(references.size(), 256u);
  EXPECT_EQ(references.size() - count(events_of("memload wait"), EventKind::kReference), 2u * 128);
  EXPECT_EQ(references.back().flags & trace::kWrite, trace::kWrite);
  uint64_t compute = 0;
  for (const Event& event : references) compute += event.compute_ns;
  EXPECT_NEAR(static_cast<double>(compute), 34.8 * 256, 2.0) << "fractions of a nanosecond are carried over";
}

TEST(Player, SharedMemoryIsAFileInMemoryThatLosesItsNameOnceItIsMapped) {
  const auto events = events_of("memload shm:0:1M w:0");
  const auto files = only(events, EventKind::kFileInMemory);
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].flags, 0);
  EXPECT_EQ(files[1].flags, trace::kNameless);
  const auto mapped = only(events, EventKind::kMapFile);
  ASSERT_EQ(mapped.size(), 1u);
  EXPECT_EQ(mapped[0].bytes, files[0].address);
  EXPECT_EQ(count(events, EventKind::kTouch), idle_touches() + 256);
  EXPECT_EQ(count(events_of("memload shm:0:1M w:0 free:0"), EventKind::kFileTruncate), 1u);
}

TEST(Player, ZipfAfterAFullPassOnlyRefers) {
  const auto events = events_of("memload anon:0:2M w:0 zipf:0:1000:1");
  const auto touches = only(events, EventKind::kTouch), references = only(events, EventKind::kReference);
  EXPECT_EQ(touches.size(), idle_touches() + 512);
  const uint64_t start = touches[idle_touches()].address;
  MemloadRandom random(1);
  for (size_t i = references.size() - 1000; i < references.size(); ++i) {
    ASSERT_EQ(references[i].address, start + random.zipf_page(512) * 4096) << i;
  }
}

TEST(Player, AReadOfAFreshPageIsAReadTouchAndItsFirstWriteAnother) {
  const auto events = events_of("memload anon:0:4K r:0 w:0");
  const auto touches = only(events, EventKind::kTouch);
  ASSERT_EQ(touches.size(), idle_touches() + 2);
  EXPECT_EQ(touches[touches.size() - 2].flags & trace::kWrite, 0);
  EXPECT_EQ(touches.back().flags & trace::kWrite, trace::kWrite);
}

TEST(Player, DontneedAndFreeMakePagesFreshAgain) {
  const auto events = events_of("memload anon:0:1M w:0 dontneed:0 w:0 free:0");
  EXPECT_EQ(count(events, EventKind::kTouch), idle_touches() + 512);
  EXPECT_EQ(only(events, EventKind::kAdviseDontneed).at(0).bytes, 1u << 20);
  EXPECT_EQ(only(events, EventKind::kUnmap).at(0).bytes, 1u << 20);
}

TEST(Player, APunchTakesTheSamePagesOutOfEachTwoMegabytes) {
  const auto events = events_of("memload anon:0:8M huge:0 w:0 punch:0:64:512 w:0");
  std::vector<uint64_t> holes;
  for (const Event& event : events) {
    if (event.kind != EventKind::kAdviseDontneed) continue;
    EXPECT_EQ(event.bytes, 448u * 4096);
    EXPECT_EQ(event.address % (512 * 4096), 64u * 4096);
    holes.push_back(event.address);
  }
  EXPECT_EQ(holes.size(), 3u) << "8 MiB that do not begin with a huge page hold three";
  const auto advice = std::find_if(events.begin(), events.end(),
                                   [](const Event& event) { return event.kind == EventKind::kAdviseHuge; });
  ASSERT_NE(advice, events.end());
  EXPECT_EQ(advice->bytes, 8u << 20);
  EXPECT_EQ(advice->flags, trace::kHugePages);
}

TEST(Player, SleepIsAWaitAndRateSpreadsTheWrites) {
  const auto slept = only(events_of("memload sleep:250"), EventKind::kClock);
  ASSERT_EQ(slept.size(), 1u);
  EXPECT_EQ(slept[0].wait_ns, 250'000'000u);

  uint64_t waited = 0;
  for (const Event& event : events_of("memload rate:10 anon:0:5M w:0")) waited += event.wait_ns;
  EXPECT_NEAR(static_cast<double>(waited), 0.5e9, 0.02e9);
}

TEST(Player, FileStepsGoThroughA64KiBBuffer) {
  const auto events = events_of("memload fw:/data/f:200K fr:/data/f fm:/data/f fr:/nowhere");
  const auto writes = only(events, EventKind::kFileWrite), reads = only(events, EventKind::kFileRead);
  ASSERT_EQ(writes.size(), 4u);
  EXPECT_EQ(writes[3].argument, 3u << 16);
  EXPECT_EQ(writes[3].bytes, 200u * 1024 - (3u << 16));
  EXPECT_EQ(reads.size(), 4u);
  EXPECT_EQ(reads[0].address, writes[0].address);
  EXPECT_EQ(count(events, EventKind::kTouch), idle_touches() + 2 * 16 + 50)
      << "the buffers, and each page of the mapped file";
}

TEST(Player, AFileThatIsThereAlreadyIsReadByItsPlaceInTheList) {
  const Script script = parse_script("memload fr:/data/b").value();
  std::vector<Event> events;
  Player player(script, Timing{}, [&](const Event& event) { events.push_back(event); }, {},
                {{"/data/a", 4096}, {"/data/b", 100 << 10}});
  while (player.advance()) {
  }
  const auto reads = only(events, EventKind::kFileRead);
  ASSERT_EQ(reads.size(), 2u);
  EXPECT_EQ(reads[0].address, 2u);
  EXPECT_EQ(reads[1].bytes, 36u << 10);
}

TEST(Player, AForkedChildSharesPagesUntilItWrites) {
  const auto events = events_of("memload anon:0:1M w:0 fork:w:0:0:50 wait adj:-5");
  const auto touches = only(events, EventKind::kTouch);
  EXPECT_EQ(touches.size(), idle_touches() + 256 + 128);
  EXPECT_EQ(touches.back().pid, Player::kRootPid + 1);
  const auto exits = only(events, EventKind::kExit);
  ASSERT_EQ(exits.size(), 2u);
  EXPECT_EQ(exits[0].pid, Player::kRootPid + 1);
  const auto adj = only(events, EventKind::kOomScoreAdj);
  ASSERT_EQ(adj.size(), 1u);
  EXPECT_EQ(static_cast<int64_t>(adj[0].address), -5);
}

TEST(Player, AKilledProcessDoesNothingMore) {
  const auto script = parse_script("memload anon:0:1M w:0");
  std::vector<Event> events;
  Player player(script.value(), Timing{}, [&](const Event& event) { events.push_back(event); });
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(player.advance());
  player.kill(Player::kRootPid);
  EXPECT_FALSE(player.advance());
  EXPECT_EQ(events.back().kind, EventKind::kExit);
  EXPECT_EQ(events.back().flags & trace::kExitBySignal, trace::kExitBySignal);
  EXPECT_EQ(events.back().address, 9u);
}

}  // namespace
}  // namespace oomcast::ground_truth
