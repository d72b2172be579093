// What is mapped is reported once, registered where that is possible, and forgotten when it goes.
#include "preload/record/capture/mappings.h"

#include <gmock/gmock.h>

#include "preload/ring/file_notes.h"
#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class MappingsTest : public RoomsTest {
 protected:
  MappingsTest() : fake(add_held()), process(fake.process), memory(fake.memory), channel(fake.channel) {}

  static Vma anonymous(uint64_t start, uint64_t pages, bool writable = true) {
    Vma vma;
    vma.start = start;
    vma.end = start + pages * kPage;
    vma.readable = true;
    vma.writable = writable;
    return vma;
  }
  static Vma heap(uint64_t start, uint64_t pages) {
    Vma vma = anonymous(start, pages);
    vma.name = "[heap]";
    return vma;
  }

  FakeProcess fake;
  Process& process;
  FakeMemory& memory;
  FakeChannel& channel;
};

TEST_F(MappingsTest, AMappingThatWasAskedForLockedIsLockedBeforeItsPagesAreCounted) {
  Vma locked = anonymous(kStart, 16);
  locked.locked = true;
  rooms.mappings.learn(process, locked, false);
  ASSERT_GE(sink.events.size(), 2u);
  EXPECT_EQ(sink.events[0].kind, EventKind::kMap);
  EXPECT_EQ(sink.events[1].kind, EventKind::kLock);
  EXPECT_EQ(sink.events[1].flags, trace::kLocked);
}

TEST_F(MappingsTest, WhatIsLockedIsLookedUpWhenTheAmountHasChanged) {
  const auto line = [](const char* flags) { return std::string("VmFlags: rd wr ") + flags + "ac \n"; };
  memory.smaps_text = "1000-3000 rw-p 00000000 00:00 0 \n" + line("lo ");
  memory.status_text = "VmLck:\t       8 kB\n";
  rooms.mappings.learn_locks(process);
  ASSERT_EQ(sink.events.size(), 1u);
  EXPECT_EQ(sink.events[0].address, 0x1000u);
  EXPECT_EQ(sink.events[0].bytes, 0x2000u);
  EXPECT_EQ(sink.events[0].flags, trace::kLocked | trace::kLockOnFault);
  memory.smaps_text = "1000-3000 rw-p 00000000 00:00 0 \n" + line("");
  rooms.mappings.learn_locks(process);
  EXPECT_EQ(sink.events.size(), 1u) << "the amount is the same";
  memory.status_text = "VmLck:\t       0 kB\n";
  rooms.mappings.learn_locks(process);
  ASSERT_EQ(sink.events.size(), 2u);
  EXPECT_EQ(sink.events[1].bytes, 0x2000u);
  EXPECT_EQ(sink.events[1].flags, 0);
}

TEST_F(MappingsTest, AProcessThatEndsHasUnlockedNothing) {
  memory.smaps_text = "1000-3000 rw-p 00000000 00:00 0 \nVmFlags: rd wr lo ac \n";
  memory.status_text = "VmLck:\t       8 kB\n";
  rooms.mappings.learn_locks(process);
  memory.status_text = "State:\tZ (zombie)\n";
  rooms.mappings.learn_locks(process);
  memory.status_text = "VmLck:\t       0 kB\n";
  memory.smaps_text.clear();
  rooms.mappings.learn_locks(process);
  EXPECT_THAT(events(EventKind::kLock), SizeIs(1));
}

TEST_F(MappingsTest, AMappingThatReplacesAKnownOneIsLockedAsItWasAskedFor) {
  Vma vma = anonymous(kStart, 16);
  rooms.mappings.learn(process, vma, false);
  vma.locked = true;
  rooms.mappings.learn(process, vma, false);
  EXPECT_THAT(ranges(EventKind::kLock), ElementsAre(Pair(at_page(0), at_page(16))));
}

TEST_F(MappingsTest, ANewMappingIsReportedAndRegistered) {
  rooms.mappings.learn(process, anonymous(kStart, 16), true);
  ASSERT_THAT(sink.events, SizeIs(1));
  EXPECT_EQ(sink.events[0].kind, EventKind::kMap);
  EXPECT_EQ(sink.events[0].flags, trace::kPrivate | trace::kAnonymous | trace::kWritable | trace::kNoReserve);
  EXPECT_THAT(channel.registered, ElementsAre(Pair(at_page(0), at_page(16))));
  rooms.mappings.learn(process, anonymous(kStart, 16), true);
  EXPECT_THAT(sink.events, SizeIs(1));
  EXPECT_THAT(channel.registered, SizeIs(1));
}

