// What the recorder does about each question of a guest before it lets the guest go on.
#include "preload/record/answers.h"

#include <gmock/gmock.h>

#include "preload/ring/file_notes.h"
#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class AnswersTest : public RoomsTest {
 protected:
  AnswersTest() : fake(add_held()), process(fake.process), memory(fake.memory) {
    share_area(process);
    process.scans.begun = true;
  }
  ring::Request question(ring::RequestKind kind, uint64_t first, uint64_t pages) const {
    ring::Request asked;
    asked.kind = kind;
    asked.tid = process.pid;
    asked.address = at_page(first);
    asked.bytes = pages * kPage;
    return asked;
  }

  EventLoop loop;
  HelloServer hellos{loop, 0, [](Hello) {}};
  ProcessLife life{rooms, loop, hellos.socket_name()};
  QuestionServer questions{rooms.processes, {}};
  Answers answers{rooms, life, loop, hellos, questions};
  FakeProcess fake;
  Process& process;
  FakeMemory& memory;
};

TEST_F(AnswersTest, AMappingIsRegisteredBeforeTheGuestGoesOn) {
  ring::Request mapped = question(ring::RequestKind::kMapped, 0, 8);
  mapped.argument = PROT_READ | PROT_WRITE;
  mapped.flags = MAP_NORESERVE;
  EXPECT_FALSE(answers.is_refused(process, mapped));
  EXPECT_THAT(fake.channel.registered, ElementsAre(Pair(at_page(0), at_page(8))));
  ASSERT_THAT(sink.events, SizeIs(1));
  EXPECT_EQ(sink.events[0].flags, trace::kPrivate | trace::kAnonymous | trace::kWritable | trace::kNoReserve);
}

TEST_F(AnswersTest, AMappingWithoutWritePermissionIsReportedSo) {
  ring::Request mapped = question(ring::RequestKind::kMapped, 0, 8);
  mapped.argument = PROT_NONE;
  answers.is_refused(process, mapped);
  ASSERT_THAT(sink.events, SizeIs(1));
  EXPECT_FALSE(sink.events[0].flags & trace::kWritable);
}

TEST_F(AnswersTest, WhatTheSinkRefusesIsRefusedToTheGuestOnlyIfAsked) {
  sink.refuses = true;
  EXPECT_FALSE(answers.is_refused(process, question(ring::RequestKind::kMapped, 0, 8)));
  options.refuse_enomem = true;
  EXPECT_TRUE(answers.is_refused(process, question(ring::RequestKind::kMapped, 100, 8)));
  EXPECT_TRUE(rooms.notes.refused_memory);
  sink.refuses = false;
  EXPECT_FALSE(answers.is_refused(process, question(ring::RequestKind::kMapped, 200, 8)));
}

TEST_F(AnswersTest, QuestionsAboutWhatNoProgramHasAreLeftOut) {
  EXPECT_FALSE(answers.is_refused(process, question(ring::RequestKind::kMapped, uint64_t{1} << 46, 8)));
  ring::Request wraps = question(ring::RequestKind::kFreeing, 0, 0);
  wraps.bytes = UINT64_MAX;
  EXPECT_FALSE(answers.is_refused(process, wraps));
  EXPECT_THAT(sink.events, IsEmpty());
}

TEST_F(AnswersTest, AnUnknownPageIsLookedUpWithAllThatLiesThere) {
  memory.map(at_page(0), 4);
  memory.map(at_page(4), 4, false);
  ring::Request unknown = question(ring::RequestKind::kUnknownPage, 1, 6);
  answers.is_refused(process, unknown);
  EXPECT_THAT(ranges(EventKind::kMap), ElementsAre(Pair(at_page(0), at_page(4)), Pair(at_page(4), at_page(8))));
  EXPECT_TRUE((*process.shared)->known.contains(at_page(6)));
}

