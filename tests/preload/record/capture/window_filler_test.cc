// What a fault makes known and how it is answered, over a kernel of the test's own.
#include "preload/record/capture/window_filler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

// Where the program of the test has nothing mapped.
constexpr uint64_t kStart = 0x10'0000'0000, kEnd = kStart + 4096 * kPage;
constexpr uint64_t at_page(uint64_t number) { return kStart + number * kPage; }

class WindowFillerTest : public testing::Test {
 protected:
  WindowFillerTest() : process(table.add_process()), channel(new FakeChannel) {
    mappings.count_pages_with(poller);
    process.tracker = TrackerKind::kUserfaultfd;
    process.exact = true;
    process.fault_fd = OptionalChannel(std::unique_ptr<FaultChannel>(channel));
    Area area;
    area.start = kStart;
    area.end = kEnd;
    area.writable = area.anonymous = area.registered = area.reported = true;
    process.map.insert(area);
  }

  void fault(uint64_t page, uint64_t flags) {
    uffd_msg message{};
    message.event = UFFD_EVENT_PAGEFAULT;
    message.arg.pagefault.address = page;
    message.arg.pagefault.flags = flags;
    message.arg.pagefault.feat.ptid = static_cast<uint32_t>(::syscall(SYS_gettid));
    table.clocks.now += 1000;
    filler.take_fault(process, message, false);
    table.feed.arm_watches();
  }
  void write(uint64_t page) { fault(page, UFFD_PAGEFAULT_FLAG_WRITE); }
  void read(uint64_t page) { fault(page, 0); }
  void write_protected(uint64_t page) { fault(page, UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP); }

  /// Pages that the sink knows as touched by writes, in order.
  std::vector<uint64_t> written() const {
    std::vector<uint64_t> pages;
    for (const trace::Event& event : table.sink.events)
      if (event.kind == EventKind::kTouch && (event.flags & trace::kWrite) != 0)
        for (uint64_t at = event.address; at < event.address + event.bytes; at += kPage)
          pages.push_back((at - kStart) / kPage);
    return pages;
  }

  FedTable table;
  Process& process;
  FakeChannel* channel;  // the process owns it
  ScanPlanner planner{table.processes, table.clocks, true};
  ResidentMeter meter{table.processes, table.feed, table.notes};
  SharedMemory shared_memory{table.processes, table.feed, meter, planner, table.clocks};
  ForkCopies copies{table.processes, table.feed, table.notes};
  DeletedFiles deleted{table.processes, table.feed, shared_memory, table.clocks};
  MappedFiles mapped_files{table.feed, shared_memory, deleted, planner, table.notes, table.clocks};
  ProgramText text{table.feed, table.count};
  Mappings mappings{table.feed, table.stash, shared_memory, meter, table.notes, table.clocks};
  PagePoller poller{table.feed, mappings, shared_memory, copies,      mapped_files,
                    meter,      planner,  table.notes,   table.clocks};
  Windows windows{table.feed, mappings, meter, table.count, table.clocks, 512};
  WindowFiller filler{table.feed, table.stash, mappings,    poller,       windows, text,
                      meter,      table.notes, table.count, table.clocks, false};
};

TEST_F(WindowFillerTest, ALoneWriteFillsOnePage) {
  write(at_page(100));
  EXPECT_THAT(channel->there, ElementsAre(at_page(100)));
  EXPECT_THAT(channel->woken, ElementsAre(at_page(100)));
  EXPECT_THAT(written(), ElementsAre(100));
  EXPECT_EQ(meter.tracked_pages(), 1u);
  EXPECT_EQ(filler.resolution_pages(), 1u);
}

TEST_F(WindowFillerTest, WritesApartStayExact) {
  for (const uint64_t page : {7, 300, 20, 1000, 54}) write(at_page(page));
  EXPECT_THAT(channel->there, SizeIs(5));
  EXPECT_THAT(written(), ElementsAre(7, 300, 20, 1000, 54));
}

TEST_F(WindowFillerTest, AWalkIsPrefilledAndNothingPrefilledCountsAsTouched) {
  uint64_t page = 0, faults = 0;
  // The program writes page after page: it faults where nothing has been filled.
  for (; page < 1000; ++page)
    if (!channel->there.contains(at_page(page))) {
      write(at_page(page));
      ++faults;
    }
  EXPECT_LT(faults, 60u);
  EXPECT_GT(filler.resolution_pages(), 64u);
  const uint64_t touched = process.pages.count(PageBit::kTouched), prefilled = process.pages.count(PageBit::kPrefilled);
  EXPECT_EQ(touched, written().size());
  EXPECT_EQ(touched + prefilled, channel->there.size());
  EXPECT_LE(touched, 1000u);
}

TEST_F(WindowFillerTest, NoWindowIsWiderThanAnEighthOfTheHeadroom) {
  table.sink.headroom = 64;
  for (uint64_t page = 0; page < 1000; ++page)
    if (!channel->there.contains(at_page(page))) write(at_page(page));
  EXPECT_EQ(filler.resolution_pages(), 8u);
}

TEST_F(WindowFillerTest, InTheSlowPathEachPageFaults) {
  table.sink.headroom = 0;
  for (uint64_t page = 0; page < 50; ++page) write(at_page(page));
  EXPECT_EQ(filler.resolution_pages(), 1u);
  EXPECT_THAT(written(), SizeIs(50));
  EXPECT_EQ(process.pages.count(PageBit::kPrefilled), 0u);
}

