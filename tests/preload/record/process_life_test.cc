// Processes come by fork, exec or without a hello, and leave; what one has from another counts once.
#include "preload/record/process_life.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "preload/record/kernel/shared_address_space.h"
#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

/// A forked copy of the test that waits until the test has done with it.
class SleepingChild {
 public:
  SleepingChild() : pid_(::fork()) {
    if (pid_ == 0)
      for (;;) ::pause();
  }
  ~SleepingChild() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  SleepingChild(const SleepingChild&) = delete;
  SleepingChild& operator=(const SleepingChild&) = delete;
  uint32_t pid() const { return static_cast<uint32_t>(pid_); }

 private:
  pid_t pid_;
};

class ProcessLifeTest : public RoomsTest {
 protected:
  ProcessLifeTest() : parent(add_polled(kFirstPid)) {
    Area area;
    area.start = at_page(0);
    area.end = at_page(64);
    area.writable = area.anonymous = area.reported = area.registered = true;
    parent.process.map.insert(area);
    parent.process.pages.touch(at_page(0), at_page(10));
    rooms.meter.update(parent.process);
  }

  static ring::Request hello(ring::RequestKind kind, uint32_t said_parent = 0) {
    ring::Request said;
    said.kind = kind;
    said.argument = said_parent;
    return said;
  }
  /// The parent of the story says hello.
  Process& says_hello(KnownBy known_by, bool has_memory, ring::RequestKind kind = ring::RequestKind::kHello) {
    parent.process.life.known_by = known_by;
    if (has_memory) parent.memory.map(at_page(0), 64);
    return life.process_of_hello(kFirstPid, hello(kind));
  }

  std::string socket_name = "@oomcast-of-the-test";
  EventLoop loop;
  ProcessLife life{rooms, loop, socket_name};
  FakeProcess parent;
};

TEST_F(ProcessLifeTest, AChildHasItsParentsMemoryAndNoneOfItIsRegistered) {
  FakeProcess child = add_polled(kSecondPid);
  life.inherit_from(child.process, parent.process);
  EXPECT_EQ(child.process.pages.count(PageBit::kTouched), 10u);
  ASSERT_NE(child.process.map.find(at_page(0)), nullptr);
  EXPECT_FALSE(child.process.map.find(at_page(0))->registered) << "registration does not pass over a fork";
  EXPECT_TRUE(parent.process.map.find(at_page(0))->registered);
  EXPECT_EQ(child.process.comm, "fake");
  EXPECT_EQ(child.process.forks.group, parent.process.forks.group);
}

TEST_F(ProcessLifeTest, PagesThatAreWatchedInTheParentAreNotWatchedInTheChild) {
  parent.process.pages.set(PageBit::kWatched, at_page(3), true);
  FakeProcess child = add_polled(kSecondPid);
  life.inherit_from(child.process, parent.process);
  EXPECT_EQ(child.process.pages.count(PageBit::kWatched), 0u) << "write protection does not pass over a fork";
  EXPECT_EQ(parent.process.pages.count(PageBit::kWatched), 1u);
}

TEST_F(ProcessLifeTest, PagesOfSharedMemoryAChildFaultsInForItself) {
  Area shared;
  shared.start = at_page(32);
  shared.end = at_page(64);
  shared.writable = shared.anonymous = shared.reported = shared.shared = true;
  parent.process.map.insert(shared);
  parent.process.pages.touch(at_page(40), at_page(44));
  FakeProcess child = add_polled(kSecondPid);
  life.inherit_from(child.process, parent.process);
  EXPECT_EQ(child.process.pages.count(PageBit::kTouched), 10u);
}

TEST_F(ProcessLifeTest, AChildGoesByItsParentsWord) {
  parent.process.gives_way = true;
  FakeProcess child = add_polled(kSecondPid);
  life.inherit_from(child.process, parent.process);
  EXPECT_TRUE(child.process.gives_way);
}

