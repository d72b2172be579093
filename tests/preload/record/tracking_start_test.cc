// Which tracker a process gets after its hello, and what is done with the memory that it has by then.
#include "preload/record/tracking_start.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class TrackingStartTest : public RoomsTest {
 protected:
  explicit TrackingStartTest(RecordOptions with = options_of_test()) : RoomsTest(std::move(with)) {
    share_area(process);
  }
  static ring::Request hello(int refused_errno = 0, uint64_t flags = 0) {
    ring::Request said;
    said.userfaultfd_errno = refused_errno;
    said.flags = flags;
    return said;
  }
  /// A userfaultfd of the test's own memory; invalid: not allowed here.
  static FaultDescriptors own_userfaultfd() {
    FaultDescriptors descriptors;
    descriptors.all = UniqueFd(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK)));
    return descriptors;
  }
  std::vector<std::string> caveats_about_fake() const {
    std::vector<std::string> found;
    for (const std::string& caveat : rooms.notes.caveats())
      if (caveat.find("fake") != std::string::npos) found.push_back(caveat);
    return found;
  }

  EventLoop loop;
  TrackingStart tracking{options,       rooms.tracker, rooms.processes, rooms.phase, rooms.filler,
                         rooms.scanner, rooms.meter,   rooms.notes,     loop};
  FakeProcess fake = add_polled(static_cast<uint32_t>(::getpid()));
  Process& process = fake.process;
};

TEST_F(TrackingStartTest, AProcessThatWasRefusedAUserfaultfdIsPolledAndNamed) {
  process.fault_fd.reset();
  tracking.start(process, {}, hello(EPERM));
  EXPECT_EQ(process.tracker, TrackerKind::kPagemap);
  EXPECT_FALSE(process.fault_fd.valid());
  EXPECT_THAT(caveats_about_fake(), SizeIs(1));
}

TEST_F(TrackingStartTest, AProcessForkedFromOneThatGaveWayWasRefusedNothing) {
  process.fault_fd.reset();
  process.gives_way = true;
  tracking.start(process, {}, hello(EPERM));
  EXPECT_EQ(process.tracker, TrackerKind::kPagemap);
  EXPECT_THAT(caveats_about_fake(), IsEmpty());
}

TEST_F(TrackingStartTest, ADescriptorFromOutsideIsClosedForThatOfTheProcess) {
  process.tracker = TrackerKind::kUserfaultfd;
  process.exact = process.outside.held = true;
  tracking.start(process, {}, hello());
  EXPECT_FALSE(process.fault_fd.valid());
  EXPECT_FALSE(process.outside.held);
  EXPECT_EQ(process.tracker, TrackerKind::kPagemap);
}

TEST_F(TrackingStartTest, AUserfaultfdHoldsTheTouchesOnceThePhaseIsExact) {
  FaultDescriptors descriptors = own_userfaultfd();
  if (!descriptors.all) GTEST_SKIP() << "no userfaultfd is allowed here";
  process.fault_fd.reset();
  tracking.start(process, std::move(descriptors), hello());
  EXPECT_EQ(process.tracker, TrackerKind::kUserfaultfd);
  EXPECT_TRUE(process.fault_fd.valid());
  EXPECT_EQ(process.exact, rooms.phase.exact());
  EXPECT_THAT(caveats_about_fake(), IsEmpty());
}

TEST_F(TrackingStartTest, AUserfaultfdOfUserModeHoldsNoTouches) {
  FaultDescriptors descriptors = own_userfaultfd();
  if (!descriptors.all) GTEST_SKIP() << "no userfaultfd is allowed here";
  process.fault_fd.reset();
  tracking.start(process, std::move(descriptors), hello(0, ring::kUserModeOnly));
  EXPECT_NE(process.tracker, TrackerKind::kUserfaultfd);
  EXPECT_THAT(caveats_about_fake(), SizeIs(1));
}

TEST_F(TrackingStartTest, WhatGivesWayKeepsNoUserfaultfd) {
  FaultDescriptors descriptors = own_userfaultfd();
  process.fault_fd.reset();
  process.gives_way = true;
  tracking.start(process, std::move(descriptors), hello());
  EXPECT_EQ(process.tracker, TrackerKind::kPagemap);
  EXPECT_FALSE(process.fault_fd.valid());
}

/// In the exact phase, over one page range that is really mapped.
class ExactTrackingStartTest : public TrackingStartTest {
 protected:
  static constexpr uint64_t kPages = 8;
  ExactTrackingStartTest()
      : TrackingStartTest(RecordOptions{}),
        mapped(::mmap(nullptr, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
        start(reinterpret_cast<uint64_t>(mapped)) {
    fake.memory.map(start, kPages);
  }
  ~ExactTrackingStartTest() override {
    process.fault_fd.reset();  // or munmap() would wait until its event is read
    ::munmap(mapped, kPages * kPage);
  }

  void* mapped;
  uint64_t start;
};

TEST_F(ExactTrackingStartTest, InheritedPagesAreArmedAgain) {
  FaultDescriptors descriptors = own_userfaultfd();
  if (!descriptors.all) GTEST_SKIP() << "no userfaultfd is allowed here";
  process.fault_fd.reset();
  process.pages.touch(start, start + kPage);
  fake.memory.touch(start, 1);
  process.pages.set(PageBit::kPrefilled, start + kPage, true);
  fake.memory.touch(start + kPage, 1);
  tracking.start(process, std::move(descriptors), hello());
  ASSERT_TRUE(process.tracked_by_faults());
  EXPECT_TRUE(process.map.find(start)->registered);
  EXPECT_TRUE(process.pages.test(PageBit::kPrefilledArmed, start + kPage)) << "no walk goes on there";
  EXPECT_TRUE((*process.shared)->touched.contains(start)) << "what it has inherited counts as touched";
}

}  // namespace
}  // namespace oomcast::record
