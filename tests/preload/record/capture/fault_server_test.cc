// Messages of a userfaultfd: frees are taken before faults, whatever their order.
#include "preload/record/capture/fault_server.h"

#include <gmock/gmock.h>

#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class FaultServerTest : public RoomsTest {
 protected:
  FaultServerTest() : fake(add_held()), process(fake.process), channel(fake.channel) {
    Area area;
    area.start = kStart;
    area.end = at_page(4096);
    area.writable = area.anonymous = area.registered = area.reported = true;
    process.map.insert(area);
  }

  static uffd_msg fault(uint64_t page, uint32_t tid = 7) {
    uffd_msg message{};
    message.event = UFFD_EVENT_PAGEFAULT;
    message.arg.pagefault.address = at_page(page) + 123;
    message.arg.pagefault.flags = UFFD_PAGEFAULT_FLAG_WRITE;
    message.arg.pagefault.feat.ptid = tid;
    return message;
  }
  static uffd_msg freed(uint8_t event, uint64_t first, uint64_t last) {
    uffd_msg message{};
    message.event = event;
    message.arg.remove.start = at_page(first);
    message.arg.remove.end = at_page(last);
    return message;
  }

  FakeProcess fake;
  Process& process;
  FakeChannel& channel;
};

TEST_F(FaultServerTest, AFaultIsAnsweredAndReported) {
  channel.messages = {fault(3)};
  rooms.faults.serve(process);
  EXPECT_THAT(channel.woken, ElementsAre(at_page(3)));
  EXPECT_THAT(written(process), ElementsAre(3));
}

TEST_F(FaultServerTest, AnUnmapThatCameAfterTheFaultIsTakenFirst) {
  process.pages.touch(at_page(8), at_page(16));
  // While the unmap is unread the kernel refuses every answer.
  channel.messages = {fault(3), freed(UFFD_EVENT_UNMAP, 8, 16)};
  rooms.faults.serve(process);
  ASSERT_FALSE(sink.events.empty());
  EXPECT_EQ(sink.events[0].kind, EventKind::kUnmap);
  EXPECT_EQ(process.pages.count(PageBit::kTouched), 1u);
}

TEST_F(FaultServerTest, ARemoveEventGivesPagesBackAndKeepsTheMapping) {
  process.pages.touch(at_page(8), at_page(16));
  channel.messages = {freed(UFFD_EVENT_REMOVE, 8, 12)};
  rooms.faults.serve(process);
  EXPECT_THAT(ranges(EventKind::kAdviseDontneed), ElementsAre(Pair(at_page(8), at_page(12))));
  EXPECT_NE(process.map.find(at_page(9)), nullptr);
}

TEST_F(FaultServerTest, TheNoteOfAMadvFreeIsReadBeforeItsEvent) {
  share_area(process);
  process.pages.touch(at_page(8), at_page(12));
  trace::Event note;
  note.kind = EventKind::kAdviseFree;
  note.address = at_page(8);
  note.bytes = 4 * kPage;
  ASSERT_TRUE((*process.shared)->ring.try_push(note));
  channel.messages = {freed(UFFD_EVENT_REMOVE, 8, 12)};
  rooms.faults.serve(process);
  EXPECT_THAT(ranges(EventKind::kAdviseFree), ElementsAre(Pair(at_page(8), at_page(12))));
}

TEST_F(FaultServerTest, AMoveTakesPagesAlong) {
  process.pages.touch(at_page(8));
  uffd_msg moved{};
  moved.event = UFFD_EVENT_REMAP;
  moved.arg.remap.from = at_page(8);
  moved.arg.remap.to = at_page(9000);
  moved.arg.remap.len = 4 * kPage;
  channel.messages = {moved};
  rooms.faults.serve(process);
  EXPECT_TRUE(process.pages.test(PageBit::kTouched, at_page(9000)));
}

TEST_F(FaultServerTest, WithoutAMessageNothingHappens) {
  rooms.faults.serve(process);
  EXPECT_THAT(sink.events, IsEmpty());
  EXPECT_EQ(rooms.count.fault_reads, 0u);
}

TEST_F(FaultServerTest, AProcessThatFaultsWithoutEndIsLeftAfterSixteenReads) {
  channel.refill = [](uint64_t n) { return fault(n % 4000, 7); };
  rooms.faults.serve(process);
  EXPECT_EQ(rooms.count.fault_reads, 16u);
}

TEST_F(FaultServerTest, FaultsOfTheHeapAreAnsweredByTheHeapsChannel) {
  auto heap = std::make_unique<FakeChannel>();
  FakeChannel& heap_channel = *heap;
  process.heap_fd = OptionalChannel(std::move(heap));
  heap_channel.messages = {fault(5)};
  rooms.faults.serve(process);
  EXPECT_THAT(heap_channel.woken, ElementsAre(at_page(5)));
  EXPECT_THAT(channel.woken, IsEmpty());
}

TEST_F(FaultServerTest, AProgramWhoseFaultsCannotBeAnsweredIsPolledFromThenOn) {
  fake.memory.map(kStart, 4096);
  channel.refusals.assign(10'000, FaultResult::kNoMemory);
  for (uint32_t tid = 1; tid <= 9 && process.fault_fd.valid(); ++tid) {
    channel.messages = {fault(tid * 100, tid)};
    rooms.faults.serve(process);
    for (int i = 0; i < 1000 && process.fault_fd.valid() && !process.held.unanswered.empty(); ++i) {
      clocks.now = std::max(clocks.now + 1000, process.held.unanswered.next_ns());
      rooms.faults.serve(process);
    }
    EXPECT_EQ(process.fault_fd.valid(), tid < 8) << "after " << tid << " faults";
  }
  EXPECT_EQ(process.tracker, TrackerKind::kPagemap);
  EXPECT_EQ(rooms.notes.let_go_faults, 8u);
  for (const auto& [start, area] : process.map.areas()) EXPECT_FALSE(area.registered);
}

TEST_F(FaultServerTest, WhatWasMappedInPlaceOfUnmappedMemoryIsKnownWithoutAHook) {
  process.map.remove(at_page(0), at_page(4096));
  fake.memory.map(kStart, 8);
  rooms.mappings.learn(process, fake.memory.vmas[0], false);
  channel.registered.clear();
  uffd_msg unmapped{};
  unmapped.event = UFFD_EVENT_UNMAP;
  unmapped.arg.remove.start = at_page(2);
  unmapped.arg.remove.end = at_page(4);
  channel.messages = {unmapped};
  rooms.faults.serve(process);
  EXPECT_THAT(ranges(EventKind::kUnmap), ElementsAre(Pair(at_page(2), at_page(4))));
  EXPECT_THAT(channel.registered, SizeIs(1)) << "mmap(MAP_FIXED): the kernel has made it anew, unregistered";
}

TEST_F(FaultServerTest, MemoryThatWasLetGoForAMoveIsRegisteredAgainAndCounted) {
  fake.memory.map(at_page(100), 16);
  fake.memory.touch(at_page(100), 5);
  process.held.let_go = {{at_page(100), at_page(116)}, {at_page(500), at_page(501)}};
  rooms.filler.take_back(process, at_page(100), at_page(104));
  EXPECT_THAT(channel.registered, ElementsAre(Pair(at_page(100), at_page(116))));
  EXPECT_THAT(written(process), ElementsAre(100, 101, 102, 103, 104));
  EXPECT_THAT(process.held.let_go, ElementsAre(Pair(at_page(500), at_page(501))));
}

}  // namespace
}  // namespace oomcast::record