TEST_F(MappingsTest, OfAMappingThatGrewOnlyTheNewPartIsReported) {
  rooms.mappings.learn(process, anonymous(kStart, 16), false);
  rooms.mappings.learn(process, anonymous(kStart, 24), false);
  EXPECT_THAT(ranges(EventKind::kMap), ElementsAre(Pair(at_page(0), at_page(16)), Pair(at_page(16), at_page(24))));
  EXPECT_THAT(process.map.areas(), SizeIs(1)) << "neighbours that differ in nothing are one";
}

TEST_F(MappingsTest, OfAReportedMappingOnlyWhatIsNewIsLearned) {
  memory.map(kStart, 16);
  rooms.mappings.learn_reported(process, at_page(0), at_page(16));
  rooms.mappings.learn_reported(process, at_page(0), at_page(16));
  memory.unmap(kStart);
  memory.map(kStart, 24);
  memory.touch(at_page(20), 2);
  rooms.mappings.learn_reported(process, at_page(0), at_page(24));
  EXPECT_THAT(ranges(EventKind::kMap), ElementsAre(Pair(at_page(0), at_page(16)), Pair(at_page(16), at_page(24))));
  EXPECT_THAT(written(process), ElementsAre(20, 21)) << "what was touched before it was registered";
}

TEST_F(MappingsTest, AReportedMappingIsOneRequest) {
  memory.map(kStart, 2 * ring::kFoundPieceBytes / kPage);
  rooms.mappings.learn_reported(process, at_page(0), kStart + 2 * ring::kFoundPieceBytes);
  EXPECT_THAT(sink.events, SizeIs(1)) << "not pieces that may have been asked for one by one";
}

TEST_F(MappingsTest, PagesThatWereThereBeforeTheMappingWasRegisteredAreCounted) {
  memory.map(kStart, 16);
  memory.touch(at_page(2), 3);
  rooms.mappings.learn(process, memory.vmas[0], false);
  EXPECT_THAT(written(process), ElementsAre(2, 3, 4));
}

TEST_F(MappingsTest, FoundMemoryIsReportedInPiecesThatNoTargetRefuses) {
  const uint64_t piece = ring::kFoundPieceBytes / kPage;
  Vma large = anonymous(kStart, 2 * piece + 1);
  rooms.mappings.learn(process, large, false);
  EXPECT_THAT(ranges(EventKind::kMap), SizeIs(3));
  sink.events.clear();
  large = anonymous(at_page(4 * piece), 2 * piece + 1);
  large.one_request = true;
  rooms.mappings.learn(process, large, false);
  EXPECT_THAT(ranges(EventKind::kMap), SizeIs(1)) << "the target may refuse it as a whole";
}

TEST_F(MappingsTest, ALargeRequestOfWhichAHookIsAboutToReportIsLeftToTheHook) {
  share_area(process);
  (*process.shared)->asking_bytes[0].store(ring::kFoundPieceBytes);
  const uint64_t pages = ring::kFoundPieceBytes / kPage;
  rooms.mappings.learn(process, anonymous(kStart, pages), false);
  EXPECT_THAT(sink.events, IsEmpty());
  rooms.mappings.learn(process, anonymous(kStart, pages + 255), false);
  EXPECT_THAT(sink.events, IsEmpty()) << "an allocator maps up to a MiB more than it was asked for";
  rooms.mappings.learn(process, anonymous(kStart, pages + 256), false);
  EXPECT_THAT(events(EventKind::kMap), SizeIs(2)) << "so much more is another mapping";
}

TEST_F(MappingsTest, AChangeOfProtectionIsReported) {
  rooms.mappings.learn(process, anonymous(kStart, 16), false);
  rooms.mappings.learn(process, anonymous(at_page(4), 4, false), false);
  rooms.mappings.learn(process, anonymous(at_page(4), 4, true), false);
  EXPECT_THAT(ranges(EventKind::kProtect), ElementsAre(Pair(at_page(4), at_page(8)), Pair(at_page(4), at_page(8))));
  EXPECT_EQ(events(EventKind::kProtect)[0].flags, 0);
  EXPECT_EQ(events(EventKind::kProtect)[1].flags, trace::kWritable);
}

