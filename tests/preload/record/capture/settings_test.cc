// What the guest asks of the kernel for its memory becomes an event, of the process that it is for.
#include "preload/record/capture/settings.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class SettingsTest : public RoomsTest {
 protected:
  SettingsTest() : fake(add_polled()), process(fake.process) {}

  trace::Event note(EventKind kind) const {
    trace::Event event;
    event.kind = kind;
    event.tid = process.pid;
    return event;
  }

  FakeProcess fake;
  Process& process;
};

TEST_F(SettingsTest, APolicyOfAThreadIsPassedOnWithTheThread) {
  trace::Event policy = note(EventKind::kSetPolicy);
  policy.tid = 77;
  policy.address = 0b11;
  policy.flags = static_cast<uint8_t>(trace::PolicyMode::kInterleave);
  rooms.settings.take_note(process, policy);
  ASSERT_THAT(sink.events, SizeIs(1));
  EXPECT_EQ(sink.events[0].tid, 77u);
  EXPECT_EQ(sink.events[0].address, 0b11u);
  EXPECT_EQ(sink.events[0].flags, policy.flags);
}

TEST_F(SettingsTest, AModeThatNoKernelHasIsLeftOut) {
  trace::Event policy = note(EventKind::kSetPolicy);
  policy.flags = static_cast<uint8_t>(trace::PolicyMode::kWeightedInterleave) + 1;
  rooms.settings.take_note(process, policy);
  EXPECT_THAT(sink.events, IsEmpty());
}

TEST_F(SettingsTest, ALockIsPassedOnWhereItIs) {
  trace::Event lock = note(EventKind::kLock);
  lock.address = 0x7f0000000000;
  lock.bytes = 8192;
  lock.flags = trace::kLocked;
  rooms.settings.take_note(process, lock);
  lock = note(EventKind::kLockAll);
  lock.flags = trace::kLockCurrent | trace::kLockFuture;
  rooms.settings.take_note(process, lock);
  ASSERT_THAT(sink.events, SizeIs(2));
  EXPECT_EQ(sink.events[0].bytes, 8192u);
  EXPECT_EQ(sink.events[0].flags, trace::kLocked);
  EXPECT_EQ(sink.events[1].kind, EventKind::kLockAll);
  EXPECT_EQ(sink.events[1].flags, trace::kLockCurrent | trace::kLockFuture);
}

TEST_F(SettingsTest, ALimitOfAnotherProcessIsThatProcesss) {
  add_polled(kSecondPid);
  trace::Event limit = note(EventKind::kLimit);
  limit.address = RLIMIT_AS;
  limit.bytes = kSecondPid;
  limit.argument = 1 << 30;
  rooms.settings.take_note(process, limit);
  ASSERT_THAT(sink.events, SizeIs(1));
  EXPECT_EQ(sink.events[0].pid, kSecondPid);
  EXPECT_EQ(sink.events[0].bytes, 0u);
  limit.bytes = 999;  // none of the run
  rooms.settings.take_note(process, limit);
  EXPECT_THAT(sink.events, SizeIs(1));
}

TEST_F(SettingsTest, AffinityIsPassedOnOfTheThreadThatItIsFor) {
  trace::Event affinity = note(EventKind::kAffinity);
  affinity.tid = 77;
  process.tasks[77] = nullptr;
  rooms.settings.take_note(process, affinity);
  ASSERT_THAT(sink.events, SizeIs(1));
  EXPECT_EQ(sink.events[0].pid, process.pid);
  EXPECT_EQ(sink.events[0].tid, 77u);
  process.tasks.clear();
}

TEST_F(SettingsTest, AffinityOfAThreadOfAnotherProgramIsNotTheRuns) {
  trace::Event affinity = note(EventKind::kAffinity);
  affinity.tid = static_cast<uint32_t>(::getpid());  // the test's
  rooms.settings.take_note(process, affinity);
  EXPECT_THAT(sink.events, IsEmpty());
}

TEST_F(SettingsTest, MemoryIsKnownToTheSinkBeforeItGetsAPolicy) {
  fake.memory.map(at_page(0), 4);
  fake.memory.map(at_page(4), 4, false);
  trace::Event bind = note(EventKind::kBindRange);
  bind.address = at_page(1);
  bind.bytes = 6 * kPage;
  bind.argument = 1;
  rooms.settings.take_note(process, bind);
  EXPECT_THAT(ranges(EventKind::kMap), ElementsAre(Pair(at_page(0), at_page(4)), Pair(at_page(4), at_page(8))));
  EXPECT_EQ(sink.events.back().kind, EventKind::kBindRange);
}

TEST_F(SettingsTest, WhoSwitchesHugePagesOffIsRemembered) {
  trace::Event off = note(EventKind::kThpDisable);
  off.address = 1;
  rooms.settings.take_note(process, off);
  EXPECT_TRUE(process.huge_pages_off);
  off.address = 0;
  rooms.settings.take_note(process, off);
  EXPECT_FALSE(process.huge_pages_off);
}

TEST_F(SettingsTest, LimitsThatAProgramIsBornWithAreReportedUnlessThereAreNone) {
  FakeProcess self = add_polled(static_cast<uint32_t>(::getpid()));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_DATA, &before), 0);
  rlimit limited = before;
  limited.rlim_cur = std::min<rlim_t>(before.rlim_max, uint64_t{1} << 40);
  ASSERT_EQ(::setrlimit(RLIMIT_DATA, &limited), 0);
  rooms.settings.report_limits(self.process);
  ::setrlimit(RLIMIT_DATA, &before);
  const std::vector<trace::Event> limits = events(EventKind::kLimit);
  const auto data = std::find_if(limits.begin(), limits.end(),
                                 [](const trace::Event& event) { return event.address == RLIMIT_DATA; });
  ASSERT_NE(data, limits.end());
  EXPECT_EQ(data->argument, limited.rlim_cur);
}

}  // namespace
}  // namespace oomcast::record