TEST_F(WindowFillerTest, AWindowEndsWithItsMapping) {
  const uint64_t last = (kEnd - kStart) / kPage;
  for (uint64_t page = last - 200; page < last; ++page)
    if (!channel->there.contains(at_page(page))) write(at_page(page));
  EXPECT_LE(*channel->there.rbegin(), kEnd - kPage);
  EXPECT_TRUE(channel->armed.contains(kEnd - kPage) || process.pages.test(PageBit::kTouched, kEnd - kPage))
      << "no fault would report the last page's write";
}

TEST_F(WindowFillerTest, AReadIsNoMemoryAndItsLaterWriteIs) {
  read(at_page(5));
  EXPECT_THAT(written(), ElementsAre());
  EXPECT_EQ(meter.tracked_pages(), 0u);
  EXPECT_TRUE(process.pages.test(PageBit::kZero, at_page(5)));
  write_protected(at_page(5));
  EXPECT_THAT(written(), ElementsAre(5));
  EXPECT_EQ(meter.tracked_pages(), 1u);
}

TEST_F(WindowFillerTest, AWriteToAWatchedPageIsAReference) {
  table.sink.watch_writes = true;
  write(at_page(3));
  ASSERT_TRUE(process.pages.test(PageBit::kWatched, at_page(3)));
  EXPECT_TRUE(channel->armed.contains(at_page(3)));
  table.sink.watch_writes = false;
  write_protected(at_page(3));
  EXPECT_EQ(table.sink.events.back().kind, EventKind::kReference);
  EXPECT_EQ(table.sink.events.back().address, at_page(3));
  EXPECT_FALSE(channel->armed.contains(at_page(3)));
  EXPECT_EQ(written().size(), 1u) << "it was touched before";
}

TEST_F(WindowFillerTest, AFaultWithoutAnAnswerIsTriedAgainAndThenItsMemoryIsLetGo) {
  channel->refusals.assign(1000, FaultResult::kRetry);
  write(at_page(1));
  EXPECT_FALSE(process.held.unanswered.empty());
  const uint64_t began = table.clocks.now;
  while (channel->unregistered.empty() && table.clocks.now - began < 2 * UnansweredFaults::kLongestNs) {
    table.clocks.now = std::max(table.clocks.now + 1000, process.held.unanswered.next_ns());
    filler.try_again(process, false);
  }
  EXPECT_FALSE(channel->unregistered.empty());
  EXPECT_LE(table.clocks.now - began, UnansweredFaults::kLongestNs + 2 * UnansweredFaults::kLongestRestNs);
  EXPECT_EQ(table.notes.let_go_faults, 1u);
}

TEST_F(WindowFillerTest, AFaultThatIsAnsweredAtTheSecondTryIsCountedOnce) {
  channel->refusals = {FaultResult::kRetry};
  write(at_page(1));
  table.clocks.now = process.held.unanswered.next_ns();
  filler.try_again(process, false);
  EXPECT_THAT(channel->there, ElementsAre(at_page(1)));
  EXPECT_THAT(written(), ElementsAre(1));
  EXPECT_EQ(table.notes.let_go_faults, 0u);
}

TEST_F(WindowFillerTest, AWalkThatTheKernelDidNotLetCloseIsClosedAtTheNextTry) {
  for (uint64_t page = 0; page < 300; ++page)
    if (!channel->there.contains(at_page(page))) write(at_page(page));
  const uint64_t prefilled = process.pages.count(PageBit::kPrefilled);
  ASSERT_GT(prefilled, 0u);
  channel->refusals = {FaultResult::kRetry};
  windows.close_stalled(process, 0);
  EXPECT_EQ(process.pages.count(PageBit::kPrefilledArmed), 0u);
  filler.try_again(process, true);
  EXPECT_EQ(process.pages.count(PageBit::kPrefilledArmed), prefilled) << "their next writes would not be seen";
  EXPECT_THAT(channel->armed, SizeIs(testing::Ge(prefilled)));
}

TEST_F(WindowFillerTest, AWalkThatIsNotClosedYetIsCountedWhenItComesToItsEnd) {
  const uint64_t last = (kEnd - kStart) / kPage - 1;
  uint64_t page = last - 300;
  for (; !channel->armed.contains(at_page(last)); ++page)
    if (!channel->there.contains(at_page(page))) write(at_page(page));
  ASSERT_LT(page, last - 10) << "nothing was prefilled before the last page";
  channel->refusals = {FaultResult::kRetry};
  windows.close_stalled(process, 0);
  write_protected(at_page(last));
  EXPECT_THAT(written(), SizeIs(301));
  EXPECT_EQ(process.pages.count(PageBit::kPrefilled), 0u);
}

TEST_F(WindowFillerTest, WhatWasUnmappedOfAWalkDoesNotKeepTheRestFromBeingClosed) {
  for (uint64_t page = 0; page < 300; ++page)
    if (!channel->there.contains(at_page(page))) write(at_page(page));
  const uint64_t highest = *channel->there.rbegin();
  ASSERT_TRUE(process.pages.test(PageBit::kPrefilled, highest));
  process.pages.clear(highest, highest + kPage);
  channel->mapped_end = highest;
  const uint64_t prefilled = process.pages.count(PageBit::kPrefilled);
  windows.close_stalled(process, 0);
  EXPECT_EQ(process.pages.count(PageBit::kPrefilledArmed), prefilled);
}

TEST_F(WindowFillerTest, APageThatIsGoneIsNotCounted) {
  channel->mapped_end = kStart;
  write(at_page(1));
  EXPECT_EQ(meter.tracked_pages(), 0u);
}

}  // namespace
}  // namespace oomcast::record