TEST_F(MappingsTest, AReadOnlyMappingOfAFileIsKnownAndNotReported) {
  Vma text = anonymous(kStart, 16, false);
  text.executable = true;
  text.inode = 7;
  text.name = "/usr/bin/program";
  rooms.mappings.learn(process, text, false);
  EXPECT_THAT(sink.events, IsEmpty());
  ASSERT_NE(process.map.find(kStart), nullptr);
  EXPECT_TRUE(process.map.find(kStart)->text);
  EXPECT_THAT(channel.registered, IsEmpty());
}

TEST_F(MappingsTest, AnotherKindOfMemoryInTheSamePlaceReplacesWhatWasThere) {
  rooms.mappings.learn(process, anonymous(kStart, 16), false);
  process.pages.touch(at_page(0));
  Vma data = anonymous(kStart, 16);
  data.inode = 7;
  data.name = "/usr/lib/library.so";
  rooms.mappings.learn(process, data, false);
  EXPECT_THAT(ranges(EventKind::kUnmap), ElementsAre(Pair(at_page(0), at_page(16))));
  EXPECT_EQ(process.pages.count(PageBit::kTouched), 0u);
  EXPECT_THAT(events(EventKind::kMap), SizeIs(2));
}

TEST_F(MappingsTest, AnUnmapIsReportedInRunsAndOnlyOfWhatTheSinkKnows) {
  rooms.mappings.learn(process, anonymous(at_page(0), 4), false);
  rooms.mappings.learn(process, anonymous(at_page(4), 4, false), false);
  rooms.mappings.learn(process, anonymous(at_page(16), 4), false);
  rooms.mappings.unmap(process, at_page(2), at_page(64));
  EXPECT_THAT(ranges(EventKind::kUnmap), ElementsAre(Pair(at_page(2), at_page(8)), Pair(at_page(16), at_page(20))));
  sink.events.clear();
  rooms.mappings.unmap(process, at_page(2), at_page(64));
  EXPECT_THAT(sink.events, IsEmpty()) << "a scan was here first";
}

TEST_F(MappingsTest, PagesOfAnUnmappedRangeCountNoMore) {
  rooms.mappings.learn(process, anonymous(kStart, 16), false);
  process.pages.touch(at_page(0), at_page(8));
  rooms.meter.update(process);
  rooms.mappings.unmap(process, at_page(4), at_page(16));
  EXPECT_EQ(rooms.meter.tracked_pages(), 4u);
}

TEST_F(MappingsTest, MremapTakesMappingAndPagesAlong) {
  rooms.mappings.learn(process, anonymous(kStart, 8), false);
  process.pages.touch(at_page(3));
  rooms.mappings.remap(process, at_page(0), at_page(100), 8 * kPage);
  EXPECT_EQ(process.map.find(at_page(3)), nullptr);
  ASSERT_NE(process.map.find(at_page(103)), nullptr);
  EXPECT_TRUE(process.pages.test(PageBit::kTouched, at_page(103)));
  EXPECT_FALSE(process.pages.test(PageBit::kTouched, at_page(3)));
  ASSERT_EQ(sink.events.back().kind, EventKind::kRemap);
  EXPECT_EQ(sink.events.back().argument, at_page(100));
}

TEST_F(MappingsTest, ARemoveEventIsMadvFreeOnlyIfAHookHasSaidSo) {
  rooms.mappings.learn(process, anonymous(kStart, 8), false);
  process.pages.touch(at_page(0), at_page(8));
  process.held.free_advice.expect(1, at_page(0), at_page(4));
  rooms.mappings.remove(process, at_page(0), at_page(4));
  rooms.mappings.remove(process, at_page(4), at_page(8));
  EXPECT_THAT(ranges(EventKind::kAdviseFree), ElementsAre(Pair(at_page(0), at_page(4))));
  EXPECT_THAT(ranges(EventKind::kAdviseDontneed), ElementsAre(Pair(at_page(4), at_page(8))));
  EXPECT_EQ(process.pages.count(PageBit::kTouched), 4u) << "pages of MADV_FREE stay until the kernel wants them";
  EXPECT_EQ(process.pages.count(PageBit::kWatched), 4u) << "the next write takes the offer back";
  EXPECT_TRUE(channel.armed.contains(at_page(3)));
}

TEST_F(MappingsTest, AllMappingsAreRegisteredInRunsWithTheHolesBetweenThem) {
  const std::vector<Vma> maps{anonymous(at_page(0), 4), anonymous(at_page(8), 4), anonymous(at_page(100), 4)};
  rooms.mappings.learn_all(process, maps, true);
  EXPECT_THAT(channel.registered, ElementsAre(Pair(at_page(0), at_page(104))));
}