TEST_F(ProcessLifeTest, AnotherProgramBeginsWithNothing) {
  parent.process.heap = {at_page(0), at_page(8), 0};
  parent.process.maps_shared_memory = true;
  parent.process.held.unclosed.emplace_back();
  parent.process.held.let_go.emplace_back(at_page(0), at_page(1));
  life.begin_other_program(parent.process);
  EXPECT_THAT(parent.process.held.unclosed, IsEmpty()) << "a walk of the program before";
  EXPECT_THAT(parent.process.held.let_go, IsEmpty());
  EXPECT_THAT(events(EventKind::kExec), SizeIs(1));
  EXPECT_EQ(parent.process.pages.count(PageBit::kTouched), 0u);
  EXPECT_THAT(parent.process.map.areas(), IsEmpty());
  EXPECT_EQ(parent.process.heap.start, 0u);
  EXPECT_FALSE(parent.process.fault_fd.valid());
  EXPECT_EQ(rooms.meter.tracked_pages(), 0u);
}

TEST_F(ProcessLifeTest, WhoeverIsDroppedCountsNoMore) {
  parent.memory.touch(at_page(0), 10);
  rooms.meter.read_resident(parent.process);
  life.drop(kFirstPid);
  EXPECT_EQ(rooms.processes.find(kFirstPid), nullptr);
  EXPECT_EQ(rooms.meter.tracked_pages(), 0u);
  EXPECT_EQ(rooms.meter.rss_total_bytes(), 0u);
  life.drop(kFirstPid);  // twice is once
}

TEST_F(ProcessLifeTest, WhoseHelloComesLateHasLoadedTheLibraryAllTheSame) {
  FakeProcess late = add_held(kSecondPid), never = add_held(kThirdPid);
  rooms.notes.use_tracker(TrackerKind::kUserfaultfd);
  late.process.comm = "late";
  never.process.comm = "never";
  late.process.outside.held = never.process.outside.held = true;
  late.process.life.known_by = KnownBy::kHello;
  life.drop(kSecondPid);
  life.drop(kThirdPid);
  EXPECT_THAT(rooms.notes.caveats(), testing::Contains(testing::HasSubstr("opened inside of them: never.")));
}

TEST_F(ProcessLifeTest, WhatAProgramWasBeforeItsExecIsSaid) {
  rooms.notes.use_tracker(TrackerKind::kUserfaultfd);
  parent.process.outside.refusal = EACCES;
  life.begin_other_program(parent.process);
  parent.process.life.known_by = KnownBy::kHello;
  life.drop(kFirstPid);
  EXPECT_THAT(rooms.notes.caveats(), testing::Contains(testing::HasSubstr("fake (Permission denied)")));
}

TEST_F(ProcessLifeTest, LostNotesAreCountedWhenTheirProcessLeaves) {
  share_area(parent.process);
  (*parent.process.shared)->ring.dropped.store(17);
  life.drop(kFirstPid);
  EXPECT_EQ(rooms.notes.lost_notes, 17u);
}

TEST_F(ProcessLifeTest, ANewProcessIsScannedSoonAndHasItsParentsSettings) {
  const SleepingChild child;
  parent.process.adj = 321;
  parent.process.huge_pages_off = true;
  parent.process.forks.pending_children[child.pid()] = 0;
  Process& added = life.add(child.pid(), kFirstPid, 5);
  EXPECT_TRUE(added.pidfd);
  EXPECT_EQ(added.adj, 321);
  EXPECT_TRUE(added.huge_pages_off);
  EXPECT_EQ(added.scans.next_ns, clocks.now + 20'000'000);
  EXPECT_EQ(added.resident.inherited_pages, 5u);
  EXPECT_THAT(parent.process.forks.pending_children, IsEmpty()) << "it counts as a process of its own from now on";
}

