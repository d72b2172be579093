// Which pages are taken out of the program's page table, and what brings them back.
#include "preload/record/capture/stash.h"

#include <gtest/gtest.h>

#include "tests/preload/record/fake_stash.h"
#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class StashTest : public RoomsTest {
 protected:
  StashTest() {
    share_area(process);
    learn(fake, {.start = kStart, .end = at_page(64), .readable = true, .writable = true, .name = {}});
    for (uint64_t page = 0; page < 16; ++page) process.pages.touch(at_page(page));
    process.stash.possible = true;
    Stash::begin(process, std::make_unique<FakeStash>(kernel));
  }
  /// The sink has asked for the next use of these pages.
  void evict(uint64_t from, uint64_t to) {
    std::vector<uint64_t> pages;
    for (uint64_t page = from; page < to; ++page) pages.push_back(at_page(page));
    rooms.feed.watch_again(process, pages);
    rooms.feed.arm_watches();
  }
  void fault(uint64_t page, uint64_t flags) {
    uffd_msg message{};
    message.event = UFFD_EVENT_PAGEFAULT;
    message.arg.pagefault.address = at_page(page);
    message.arg.pagefault.flags = flags;
    message.arg.pagefault.feat.ptid = kFirstPid;
    fake.channel.messages.push_back(message);
    rooms.faults.serve(process);
  }
  void event(uint8_t kind, uint64_t from, uint64_t to) {
    uffd_msg message{};
    message.event = kind;
    message.arg.remove.start = at_page(from);
    message.arg.remove.end = at_page(to);
    fake.channel.messages.push_back(message);
    rooms.faults.serve(process);
  }
  bool stashed(uint64_t page) const { return process.pages.test(PageBit::kStashed, at_page(page)); }

  FakeStash::Kernel kernel;
  FakeProcess fake = add_held();
  Process& process = fake.process;
};

TEST_F(StashTest, PagesThatTheTargetEvictsAreTakenOutWithOneCommand) {
  evict(0, 8);
  EXPECT_THAT(kernel.out, SizeIs(8));
  EXPECT_EQ(kernel.commands, 1);
  EXPECT_TRUE(stashed(7));
  EXPECT_FALSE(process.pages.test(PageBit::kWatched, at_page(7)));
}

TEST_F(StashTest, APageThatCannotBeTakenOutIsWatchedForWrites) {
  kernel.stuck = {at_page(1)};
  evict(0, 2);
  EXPECT_TRUE(stashed(0));
  EXPECT_FALSE(stashed(1));
  EXPECT_TRUE(process.pages.test(PageBit::kWatched, at_page(1)));
  EXPECT_TRUE(fake.channel.armed.contains(at_page(1)));
  EXPECT_EQ(rooms.notes.pages_not_stashed, 1u);
}

TEST_F(StashTest, APageThatIsSharedSinceAForkStaysWhereItIs) {
  process.pages.set(PageBit::kForked, at_page(0), true);
  evict(0, 1);
  EXPECT_THAT(kernel.out, IsEmpty());
  EXPECT_TRUE(process.pages.test(PageBit::kWatched, at_page(0)));
}

TEST_F(StashTest, AReadOfAPageThatIsOutIsItsUse) {
  evict(0, 2);
  fault(1, 0);
  const auto uses = events(EventKind::kReference);
  ASSERT_THAT(uses, SizeIs(1));
  EXPECT_EQ(uses[0].address, at_page(1));
  EXPECT_EQ(uses[0].flags & trace::kWrite, 0);
  EXPECT_EQ(uses[0].tid, kFirstPid);
  EXPECT_FALSE(stashed(1));
  EXPECT_THAT(kernel.out, ElementsAre(at_page(0)));
  EXPECT_TRUE(fake.channel.woken.contains(at_page(1)));
}

TEST_F(StashTest, AWriteOfAPageThatIsOutIsItsUse) {
  evict(0, 1);
  fault(0, UFFD_PAGEFAULT_FLAG_WRITE);
  ASSERT_THAT(events(EventKind::kReference), SizeIs(1));
  EXPECT_NE(events(EventKind::kReference)[0].flags & trace::kWrite, 0);
}

TEST_F(StashTest, WhatTwoThreadsReadAtOnceIsUsedOnce) {
  evict(0, 1);
  fault(0, 0);
  fake.channel.there.insert(at_page(0));  // it is back
  fault(0, 0);
  EXPECT_THAT(events(EventKind::kReference), SizeIs(1));
  EXPECT_THAT(events(EventKind::kTouch), IsEmpty());
}

TEST_F(StashTest, NothingIsFilledWhereAPageIsOut) {
  evict(0, 1);
  process.pages.clear(kStart, at_page(16));  // whatever else is forgotten
  EXPECT_TRUE(stashed(0));
  EXPECT_FALSE(process.pages.blank(at_page(0)));
}

TEST_F(StashTest, APageThatIsOutHasNotGone) {
  evict(0, 4);
  rooms.poller.reconcile(process, {{kStart, at_page(4)}});
  EXPECT_THAT(ranges(EventKind::kAdviseDontneed), IsEmpty());
  EXPECT_TRUE(process.pages.test(PageBit::kTouched, at_page(3)));
}