TEST_F(MappingsTest, AMappingThatCannotBeRegisteredEndsTheRun) {
  Vma file = anonymous(at_page(8), 4);
  file.inode = 7;
  file.name = "/usr/lib/library.so";
  const std::vector<Vma> maps{anonymous(at_page(0), 4), file, anonymous(at_page(100), 4)};
  rooms.mappings.learn_all(process, maps, true);
  EXPECT_THAT(channel.registered, ElementsAre(Pair(at_page(0), at_page(8)), Pair(at_page(12), at_page(104))));
}

TEST_F(MappingsTest, BetweenTheHeapAndTheMappingAboveItEitherMayGrow) {
  const std::vector<Vma> maps{heap(at_page(0), 4), anonymous(at_page(104), 4)};
  rooms.mappings.learn_all(process, maps, true);
  EXPECT_THAT(channel.registered, ElementsAre(Pair(at_page(0), at_page(54)), Pair(at_page(54), at_page(108))));
}

TEST_F(MappingsTest, AHeapInPiecesIsRegisteredAgain) {
  const std::vector<Vma> whole{heap(at_page(0), 8)};
  rooms.mappings.learn_all(process, whole, true);
  channel.registered.clear();
  rooms.mappings.learn_all(process, whole, false);
  EXPECT_THAT(channel.registered, IsEmpty());
  // It fell and grew: the kernel keeps what is not registered apart.
  const std::vector<Vma> pieces{heap(at_page(0), 4), heap(at_page(4), 4)};
  rooms.mappings.learn_all(process, pieces, false);
  EXPECT_THAT(channel.registered, ElementsAre(Pair(at_page(0), at_page(8))));
}

TEST_F(MappingsTest, ARunThatIsRefusedIsTriedAgainAndThenEachMappingByItself) {
  const std::vector<Vma> maps{anonymous(at_page(0), 4), anonymous(at_page(8), 4)};
  channel.refuses_registration = [](uint64_t start, uint64_t end) { return end - start > 4 * kPage; };
  for (int scan = 0; scan < 3; ++scan) {
    process.scans.whole_ns = 1;
    rooms.mappings.learn_all(process, maps, false);
    EXPECT_EQ(process.scans.whole_ns, 0u) << "the next scan knows what has come in between";
    EXPECT_THAT(channel.registered, IsEmpty());
  }
  rooms.mappings.learn_all(process, maps, false);
  EXPECT_THAT(channel.registered, ElementsAre(Pair(at_page(0), at_page(4)), Pair(at_page(8), at_page(12))));
}

TEST_F(MappingsTest, OnlyMappingsThatChangedAreLearntWhereScansAloneChangeWhatIsKnown) {
  process.tracker = TrackerKind::kPagemap;
  const std::vector<Vma> before{anonymous(at_page(0), 4), anonymous(at_page(8), 4)};
  rooms.mappings.learn_changed(process, before);
  process.last_maps = before;
  sink.events.clear();
  const std::vector<Vma> now{anonymous(at_page(0), 4), anonymous(at_page(8), 6), anonymous(at_page(32), 1)};
  rooms.mappings.learn_changed(process, now);
  EXPECT_THAT(ranges(EventKind::kMap), ElementsAre(Pair(at_page(12), at_page(14)), Pair(at_page(32), at_page(33))));
}

TEST_F(MappingsTest, KnownPagesAreMarkedSoThatMallocsHookNeedNotAsk) {
  share_area(process);
  rooms.mappings.learn(process, anonymous(kStart, 8), false);
  EXPECT_TRUE((*process.shared)->known.contains(at_page(7)));
  EXPECT_FALSE((*process.shared)->known.contains(at_page(8)));
  rooms.mappings.unmap(process, at_page(4), at_page(8));
  EXPECT_TRUE((*process.shared)->known.contains(at_page(3)));
  EXPECT_FALSE((*process.shared)->known.contains(at_page(4)));
}

TEST_F(MappingsTest, HugePagesOfAPoolOfTheirOwnAreNotedAndLeftOut) {
  Vma huge = anonymous(kStart, 512);
  huge.shared = true;
  huge.inode = 3;
  huge.name = "/anon_hugepage (deleted)";
  rooms.mappings.learn(process, huge, false);
  EXPECT_TRUE(rooms.notes.mapped_huge_pages);
  EXPECT_THAT(sink.events, IsEmpty());
}

}  // namespace
}  // namespace oomcast::record
