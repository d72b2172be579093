// Notes of the ring reach whom they are for, and what no program can have noted is left out.
#include "preload/record/capture/note_reader.h"

#include <gmock/gmock.h>

#include "preload/ring/file_notes.h"
#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class NoteReaderTest : public RoomsTest {
 protected:
  NoteReaderTest() : fake(add_polled()), process(fake.process) { share_area(process); }

  trace::Event note(EventKind kind, uint64_t address, uint64_t bytes, uint8_t flags = 0) const {
    trace::Event event;
    event.kind = kind;
    event.tid = process.pid;
    event.address = address;
    event.bytes = bytes;
    event.flags = flags;
    return event;
  }
  bool push(const trace::Event& event) { return (*process.shared)->ring.try_push(event); }
  void take(const trace::Event& event) {
    ASSERT_TRUE(push(event));
    rooms.reader.drain(process);
  }

  FakeProcess fake;
  Process& process;
};

TEST_F(NoteReaderTest, AnEmptyRingSaysNothing) {
  rooms.reader.drain(process);
  EXPECT_THAT(sink.events, IsEmpty());
  EXPECT_EQ(rooms.count.notes, 0u);
}

TEST_F(NoteReaderTest, AProtectionIsReportedOfWhatIsKnownToBeOtherwise) {
  Vma vma;
  vma.start = at_page(0);
  vma.end = at_page(8);
  vma.writable = true;
  learn(fake, vma);
  sink.events.clear();
  take(note(EventKind::kProtect, at_page(2) + 5, 10, 0));
  EXPECT_THAT(ranges(EventKind::kProtect), ElementsAre(Pair(at_page(2), at_page(3))));
  take(note(EventKind::kProtect, at_page(2), kPage, 0));
  EXPECT_THAT(events(EventKind::kProtect), SizeIs(1)) << "the protection was the same already";
}

TEST_F(NoteReaderTest, MadvFreeIsExpectedUntilTheKernelRefusesIt) {
  process.tracker = TrackerKind::kWpAsync;
  take(note(EventKind::kAdviseFree, at_page(0), kPage));
  EXPECT_FALSE(process.held.free_advice.empty());
  take(note(EventKind::kAdviseFree, at_page(0), 0));
  EXPECT_TRUE(process.held.free_advice.empty());
}

TEST_F(NoteReaderTest, MadvFreeIsNotExpectedWhereNoEventTellsOfFrees) {
  take(note(EventKind::kAdviseFree, at_page(0), kPage));
  EXPECT_TRUE(process.held.free_advice.empty());
}

TEST_F(NoteReaderTest, MemoryThatItsOwnerHasGivenBackMayComeAgain) {
  process.leaving.add(at_page(0), at_page(4), clocks.now);
  take(note(EventKind::kAdviseDontneed, at_page(0), 4 * kPage));
  std::vector<PageRange> stays;
  process.leaving.for_each_outside(at_page(0), at_page(4),
                                   [&](uint64_t from, uint64_t to) { stays.emplace_back(from, to); });
  EXPECT_THAT(stays, ElementsAre(Pair(at_page(0), at_page(4))));
}

TEST_F(NoteReaderTest, AForkedChildIsPendingUntilItSaysHello) {
  take(note(EventKind::kFork, static_cast<uint64_t>(::getpid()), 0));
  EXPECT_TRUE(process.forks.pending_children.contains(static_cast<uint32_t>(::getpid())));
  EXPECT_THAT(rooms.reader.take_children_without_descriptor(), IsEmpty());
}

TEST_F(NoteReaderTest, AChildWithoutDescriptorsIsHandedOnOnce) {
  take(note(EventKind::kFork, static_cast<uint64_t>(::getpid()), 0, ring::kSaysNoHello));
  EXPECT_THAT(rooms.reader.take_children_without_descriptor(),
              ElementsAre(Pair(static_cast<uint32_t>(::getpid()), process.pid)));
  EXPECT_THAT(rooms.reader.take_children_without_descriptor(), IsEmpty());
}

TEST_F(NoteReaderTest, AnAllocationThatWasSampledIsReported) {
  trace::Event sample = note(EventKind::kAlloc, at_page(0), 100'000);
  const uint64_t frames[] = {0x1234, 0x5678};
  ASSERT_TRUE((*process.shared)->ring.try_push(sample, frames, 2));
  rooms.reader.drain(process);
  ASSERT_THAT(events(EventKind::kAlloc), SizeIs(1));
  EXPECT_NE(events(EventKind::kAlloc)[0].stack_id, 0u);
}

TEST_F(NoteReaderTest, RangesThatNoProgramCanHaveAreLeftOut) {
  take(note(EventKind::kProtect, UINT64_MAX - 10, 100));
  take(note(EventKind::kUnmap, uint64_t{1} << 57, kPage));
  take(note(EventKind::kAdviseHuge, at_page(0), uint64_t{1} << 60));
  EXPECT_THAT(sink.events, IsEmpty());
}

TEST_F(NoteReaderTest, KindsThatNoHookWritesAreLeftOut) {
  for (const EventKind kind : {EventKind::kExit, EventKind::kTouch, EventKind::kProcessStart, EventKind::kOomScoreAdj,
                               EventKind::kExec, static_cast<EventKind>(200)})
    take(note(kind, at_page(0), kPage));
  EXPECT_THAT(sink.events, IsEmpty());
}

TEST_F(NoteReaderTest, AGuestWithTooManyThreadsGetsNoMore) {
  for (uint32_t tid = 1; tid <= 65536; ++tid) process.tasks[10'000'000 + tid] = nullptr;
  trace::Event limit = note(EventKind::kThpDisable, 1, 0);
  limit.tid = 5;
  take(limit);
  EXPECT_FALSE(process.huge_pages_off);
  limit.tid = 10'000'001;
  take(limit);
  EXPECT_TRUE(process.huge_pages_off);
  process.tasks.clear();
}

TEST_F(NoteReaderTest, AGuestThatWritesWithoutPauseKeepsTheReaderForTwoRingsAtMost) {
  // Each note is a fork; the room that takes it would let the test push more.
  uint64_t pushed = 0;
  while (push(note(EventKind::kThpDisable, 0, 0))) ++pushed;
  rooms.reader.drain(process);
  EXPECT_EQ(rooms.count.notes, pushed);
  EXPECT_EQ(pushed, ring::kSlots);
}

}  // namespace
}  // namespace oomcast::record