TEST_F(StashTest, WhatTheProgramGivesBackIsDropped) {
  evict(0, 4);
  event(UFFD_EVENT_REMOVE, 0, 2);
  EXPECT_THAT(kernel.out, ElementsAre(at_page(2), at_page(3)));
  EXPECT_FALSE(stashed(0));
}

TEST_F(StashTest, WhatTheProgramMovesIsOutAtItsNewPlace) {
  evict(0, 1);
  uffd_msg message{};
  message.event = UFFD_EVENT_REMAP;
  message.arg.remap.from = kStart;
  message.arg.remap.to = at_page(1024);
  message.arg.remap.len = 16 * kPage;
  fake.channel.messages.push_back(message);
  rooms.faults.serve(process);
  EXPECT_THAT(kernel.moved, ElementsAre(Pair(at_page(0), at_page(1024))));
  EXPECT_THAT(kernel.out, ElementsAre(at_page(1024))) << "its use is waited for still";
}

TEST_F(StashTest, WhileAnEventIsUnreadTheThreadComesAgain) {
  evict(0, 2);
  kernel.event_unread = true;
  fault(0, 0);
  EXPECT_TRUE(stashed(0));
  EXPECT_THAT(events(EventKind::kReference), IsEmpty());
  rooms.filler.try_again(process, true);
  EXPECT_TRUE(fake.channel.woken.contains(at_page(0)));
  EXPECT_FALSE(fake.channel.there.contains(at_page(0))) << "its content is in the stash";
  kernel.event_unread = false;
  fault(0, 0);
  EXPECT_FALSE(stashed(0));
  EXPECT_THAT(events(EventKind::kReference), SizeIs(1));
}

TEST_F(StashTest, NothingIsFilledWhereAMoveIsGoingToBringAPage) {
  evict(0, 1);
  kernel.event_unread = true;
  rooms.mappings.remap(process, kStart, at_page(32), 16 * kPage);
  fault(32, UFFD_PAGEFAULT_FLAG_WRITE);
  EXPECT_FALSE(fake.channel.there.contains(at_page(32)));
  kernel.event_unread = false;
  fault(32, UFFD_PAGEFAULT_FLAG_WRITE);
  EXPECT_THAT(kernel.moved, ElementsAre(Pair(at_page(0), at_page(32))));
}

// An event of a thread that populates locked memory inside of mremap() cannot be read before its fault is answered.
TEST_F(StashTest, WhatIsNotDoneYetKeepsNoOtherMemoryFromBeingLetGo) {
  evict(0, 1);
  kernel.event_unread = true;
  rooms.mappings.unmap(process, kStart, at_page(1));
  EXPECT_TRUE(Stash::has_any(process, kStart, at_page(1)));
  EXPECT_FALSE(Stash::has_any(process, at_page(8), at_page(16)));
  fault(20, UFFD_PAGEFAULT_FLAG_WRITE);
  EXPECT_TRUE(fake.channel.there.contains(at_page(20)));
}

TEST_F(StashTest, MemoryIsRegisteredAfterWhatWasOutThereIsBack) {
  evict(0, 4);
  kernel.event_unread = true;
  EXPECT_FALSE(rooms.mappings.register_memory(process, kStart, at_page(16)));
  kernel.event_unread = false;
  EXPECT_TRUE(rooms.mappings.register_memory(process, kStart, at_page(16)));
  EXPECT_THAT(kernel.out, IsEmpty());
  rooms.feed.arm_watches();
  EXPECT_THAT(kernel.out, SizeIs(4)) << "and is waited for again";
}

TEST_F(StashTest, PollingBeginsWhenAllIsBack) {
  evict(0, 4);
  rooms.filler.poll_from_now_on(process);
  EXPECT_THAT(kernel.out, IsEmpty());
  EXPECT_EQ(process.stash.helper, nullptr);
}

TEST_F(StashTest, AHelperThatWasKilledIsOutlivedByTheContent) {
  evict(0, 2);
  kernel.helper_ended = true;
  fake.memory.touch(at_page(0) + FakeStash::kDistance, 2);
  fault(1, 0);
  fault(1, 0);  // the thread comes again
  EXPECT_TRUE(fake.channel.copied.contains(at_page(0)));
  EXPECT_TRUE(fake.channel.copied.contains(at_page(1)));
  EXPECT_FALSE(stashed(0));
  EXPECT_TRUE(rooms.notes.stash_lost);
  evict(4, 5);
  EXPECT_TRUE(process.pages.test(PageBit::kWatched, at_page(4)));
}

TEST_F(StashTest, ContentIsReadWhereItLies) {
  evict(0, 1);
  fake.memory.touch(at_page(0) + FakeStash::kDistance, 1);  // out, and nothing in its place
  fake.memory.touch(at_page(1), 1);
  std::array<char, 2 * kPage> content{};
  EXPECT_EQ(read_memory(process, kStart, content.data(), content.size()), content.size());
  EXPECT_EQ(content.front(), 1);
  EXPECT_EQ(content.back(), 1);
}

TEST_F(StashTest, AForkThatNoHookHasSeenGetsCopies) {
  evict(0, 2);
  rooms.stash.give_to_child(process, 7);
  EXPECT_THAT(kernel.children, ElementsAre(7));
  EXPECT_TRUE(stashed(0)) << "the parent's stay where they are";
}

}  // namespace
}  // namespace oomcast::record
