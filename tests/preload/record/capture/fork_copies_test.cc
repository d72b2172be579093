// Pages that a fork shares count once until the kernel has copied them.
#include "preload/record/capture/fork_copies.h"

#include <gmock/gmock.h>

#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

constexpr FakePage kShared{.mapped_once = false};

class ForkCopiesTest : public RoomsTest {
 protected:
  static constexpr uint64_t kPages = 16;
  ForkCopiesTest() : parent(add_polled(kFirstPid)) {
    add_area(parent.process);
    parent.process.pages.touch(at_page(0), at_page(kPages));
    parent.memory.touch(at_page(0), kPages);
  }

  static void add_area(Process& process) {
    Area area;
    area.start = kStart;
    area.end = at_page(20'000);
    area.writable = area.anonymous = area.reported = true;
    process.map.insert(area);
  }
  /// As after fork() and the hello of the child.
  FakeProcess fork_child(uint32_t pid = kSecondPid) {
    FakeProcess child = add_polled(pid);
    rooms.copies.share(parent.process, child.process);
    child.process.pages = parent.process.pages;
    add_area(child.process);
    for (auto& [at, page] : parent.memory.pages) page.mapped_once = false;
    child.memory.pages = parent.memory.pages;
    return child;
  }
  /// The process writes to the page, of which the other one has the original then.
  static void copy(FakeProcess& writer, FakeProcess& other, uint64_t page) {
    writer.memory.pages[at_page(page)].mapped_once = true;
    other.memory.pages[at_page(page)].mapped_once = true;
  }

  FakeProcess parent;
};

TEST_F(ForkCopiesTest, AForkCopiesNothing) {
  FakeProcess child = fork_child();
  rooms.copies.scan(child.process, true);
  rooms.copies.scan(parent.process, true);
  EXPECT_THAT(sink.events, IsEmpty());
  EXPECT_EQ(rooms.notes.copied_pages, 0u);
}

TEST_F(ForkCopiesTest, OneCopyIsReportedOnceAndAsTheYoungersWhoeverIsScannedFirst) {
  FakeProcess child = fork_child();
  copy(parent, child, 3);
  rooms.copies.scan(parent.process, true);
  rooms.copies.scan(child.process, true);
  EXPECT_THAT(written(child.process), ElementsAre(3));
  EXPECT_THAT(written(parent.process), IsEmpty());
  EXPECT_EQ(rooms.notes.copied_pages, 1u);
}

TEST_F(ForkCopiesTest, OfThreeSharersTwoCopiesAreReported) {
  FakeProcess first = fork_child(kSecondPid), second = fork_child(kThirdPid);
  for (FakeProcess* one : {&parent, &first, &second}) one->memory.pages[at_page(5)].mapped_once = true;
  rooms.copies.scan(first.process, true);
  EXPECT_THAT(written(parent.process), IsEmpty());
  EXPECT_THAT(written(first.process), ElementsAre(5));
  EXPECT_THAT(written(second.process), ElementsAre(5));
}

TEST_F(ForkCopiesTest, ACopyWhileTwoOthersStillShareIsTheWritersEvenIfItIsTheOldest) {
  fork_child(kSecondPid);
  fork_child(kThirdPid);
  parent.memory.pages[at_page(5)].mapped_once = true;
  rooms.copies.scan(parent.process, true);
  EXPECT_THAT(written(parent.process), ElementsAre(5));
}

TEST_F(ForkCopiesTest, APageThatOneHasGivenBackIsNoCopy) {
  FakeProcess child = fork_child();
  child.memory.drop(at_page(3), 1);
  parent.memory.pages[at_page(3)].mapped_once = true;
  rooms.copies.scan(child.process, true);
  rooms.copies.scan(parent.process, true);
  EXPECT_THAT(sink.events, IsEmpty());
}

TEST_F(ForkCopiesTest, TheLastOfItsGroupWritesWithoutCopying) {
  FakeProcess child = fork_child();
  rooms.processes.erase(child.process.pid);
  for (auto& [at, page] : parent.memory.pages) page.mapped_once = true;
  rooms.copies.scan(parent.process, true);
  EXPECT_THAT(sink.events, IsEmpty());
  EXPECT_EQ(parent.process.forks.group, 0u);
  EXPECT_EQ(parent.process.pages.count(PageBit::kForked), 0u);
}

TEST_F(ForkCopiesTest, SharedMemoryIsNoCopyOnWriteMemory) {
  Area area;
  area.start = at_page(0);
  area.end = at_page(8);
  area.writable = area.anonymous = area.reported = area.shared = true;
  parent.process.map.insert(area);
  fork_child();
  EXPECT_EQ(parent.process.pages.count(PageBit::kForked), kPages - 8);
}

TEST_F(ForkCopiesTest, APageTouchedBeforeTheForkAndFoundInBothIsBorrowedByTheSecond) {
  FakeProcess child = fork_child();
  // Touched by the parent after its last scan, met in the parent first.
  parent.memory.touch(at_page(100), 2, kShared);
  child.memory.touch(at_page(100), 2, kShared);
  EXPECT_THAT(rooms.copies.borrow(parent.process, at_page(100), at_page(102)),
              ElementsAre(Pair(at_page(100), at_page(102))));
  parent.process.pages.touch(at_page(100), at_page(102));
  EXPECT_THAT(rooms.copies.borrow(child.process, at_page(100), at_page(102)), IsEmpty());
  EXPECT_EQ(child.process.pages.count(PageBit::kBorrowed), 2u);
  EXPECT_TRUE(child.process.pages.test(PageBit::kTouched, at_page(100))) << "it is resident there";
}

TEST_F(ForkCopiesTest, APageOfTheProcessesOwnIsNotBorrowed) {
  FakeProcess child = fork_child();
  parent.process.pages.touch(at_page(100));
  parent.memory.touch(at_page(100), 1, kShared);
  child.memory.touch(at_page(100), 1, {.mapped_once = true});
  EXPECT_THAT(rooms.copies.borrow(child.process, at_page(100), at_page(101)),
              ElementsAre(Pair(at_page(100), at_page(101))));
}

TEST_F(ForkCopiesTest, APageIsNotBorrowedOfOneWhoHasACopyByNow) {
  FakeProcess child = fork_child();
  parent.process.pages.touch(at_page(100));
  parent.memory.touch(at_page(100), 1, {.mapped_once = true});
  child.memory.touch(at_page(100), 1, kShared);  // with a third process, of another run
  EXPECT_THAT(rooms.copies.borrow(child.process, at_page(100), at_page(101)),
              ElementsAre(Pair(at_page(100), at_page(101))));
}

TEST_F(ForkCopiesTest, ABorrowedPageThatIsCopiedIsTheBorrowersTouch) {
  FakeProcess child = fork_child();
  parent.memory.touch(at_page(100), 1, kShared);
  child.memory.touch(at_page(100), 1, kShared);
  parent.process.pages.touch(at_page(100));
  rooms.copies.borrow(child.process, at_page(100), at_page(101));
  copy(child, parent, 100);
  rooms.copies.scan(child.process, true);
  EXPECT_THAT(written(child.process), ElementsAre(100));
  EXPECT_EQ(child.process.pages.count(PageBit::kBorrowed), 0u);
}

TEST_F(ForkCopiesTest, WhatALeavingProcessHasLentBelongsToItsBorrowerFromThenOn) {
  FakeProcess child = fork_child();
  parent.memory.touch(at_page(100), 1, kShared);
  child.memory.touch(at_page(100), 1, kShared);
  parent.process.pages.touch(at_page(100));
  rooms.copies.borrow(child.process, at_page(100), at_page(101));
  rooms.copies.return_loans(parent.process);
  ASSERT_THAT(written(child.process), ElementsAre(100));
  EXPECT_TRUE(events(EventKind::kTouch)[0].flags & trace::kTouchedBefore) << "it was touched once, by the parent";
}

TEST_F(ForkCopiesTest, ALoanThatAnotherRelativeStillHasStaysALoan) {
  FakeProcess child = fork_child(kSecondPid), other = fork_child(kThirdPid);
  for (FakeProcess* one : {&parent, &child, &other}) one->memory.touch(at_page(100), 1, kShared);
  parent.process.pages.touch(at_page(100));
  other.process.pages.touch(at_page(100));
  rooms.copies.borrow(child.process, at_page(100), at_page(101));
  rooms.copies.return_loans(parent.process);
  EXPECT_THAT(sink.events, IsEmpty());
  EXPECT_EQ(child.process.pages.count(PageBit::kBorrowed), 1u);
}

TEST_F(ForkCopiesTest, AScanInPassingGoesOnWhereTheLastOneEnded) {
  parent.process.pages.touch(at_page(0), at_page(17'000));
  parent.memory.touch(at_page(0), 17'000);
  FakeProcess child = fork_child();
  copy(child, parent, 1);
  copy(child, parent, 16'900);  // behind the 16,384 pages that one poll may take
  rooms.copies.scan(child.process, false);
  EXPECT_THAT(written(child.process), ElementsAre(1));
  rooms.copies.scan(child.process, false);
  EXPECT_THAT(written(child.process), ElementsAre(1, 16'900));
}

TEST_F(ForkCopiesTest, WhatAChildHasFromItsParentIsAllThatTheParentHadWhateverScansHaveFound) {
  parent.memory.touch(at_page(100), 50);
  parent.process.resident.counted_pages = kPages;
  // The child has no /proc here: what is known of the parent is all there is.
  EXPECT_EQ(ForkCopies::inherited_pages(parent.process, UINT32_MAX), kPages);
}

}  // namespace
}  // namespace oomcast::record