TEST_F(AnswersTest, ALargeAllocationIsOneRequestWhateverLiesBesideIt) {
  const uint64_t pages = ring::kFoundPieceBytes / kPage;
  memory.map(at_page(0), 3 * pages);
  answers.is_refused(process, question(ring::RequestKind::kUnknownPage, pages, pages + 1));
  ASSERT_FALSE(events(EventKind::kMap).empty());
  EXPECT_EQ(events(EventKind::kMap)[0].address, at_page(pages));
  EXPECT_EQ(events(EventKind::kMap)[0].bytes, (pages + 1) * kPage);
}

TEST_F(AnswersTest, AnUnknownPageThatIsNotMappedIsKnownAllTheSame) {
  answers.is_refused(process, question(ring::RequestKind::kUnknownPage, 50, 1));
  EXPECT_THAT(sink.events, IsEmpty());
  EXPECT_TRUE((*process.shared)->known.contains(at_page(50))) << "or each allocation there would ask again";
}

TEST_F(AnswersTest, APolledProcessThatFreesIsScannedFirst) {
  FakeProcess polled = add_polled(kSecondPid);
  polled.process.scans.begun = true;
  polled.memory.map(at_page(0), 64);
  learn(polled, polled.memory.vmas[0]);
  polled.memory.touch(at_page(0), 16);
  answers.is_refused(polled.process, question(ring::RequestKind::kFreeing, 0, 64));
  EXPECT_THAT(written(polled.process), SizeIs(16));
  EXPECT_EQ(polled.process.resident.counted_pages, 0u);
}

TEST_F(AnswersTest, AProcessThatWasNeverScannedIsScannedBeforeItLeaves) {
  FakeProcess polled = add_polled(kSecondPid);
  polled.memory.map(at_page(0), 64);
  polled.memory.touch(at_page(0), 3);
  ring::Request leaving = question(ring::RequestKind::kExiting, 0, 0);
  leaving.argument = 0x1ff;
  answers.is_refused(polled.process, leaving);
  EXPECT_THAT(written(polled.process), ElementsAre(0, 1, 2));
  EXPECT_EQ(polled.process.life.exit_status, 0xff) << "as wait() gives it";
}

TEST_F(AnswersTest, AProcessThatGivesWayIsLetGoOnceAndPolled) {
  memory.map(at_page(0), 8);
  learn(fake, memory.vmas[0]);
  ring::Request way = question(ring::RequestKind::kGiveWay, 0, 0);
  way.address = 0;
  way.argument = static_cast<uint64_t>(ring::GiveWay::kSeccomp);
  answers.is_refused(process, way);
  EXPECT_TRUE(process.gives_way);
  EXPECT_EQ(process.tracker, TrackerKind::kPagemap);
  EXPECT_FALSE(process.fault_fd.valid());
  EXPECT_EQ((*process.shared)->ask_before_use.load(), 0u);
  memory.map(at_page(8), 200);
  memory.touch(at_page(8), 100);
  answers.is_refused(process, way);
  clocks.now += 10'000'000;
  rooms.scanner.scan(process, false);
  EXPECT_THAT(written(process), SizeIs(100));
}

TEST_F(AnswersTest, AnotherProcessMayBeTheOneThatGivesWay) {
  FakeProcess other = add_held(kSecondPid);
  ring::Request way = question(ring::RequestKind::kGiveWay, 0, 0);
  way.address = kSecondPid;
  way.argument = static_cast<uint64_t>(ring::GiveWay::kMemoryFile);
  answers.is_refused(process, way);
  EXPECT_TRUE(other.process.gives_way);
  EXPECT_FALSE(process.gives_way);
}

TEST_F(AnswersTest, AnUnknownReasonIsNoReason) {
  ring::Request way = question(ring::RequestKind::kGiveWay, 0, 0);
  way.address = 0;
  way.argument = static_cast<uint64_t>(ring::GiveWay::kCount);
  answers.is_refused(process, way);
  EXPECT_FALSE(process.gives_way);
  EXPECT_TRUE(process.fault_fd.valid());
}

}  // namespace
}  // namespace oomcast::record