TEST_F(ProcessLifeTest, AChildWithoutAHelloIsAddedAfterATenthOfASecond) {
  const SleepingChild child;
  rooms.notes.use_tracker(TrackerKind::kUserfaultfd);
  FakeProcess self = add_polled(static_cast<uint32_t>(::getpid()));
  self.process.life.known_by = KnownBy::kHello;
  self.process.tasks[self.process.pid] = nullptr;
  rooms.processes.root = {self.process.pid, false};
  for (uint64_t tick = 100; tick < 105; ++tick) life.discover_children(tick);
  EXPECT_EQ(rooms.processes.find(child.pid()), nullptr) << "it may say hello yet";
  life.discover_children(105);
  Process* const added = rooms.processes.find(child.pid());
  ASSERT_NE(added, nullptr);
  EXPECT_EQ(added->life.known_by, KnownBy::kFind);
  EXPECT_GT(added->pages.count(PageBit::kTouched), 0u);
  const std::string comm = added->comm;
  self.process.tasks.clear();
  life.drop(child.pid());
  EXPECT_THAT(rooms.notes.caveats(), testing::Contains(testing::HasSubstr(comm))) << "the report names it";
}

TEST_F(ProcessLifeTest, AChildOfAParentWithoutTheLibraryIsAddedSooner) {
  const SleepingChild child;
  FakeProcess self = add_polled(static_cast<uint32_t>(::getpid()));
  self.process.tasks[self.process.pid] = nullptr;
  for (uint64_t tick = 101; tick < 103; ++tick) life.discover_children(tick);
  EXPECT_EQ(rooms.processes.find(child.pid()), nullptr) << "it may exec yet";
  life.discover_children(103);
  EXPECT_NE(rooms.processes.find(child.pid()), nullptr);
  self.process.tasks.clear();
  life.drop(child.pid());
}

TEST_F(ProcessLifeTest, ASearchForSomeChildrenDoesNotForgetTheOthers) {
  const SleepingChild child;
  FakeProcess self = add_polled(static_cast<uint32_t>(::getpid()));
  self.process.life.known_by = KnownBy::kHello;
  self.process.tasks[self.process.pid] = nullptr;
  for (uint64_t tick = 100; tick < 105; ++tick) life.discover_children(tick);
  life.discover_children(105);
  EXPECT_NE(rooms.processes.find(child.pid()), nullptr) << "first seen at tick 100";
  self.process.tasks.clear();
  life.drop(child.pid());
}

TEST_F(ProcessLifeTest, AChildThatHasItsParentsAddressSpaceIsNoProcessOfItsOwnYet) {
  char stack[16384];
  const pid_t child = ::clone(
      [](void*) {
        for (;;) ::pause();
        return 0;
      },
      stack + sizeof stack, CLONE_VM | SIGCHLD, nullptr);
  ASSERT_GT(child, 0);
  if (!share_address_space(static_cast<uint32_t>(child), static_cast<uint32_t>(::getpid()))) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    GTEST_SKIP() << "this kernel has no kcmp()";
  }
  FakeProcess self = add_polled(static_cast<uint32_t>(::getpid()));
  self.process.tasks[self.process.pid] = nullptr;
  for (uint64_t tick = 100; tick < 120; ++tick) life.discover_children(tick);
  EXPECT_EQ(rooms.processes.find(static_cast<uint32_t>(child)), nullptr);
  self.process.tasks.clear();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST_F(ProcessLifeTest, AProgramWithoutTheLibraryThatExecsIsAnotherProgram) {
  parent.process.fault_fd.reset();
  EXPECT_TRUE(life.lives_on(parent.process, clocks.now));
  parent.memory.alive = false;  // the address space that was scanned
  EXPECT_FALSE(life.lives_on(parent.process, clocks.now)) << "exec or exit";
  EXPECT_THAT(events(EventKind::kExec), IsEmpty());
  clocks.now += ProcessLife::kMemoryGoneGraceNs;
  EXPECT_FALSE(life.lives_on(parent.process, clocks.now));
  EXPECT_THAT(events(EventKind::kExec), SizeIs(1));
  EXPECT_EQ(parent.process.pages.count(PageBit::kTouched), 0u);
}

TEST_F(ProcessLifeTest, AForkedChildThatSaysHelloIsACopyOfItsParent) {
  Process& child = life.process_of_hello(kSecondPid, hello(ring::RequestKind::kHelloForked, kFirstPid));
  EXPECT_EQ(child.pid, kSecondPid);
  EXPECT_EQ(child.parent, kFirstPid);
  EXPECT_EQ(child.pages.count(PageBit::kTouched), 10u);
  ASSERT_THAT(events(EventKind::kFork), SizeIs(1));
  EXPECT_EQ(events(EventKind::kFork)[0].pid, kFirstPid);
  EXPECT_EQ(events(EventKind::kFork)[0].address, kSecondPid);
  EXPECT_THAT(events(EventKind::kProcessStart), IsEmpty());
}

