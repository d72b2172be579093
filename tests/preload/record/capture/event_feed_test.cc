// Events go to the sink with their time and their site, and what the sink asks for is armed.
#include "preload/record/capture/event_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "preload/record/kernel/pages.h"
#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kHeap = 0x10'0000'0000;

class EventFeedTest : public testing::Test {
 protected:
  EventFeedTest() : process(table.add_process()), channel(new FakeChannel) {
    process.fault_fd = OptionalChannel(std::unique_ptr<FaultChannel>(channel));
  }
  FedTable table;
  Process& process;
  FakeChannel* channel;  // the process owns it
};

TEST_F(EventFeedTest, AnEventHasTheTimeOfTheClockAndThePid) {
  table.clocks.now = 42;
  table.feed.report(process, EventKind::kUnmap, kHeap, kPage);
  ASSERT_EQ(table.sink.events.size(), 1u);
  EXPECT_EQ(table.sink.events[0].time_ns, 42u);
  EXPECT_EQ(table.sink.events[0].pid, process.pid);
  EXPECT_EQ(table.sink.events[0].tid, process.pid);
  EXPECT_EQ(table.feed.events(), 1u);
}

TEST_F(EventFeedTest, ATouchIsFedInAPieceForEachSite) {
  process.sampled[kHeap + kPage] = {kHeap + 3 * kPage, 7, true, SiteKind::kMmap};
  table.feed.report(process, EventKind::kTouch, kHeap, 4 * kPage, 0, trace::kWrite);
  std::vector<std::pair<uint64_t, uint32_t>> pieces;
  for (const trace::Event& event : table.sink.events) pieces.emplace_back(event.bytes / kPage, event.stack_id);
  EXPECT_THAT(pieces, ElementsAre(std::pair(1u, 0u), std::pair(2u, 7u), std::pair(1u, 0u)));
}

TEST_F(EventFeedTest, AWatchIsArmedOnPagesThatAreTouchedAndOnNoOthers) {
  process.pages.touch(kHeap, kHeap + 2 * kPage);
  table.sink.watch_writes = true;
  table.feed.report(process, EventKind::kTouch, kHeap, 3 * kPage, 0, trace::kWrite);
  EXPECT_TRUE(table.feed.has_watches());
  table.feed.arm_watches();
  EXPECT_FALSE(table.feed.has_watches());
  EXPECT_THAT(channel->armed, ElementsAre(kHeap, kHeap + kPage));
  EXPECT_TRUE(process.pages.test(PageBit::kWatched, kHeap));
  EXPECT_FALSE(process.pages.test(PageBit::kWatched, kHeap + 2 * kPage));
  EXPECT_TRUE(table.notes.armed_watches);
}

TEST_F(EventFeedTest, ARunThatCannotBeArmedAsAWholeIsArmedPageByPage) {
  process.pages.touch(kHeap, kHeap + 3 * kPage);
  channel->mapped_end = kHeap + 2 * kPage;
  table.sink.watch_writes = true;
  table.feed.report(process, EventKind::kTouch, kHeap, 3 * kPage, 0, trace::kWrite);
  table.feed.arm_watches();
  EXPECT_THAT(channel->armed, ElementsAre(kHeap, kHeap + kPage));
  EXPECT_FALSE(process.pages.test(PageBit::kWatched, kHeap + 2 * kPage)) << "its use will not be seen";
}

TEST_F(EventFeedTest, APageWithTheControlBlockOfAThreadIsNeverArmed) {
  uint64_t head = 0;
  size_t bytes = 0;
  ASSERT_EQ(::syscall(SYS_get_robust_list, 0, &head, &bytes), 0);
  const uint64_t page = page_down(head);
  process.pages.touch(page, page + kPage);
  table.sink.watch_writes = true;
  table.feed.report(process, EventKind::kTouch, page, kPage, 0, trace::kWrite);
  table.feed.arm_watches();
  EXPECT_THAT(channel->armed, IsEmpty()) << "the kernel clears the thread's number there and does not wait";
  EXPECT_FALSE(process.pages.test(PageBit::kWatched, page));
}

TEST_F(EventFeedTest, NothingIsArmedWhileAThreadsControlBlockIsNotKnown) {
  process.control_blocks = ControlBlocks({[](uint32_t) { return std::nullopt; }, [] { return 1; }});
  process.pages.touch(kHeap, kHeap + kPage);
  table.sink.watch_writes = true;
  table.feed.report(process, EventKind::kTouch, kHeap, kPage, 0, trace::kWrite);
  table.feed.arm_watches();
  EXPECT_THAT(channel->armed, IsEmpty());
  EXPECT_FALSE(table.feed.has_watches());
}

TEST_F(EventFeedTest, NothingIsArmedInAProcessWithRobustMutexes) {
  process.shared = std::make_unique<SharedMapping>(
      ::mmap(nullptr, sizeof(ring::SharedArea), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  (*process.shared)->robust_mutexes.store(1);
  process.pages.touch(kHeap, kHeap + kPage);
  table.sink.watch_writes = true;
  table.feed.report(process, EventKind::kTouch, kHeap, kPage, 0, trace::kWrite);
  table.feed.arm_watches();
  EXPECT_THAT(channel->armed, IsEmpty());
  EXPECT_TRUE(table.notes.robust_mutexes);
}

TEST_F(EventFeedTest, WatchesOfAProcessThatHasGoneAreForgotten) {
  process.pages.touch(kHeap, kHeap + kPage);
  table.sink.watch_writes = true;
  table.feed.report(process, EventKind::kTouch, kHeap, kPage, 0, trace::kWrite);
  table.processes.erase(process.pid);
  table.feed.arm_watches();
  EXPECT_FALSE(table.feed.has_watches());
}

}  // namespace
}  // namespace oomcast::record
