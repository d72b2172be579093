// The heap's break moves without a system call that anybody sees: growth is asked about, a fall is noted.
#include "preload/record/capture/heap_break.h"

#include <gmock/gmock.h>

#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class HeapBreakTest : public RoomsTest {
 protected:
  HeapBreakTest() : fake(add_held()), process(fake.process), memory(fake.memory) {
    share_area(process);
    process.tasks[7] = std::make_unique<Task>(static_cast<pid_t>(process.pid), 7u, clocks.now);
    Vma& heap = memory.map(kStart, 64);
    heap.name = "[heap]";
    learn(fake, heap);
    sink.events.clear();
  }

  /// sbrk() by the guest, and the question of its malloc's hook.
  void grow(uint64_t from, uint64_t to) {
    memory.vmas[0].end = at_page(to);
    ring::Request question;
    question.kind = ring::RequestKind::kBreakMoved;
    question.tid = 7;
    question.address = at_page(from);
    question.bytes = (to - from) * kPage;
    rooms.heap.take_growth(process, question);
  }
  /// The break falls; what lay above is gone. `noted`: the hook has said so.
  void fall(uint64_t to, bool noted = true) {
    memory.vmas[0].end = at_page(to);
    memory.drop(at_page(to), 10'000);
    if (noted) (*process.shared)->break_fell.store(at_page(to));
  }

  FakeProcess fake;
  Process& process;
  FakeMemory& memory;
};

TEST_F(HeapBreakTest, GrowthIsAMappingOfOneRequest) {
  grow(64, 97);
  EXPECT_THAT(ranges(EventKind::kMap), ElementsAre(Pair(at_page(64), at_page(97))));
  EXPECT_EQ(process.heap.end, at_page(97));
}

TEST_F(HeapBreakTest, ABreakInMidPageReportsThePageOnce) {
  ring::Request question;
  question.address = at_page(64) - 100;
  question.bytes = 200;
  rooms.heap.take_growth(process, question);
  EXPECT_THAT(ranges(EventKind::kMap), ElementsAre(Pair(at_page(64), at_page(65))));
}

TEST_F(HeapBreakTest, WhatLayAboveAFallenBreakIsGone) {
  process.pages.touch(at_page(0), at_page(64));
  rooms.meter.update(process);
  fall(40);
  rooms.heap.take_fall(process);
  EXPECT_THAT(ranges(EventKind::kUnmap), ElementsAre(Pair(at_page(40), at_page(64))));
  EXPECT_EQ(rooms.meter.tracked_pages(), 40u);
  EXPECT_EQ(process.heap.end, at_page(40));
  sink.events.clear();
  rooms.heap.take_fall(process);
  EXPECT_THAT(sink.events, IsEmpty()) << "it fell once";
}

TEST_F(HeapBreakTest, AHeapThatFellAndGrewAtOnceIsForgottenWithTheNextQuestion) {
  process.pages.touch(at_page(0), at_page(64));
  fall(40);
  memory.vmas[0].end = at_page(64);  // grown again: its question is under way
  rooms.heap.take_fall(process);
  EXPECT_THAT(ranges(EventKind::kUnmap), IsEmpty()) << "only the question of the growth says from where it began";
  grow(40, 64);
  EXPECT_THAT(ranges(EventKind::kUnmap), ElementsAre(Pair(at_page(40), at_page(64))));
  EXPECT_EQ(process.pages.count(PageBit::kTouched), 40u);
}

TEST_F(HeapBreakTest, AFallOutsideOfTheHeapIsNoFall) {
  (*process.shared)->break_fell.store(at_page(64));
  rooms.heap.take_fall(process);
  (*process.shared)->break_fell.store(kStart - kPage);
  rooms.heap.take_fall(process);
  EXPECT_THAT(sink.events, IsEmpty());
  EXPECT_EQ(process.heap.end, at_page(64));
}

TEST_F(HeapBreakTest, WhereNothingSaidThatTheBreakFellPagesThatAreThereStayKnown) {
  process.pages.touch(at_page(0), at_page(64));
  memory.touch(at_page(0), 50);
  fall(40, false);
  memory.touch(at_page(40), 2);
  grow(40, 64);
  EXPECT_THAT(ranges(EventKind::kAdviseDontneed), ElementsAre(Pair(at_page(42), at_page(64))));
  EXPECT_EQ(process.pages.count(PageBit::kTouched), 42u);
}

TEST_F(HeapBreakTest, TheFirstGrowthOfAnUnknownHeapBeginsIt) {
  process.heap = {};
  process.map.clear();
  grow(64, 97);
  EXPECT_EQ(process.heap.start, at_page(64));
  EXPECT_EQ(process.heap.end, at_page(97));
}

TEST_F(HeapBreakTest, NoGrowthIsNoQuestion) {
  ring::Request question;
  question.address = at_page(64);
  rooms.heap.take_growth(process, question);
  EXPECT_THAT(sink.events, IsEmpty());
}

}  // namespace
}  // namespace oomcast::record
