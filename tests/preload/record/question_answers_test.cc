// What the recorder does about each question of a guest before it lets the guest go on.
#include "preload/record/question_answers.h"

#include <gmock/gmock.h>

#include "tests/preload/record/fake_stash.h"
#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class QuestionAnswersTest : public RoomsTest {
 protected:
  QuestionAnswersTest() : fake(add_held()), process(fake.process), memory(fake.memory) {
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

  QuestionAnswers answers{options,      rooms.processes,        rooms.feed,   rooms.reader,
                          rooms.faults, rooms.windows,          rooms.filler, rooms.scanner,
                          rooms.stash,  rooms.memory_questions, rooms.notes,  rooms.count};
  FakeProcess fake;
  Process& process;
  FakeMemory& memory;
};

TEST_F(QuestionAnswersTest, WhatTheSinkRefusesIsRefusedToTheGuestOnlyIfAsked) {
  sink.refuses = true;
  EXPECT_EQ(answers.answer(process, question(ring::RequestKind::kMapped, 0, 8)), ring::ReplyStatus::kTracked);
  options.refuse_enomem = true;
  EXPECT_EQ(answers.answer(process, question(ring::RequestKind::kMapped, 100, 8)), ring::ReplyStatus::kRefused);
  EXPECT_TRUE(rooms.notes.refused_memory);
  sink.refuses = false;
  EXPECT_EQ(answers.answer(process, question(ring::RequestKind::kMapped, 200, 8)), ring::ReplyStatus::kTracked);
}

TEST_F(QuestionAnswersTest, QuestionsAboutWhatNoProgramHasAreLeftOut) {
  EXPECT_EQ(answers.answer(process, question(ring::RequestKind::kMapped, uint64_t{1} << 46, 8)),
            ring::ReplyStatus::kTracked);
  ring::Request wraps = question(ring::RequestKind::kFreeing, 0, 0);
  wraps.bytes = UINT64_MAX;
  EXPECT_EQ(answers.answer(process, wraps), ring::ReplyStatus::kTracked);
  EXPECT_THAT(sink.events, IsEmpty());
}

TEST_F(QuestionAnswersTest, AProcessThatWasNeverScannedIsScannedBeforeItLeaves) {
  FakeProcess polled = add_polled(kSecondPid);
  polled.memory.map(at_page(0), 64);
  polled.memory.touch(at_page(0), 3);
  ring::Request leaving = question(ring::RequestKind::kExiting, 0, 0);
  leaving.argument = 0x1ff;
  answers.answer(polled.process, leaving);
  EXPECT_THAT(written(polled.process), ElementsAre(0, 1, 2));
  EXPECT_EQ(polled.process.life.exit_status, 0xff) << "as wait() gives it";
}

TEST_F(QuestionAnswersTest, AProcessThatWasNeverScannedIsScannedBeforeItFrees) {
  FakeProcess polled = add_polled(kSecondPid);
  polled.memory.map(at_page(0), 64);
  polled.memory.touch(at_page(0), 3);
  answers.answer(polled.process, question(ring::RequestKind::kFreeing, 0, 64));
  EXPECT_THAT(written(polled.process), ElementsAre(0, 1, 2));
}

TEST_F(QuestionAnswersTest, BeforeAForkAllPagesAreBackAndTheirWritesAreSeen) {
  FakeStash::Kernel kernel;
  kernel.out = {at_page(1)};
  Stash::begin(process, std::make_unique<FakeStash>(kernel));
  process.pages.touch(at_page(0), at_page(2));
  process.pages.set(PageBit::kStashed, at_page(1), true);
  (*process.shared)->stash.holds.store(1);
  answers.answer(process, question(ring::RequestKind::kForking, 0, 0));
  EXPECT_THAT(kernel.out, IsEmpty()) << "or the child would miss them";
  EXPECT_EQ((*process.shared)->stash.holds.load(), 0u);
  EXPECT_THAT(fake.channel.armed, ElementsAre(at_page(1)));
  EXPECT_TRUE(process.pages.test(PageBit::kWatched, at_page(1)));
  EXPECT_NE(process.stash.helper, nullptr);
}

TEST_F(QuestionAnswersTest, WhoKillsAllProcessesHasNoStashAnyMore) {
  FakeStash::Kernel kernel;
  kernel.out = {at_page(1)};
  Stash::begin(process, std::make_unique<FakeStash>(kernel));
  process.pages.set(PageBit::kStashed, at_page(1), true);
  answers.answer(process, question(ring::RequestKind::kKillsAll, 0, 0));
  EXPECT_THAT(kernel.out, IsEmpty());
  EXPECT_EQ(process.stash.helper, nullptr) << "the helper is killed with the others";
}

TEST_F(QuestionAnswersTest, AProcessThatGivesWayIsLetGoOnceAndPolled) {
  memory.map(at_page(0), 8);
  learn(fake, memory.vmas[0]);
  ring::Request way = question(ring::RequestKind::kGiveWay, 0, 0);
  way.address = 0;
  way.argument = static_cast<uint64_t>(ring::GiveWay::kSeccomp);
  answers.answer(process, way);
  EXPECT_TRUE(process.gives_way);
  EXPECT_EQ(process.tracker, TrackerKind::kPagemap);
  EXPECT_FALSE(process.fault_fd.valid());
  EXPECT_EQ((*process.shared)->ask_before_use.load(), 0u);
  memory.map(at_page(8), 200);
  memory.touch(at_page(8), 100);
  answers.answer(process, way);
  clocks.now += 10'000'000;
  rooms.scanner.scan(process, false);
  EXPECT_THAT(written(process), SizeIs(100));
}

TEST_F(QuestionAnswersTest, AnotherProcessMayBeTheOneThatGivesWay) {
  FakeProcess other = add_held(kSecondPid);
  ring::Request way = question(ring::RequestKind::kGiveWay, 0, 0);
  way.address = kSecondPid;
  way.argument = static_cast<uint64_t>(ring::GiveWay::kMemoryFile);
  answers.answer(process, way);
  EXPECT_TRUE(other.process.gives_way);
  EXPECT_FALSE(process.gives_way);
}

TEST_F(QuestionAnswersTest, AnUnknownReasonIsNoReason) {
  ring::Request way = question(ring::RequestKind::kGiveWay, 0, 0);
  way.address = 0;
  way.argument = static_cast<uint64_t>(ring::GiveWay::kCount);
  answers.answer(process, way);
  EXPECT_FALSE(process.gives_way);
  EXPECT_TRUE(process.fault_fd.valid());
}

}  // namespace
}  // namespace oomcast::record