TEST_F(ProcessLifeTest, AForkedChildOfAnUnknownParentBeginsWithNothing) {
  Process& child = life.process_of_hello(kSecondPid, hello(ring::RequestKind::kHelloForked, kThirdPid));
  EXPECT_EQ(child.pages.count(PageBit::kTouched), 0u);
  EXPECT_THAT(events(EventKind::kFork), IsEmpty());
  ASSERT_THAT(events(EventKind::kProcessStart), SizeIs(1));
  EXPECT_EQ(events(EventKind::kProcessStart)[0].address, 0u) << "a parent that the sink does not know";
}

TEST_F(ProcessLifeTest, ASpawnedChildHasItsParentsFilesAndNoMemory) {
  parent.process.files.use.begun = true;
  Process& child = life.process_of_hello(kSecondPid, hello(ring::RequestKind::kHello, kFirstPid));
  EXPECT_EQ(child.pages.count(PageBit::kTouched), 0u);
  EXPECT_TRUE(child.files.use.begun);
  ASSERT_THAT(events(EventKind::kProcessStart), SizeIs(1));
  EXPECT_EQ(events(EventKind::kProcessStart)[0].address, kFirstPid);
  EXPECT_THAT(events(EventKind::kFork), IsEmpty());
}

TEST_F(ProcessLifeTest, ASpawnedChildOfAnUnknownParentHasNoParent) {
  life.process_of_hello(kSecondPid, hello(ring::RequestKind::kHello, kThirdPid));
  ASSERT_THAT(events(EventKind::kProcessStart), SizeIs(1));
  EXPECT_EQ(events(EventKind::kProcessStart)[0].address, 0u);
}

TEST_F(ProcessLifeTest, TheProgramThatIsKnownSaysHelloAndIsTheSame) {
  for (const KnownBy known_by : {KnownBy::kStart, KnownBy::kFind, KnownBy::kExec}) {
    EXPECT_EQ(&says_hello(known_by, true), &parent.process);
    EXPECT_THAT(events(EventKind::kExec), IsEmpty());
    EXPECT_EQ(parent.process.pages.count(PageBit::kTouched), 10u) << "what was scanned of it stays";
  }
}

TEST_F(ProcessLifeTest, AHelloFromOtherMemoryIsOfAnotherProgram) {
  for (const KnownBy known_by : {KnownBy::kStart, KnownBy::kFind, KnownBy::kExec}) {
    sink.events.clear();
    says_hello(known_by, false);
    EXPECT_THAT(events(EventKind::kExec), SizeIs(1));
    EXPECT_EQ(parent.process.pages.count(PageBit::kTouched), 0u);
  }
}

TEST_F(ProcessLifeTest, ASecondHelloIsOfAnotherProgram) {
  says_hello(KnownBy::kHello, true);
  EXPECT_THAT(events(EventKind::kExec), SizeIs(1));
  EXPECT_EQ(parent.process.pages.count(PageBit::kTouched), 0u);
}

TEST_F(ProcessLifeTest, AForkedChildThatWasFoundBeforeItsHelloIsKnownAsACopyAlready) {
  says_hello(KnownBy::kFind, false, ring::RequestKind::kHelloForked);
  EXPECT_THAT(sink.events, IsEmpty());
  EXPECT_EQ(parent.process.pages.count(PageBit::kTouched), 10u);
}

TEST_F(ProcessLifeTest, WhoStillRunsIsNamed) {
  const SleepingChild child;
  life.add(child.pid(), kFirstPid);
  const std::vector<std::string> running = life.still_running();
  EXPECT_THAT(running, testing::Contains(testing::HasSubstr("(pid " + std::to_string(child.pid()) + ")")));
}

}  // namespace
}  // namespace oomcast::record
