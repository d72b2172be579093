// What the page tables show becomes touches and frees, each of them once.
#include "preload/record/capture/page_poller.h"

#include <gmock/gmock.h>

#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kHuge = 2 << 20;

class PagePollerTest : public RoomsTest {
 protected:
  PagePollerTest() : fake(add_polled()), process(fake.process), memory(fake.memory) {}

  /// One scan of the page tables, as the Scanner makes it.
  void scan(Touches touches) {
    rooms.meter.read_resident(process);
    rooms.poller.scan_touches(process, touches, false);
  }
  /// The mappings have been read: the whole address space is scanned from now on.
  void know_mappings() {
    process.last_maps = memory.vmas;
    rooms.poller.note_where_to_scan(process);
  }
  uint64_t scanned_bytes() const {
    uint64_t bytes = 0;
    for (const auto& [from, to] : memory.scanned) bytes += to - from;
    return bytes;
  }

  FakeProcess fake;
  Process& process;
  FakeMemory& memory;
};

TEST_F(PagePollerTest, PagesThatAreThereAreReportedOnceAndAsFound) {
  memory.map(kStart, 64);
  memory.touch(at_page(3), 2);
  know_mappings();
  scan(Touches::kAll);
  scan(Touches::kAll);
  EXPECT_THAT(written(process), ElementsAre(3, 4));
  for (const trace::Event& event : events(EventKind::kTouch)) EXPECT_TRUE(event.flags & trace::kPresent);
  EXPECT_EQ(rooms.meter.tracked_pages(), 2u);
}

TEST_F(PagePollerTest, AMappingIsReportedBeforeItsPages) {
  memory.map(kStart, 64);
  memory.touch(at_page(0), 1);
  know_mappings();
  scan(Touches::kFresh);
  ASSERT_THAT(sink.events, SizeIs(2));
  EXPECT_EQ(sink.events[0].kind, EventKind::kMap);
  EXPECT_EQ(sink.events[0].bytes, 64 * kPage);
  EXPECT_EQ(sink.events[1].kind, EventKind::kTouch);
}

TEST_F(PagePollerTest, PagesThatHaveGoneAreGivenBackByAScanOfAllPagesOnly) {
  memory.map(kStart, 64);
  memory.touch(at_page(0), 8);
  know_mappings();
  scan(Touches::kAll);
  memory.drop(at_page(2), 3);
  scan(Touches::kFresh);
  EXPECT_THAT(ranges(EventKind::kAdviseDontneed), IsEmpty());
  scan(Touches::kAll);
  EXPECT_THAT(ranges(EventKind::kAdviseDontneed), ElementsAre(Pair(at_page(2), at_page(5))));
  EXPECT_EQ(rooms.meter.tracked_pages(), 5u);
}

TEST_F(PagePollerTest, AScanForFreshPagesLeavesOutWhatIsKnown) {
  memory.map(kStart, 4096);
  memory.touch(at_page(0), 4096);
  know_mappings();
  scan(Touches::kAll);
  memory.scanned.clear();
  scan(Touches::kFresh);
  for (const auto& [from, to] : memory.scanned)
    EXPECT_TRUE(to <= at_page(0) || from >= at_page(4096)) << "scanned known pages again";
}

TEST_F(PagePollerTest, PagesThatMovedAreGivenBackWhereTheyWere) {
  memory.map(kStart, 4096);
  memory.touch(at_page(0), 1024);
  know_mappings();
  scan(Touches::kAll);
  clocks.now += 1'000'000'000;
  // mremap() by a system call of the program's own: as many pages as before, elsewhere.
  memory.drop(at_page(0), 1024);
  memory.touch(at_page(2048), 1024);
  scan(Touches::kFresh);
  EXPECT_THAT(ranges(EventKind::kAdviseDontneed), ElementsAre(Pair(at_page(0), at_page(1024))));
  EXPECT_EQ(rooms.meter.tracked_pages(), 1024u);
}

TEST_F(PagePollerTest, NothingIsKnownBehindWhereAScanEnded) {
  memory.map(kStart, 64);
  memory.touch(at_page(0), 64);
  know_mappings();
  scan(Touches::kAll);
  memory.answers_to = at_page(16);  // the process is ending
  memory.drop(at_page(8), 56);
  rooms.poller.reconcile(process, {{at_page(0), at_page(64)}});
  EXPECT_THAT(ranges(EventKind::kAdviseDontneed), ElementsAre(Pair(at_page(8), at_page(16))));
}

TEST_F(PagePollerTest, AFoundPageOutsideOfAllMappingsIsLeftToTheNextScan) {
  memory.touch(at_page(0), 4);  // unmapped since the page tables were scanned
  know_mappings();
  scan(Touches::kAll);
  EXPECT_THAT(sink.events, IsEmpty());
}

TEST_F(PagePollerTest, MemoryThatIsAboutToBeFreedIsCountedFirstAndGoneThen) {
  memory.map(kStart, 64);
  learn(fake, memory.vmas[0]);
  know_mappings();
  scan(Touches::kAll);
  memory.touch(at_page(0), 16);
  rooms.poller.scan_before_free(process, at_page(0), at_page(64), false);
  EXPECT_THAT(written(process), SizeIs(16));
  EXPECT_THAT(ranges(EventKind::kAdviseDontneed), ElementsAre(Pair(at_page(0), at_page(16))));
  EXPECT_EQ(rooms.meter.tracked_pages(), 0u);
}

TEST_F(PagePollerTest, MemoryThatWasMappedAndTouchedSinceTheLastScanIsCountedBeforeItIsFreed) {
  know_mappings();
  scan(Touches::kAll);
  memory.map(at_page(100), 8);
  memory.map(at_page(108), 8, false);
  memory.touch(at_page(102), 10);
  rooms.poller.scan_before_free(process, at_page(100), at_page(116), false);
  EXPECT_THAT(ranges(EventKind::kMap), SizeIs(2));
  EXPECT_THAT(written(process), SizeIs(10));
  EXPECT_EQ(rooms.meter.tracked_peak_bytes(), 10 * kPage);
  EXPECT_EQ(rooms.meter.tracked_pages(), 0u);
}

TEST_F(PagePollerTest, MemoryThatIsBeingFreedIsNotCountedAgainUntilItsOwnerSaysSo) {
  memory.map(kStart, 64);
  memory.touch(at_page(0), 16);
  know_mappings();
  scan(Touches::kAll);
  rooms.poller.scan_before_free(process, at_page(0), at_page(64), false);
  // The answered thread waits for a CPU, its munmap() is yet to come.
  scan(Touches::kAll);
  EXPECT_THAT(written(process), SizeIs(16));
  process.leaving.gone(at_page(0), at_page(64));
  memory.drop(at_page(0), 16);
  memory.touch(at_page(0), 4);  // new memory in its place
  scan(Touches::kAll);
  EXPECT_THAT(written(process), SizeIs(20));
}

TEST_F(PagePollerTest, MemoryWhoseOwnerNeverSaysThatItIsGoneCountsAgainAfterAWhile) {
  memory.map(kStart, 64);
  memory.touch(at_page(0), 16);
  know_mappings();
  scan(Touches::kAll);
  rooms.poller.scan_before_free(process, at_page(0), at_page(64), false);
  clocks.now += LeavingRanges::kLongestNs - 1;
  scan(Touches::kAll);
  EXPECT_EQ(rooms.meter.tracked_pages(), 0u);
  clocks.now += 1;
  scan(Touches::kAll);
  EXPECT_EQ(rooms.meter.tracked_pages(), 16u);
}

TEST_F(PagePollerTest, MemoryThatAnAllocatorMayKeepStaysCounted) {
  memory.map(kStart, 64);
  memory.touch(at_page(0), 16);
  know_mappings();
  rooms.poller.scan_before_free(process, at_page(0), at_page(64), true);
  scan(Touches::kAll);
  EXPECT_EQ(rooms.meter.tracked_pages(), 16u);
}

TEST_F(PagePollerTest, TheNextScanComesSoonAfterMemoryHasBeenFreed) {
  memory.map(kStart, 64);
  know_mappings();
  scan(Touches::kAll);
  process.scans.next_ns = clocks.now + 50'000'000;
  rooms.poller.scan_before_free(process, at_page(0), at_page(64), false);
  EXPECT_EQ(process.scans.next_ns, clocks.now + 1'000'000);
}

TEST_F(PagePollerTest, LargeMappingsOfFilesAreNotScannedAndSmallOnesAre) {
  Vma file;
  file.start = kStart;
  file.end = at_page(1024);
  file.readable = true;
  file.inode = 7;
  file.name = "/usr/lib/large.so";
  memory.map(file);
  Vma small = file;
  small.start = at_page(2048);
  small.end = at_page(2048 + 16);
  small.writable = true;
  memory.map(small);
  know_mappings();
  const auto covers = [&](uint64_t address) {
    return std::any_of(process.polled.all.begin(), process.polled.all.end(),
                       [&](const PageRange& range) { return range.first <= address && address < range.second; });
  };
  EXPECT_FALSE(covers(at_page(0)));
  EXPECT_FALSE(covers(at_page(1023)));
  EXPECT_TRUE(covers(at_page(2048)));
  EXPECT_TRUE(covers(at_page(9999))) << "memory may be mapped anywhere before its mapping is read";
}

TEST_F(PagePollerTest, LargeAnonymousMappingsAreScannedWithoutAskingWhosePagesTheyAre) {
  memory.map(kStart, 32);
  memory.map(at_page(64), 31);
  know_mappings();
  EXPECT_THAT(process.polled.anonymous, ElementsAre(Pair(at_page(0), at_page(32)))) << "from 128 KiB on";
}

TEST_F(PagePollerTest, WithoutPagemapScanOnlyKnownMappingsAreScanned) {
  memory.fast = false;
  memory.map(kStart, 64);
  know_mappings();
  EXPECT_FALSE(process.polled_whole());
  memory.touch(at_page(0), 4);
  scan(Touches::kAll);
  EXPECT_THAT(sink.events, IsEmpty());
  learn(fake, memory.vmas[0]);
  scan(Touches::kAll);
  EXPECT_EQ(rooms.meter.tracked_pages(), 4u);
  EXPECT_LE(scanned_bytes(), 4 * 64 * kPage);
}

TEST_F(PagePollerTest, ManySmallPiecesAreScannedInOneCall) {
  for (uint64_t i = 0; i < 1000; ++i) {
    memory.map(at_page(i * 1024), 64);
    memory.touch(at_page(i * 1024), 1);
  }
  know_mappings();
  scan(Touches::kAll);
  EXPECT_EQ(rooms.meter.tracked_pages(), 1000u);
  memory.scanned.clear();
  memory.touch(at_page(5), 1);
  scan(Touches::kFresh);
  EXPECT_EQ(rooms.meter.tracked_pages(), 1001u);
  EXPECT_LT(memory.scanned.size(), 10u);
}

TEST_F(PagePollerTest, PagesOfTextAreNotTakenForMemoryByTheScanThatDoesNotAsk) {
  Vma text;
  text.start = kStart;
  text.end = at_page(64);
  text.readable = text.executable = true;
  text.inode = 7;
  text.name = "/usr/bin/program";
  memory.map(text);
  memory.touch(at_page(0), 64, {.kind = FakePageKind::kFile});
  for (uint64_t i = 1; i < 1000; ++i) memory.map(at_page(i * 1024), 64);
  know_mappings();
  scan(Touches::kFresh);
  EXPECT_THAT(written(process), IsEmpty());
}

TEST_F(PagePollerTest, RelocatedDataOfALargeLibraryAreFoundWhenItsMappingIsFirstSeen) {
  Vma constants;
  constants.start = kStart;
  constants.end = at_page(512);
  constants.readable = true;
  constants.inode = 7;
  constants.name = "/usr/lib/large.so";
  memory.map(constants);
  memory.touch(at_page(10), 3);
  rooms.poller.find_relocated(process, memory.vmas);
  EXPECT_THAT(written(process), ElementsAre(10, 11, 12));
  know_mappings();
  memory.scanned.clear();
  rooms.poller.find_relocated(process, memory.vmas);
  EXPECT_THAT(memory.scanned, IsEmpty()) << "nothing writes there again";
}

TEST_F(PagePollerTest, WhereAMappingGrewInStepsNoHugePageIsTakenToHaveBeenGiven) {
  memory.map(kHuge * 512, 512);
  memory.vmas[0].name = "[heap]";
  know_mappings();
  rooms.mappings.learn(process, memory.vmas[0], false);
  memory.touch(kHuge * 512, 512);
  scan(Touches::kAll);
  std::vector<trace::Event> touches = events(EventKind::kTouch);
  ASSERT_THAT(touches, SizeIs(2));
  EXPECT_FALSE(touches[0].flags & trace::kWrite) << "a read makes the kernel map small pages";
  EXPECT_TRUE(touches[1].flags & trace::kWrite);
  EXPECT_EQ(rooms.notes.grown_bytes, kHuge);
}

TEST_F(PagePollerTest, AMappingThatAScanHasSeenWholeGetsHugePages) {
  memory.map(kHuge * 512, 512);
  memory.vmas[0].name = "[heap]";
  rooms.mappings.learn(process, memory.vmas[0], false);
  know_mappings();
  scan(Touches::kAll);
  memory.touch(kHuge * 512, 512);
  scan(Touches::kAll);
  EXPECT_THAT(events(EventKind::kTouch), SizeIs(1));
  EXPECT_EQ(rooms.notes.grown_bytes, 0u);
}

TEST_F(PagePollerTest, SharedMemoryIsScannedWhenItHasGrownByMoreThanALittle) {
  const auto scan_with = [&](uint64_t shared_bytes) {
    process.resident.shared_bytes = shared_bytes;
    rooms.poller.scan_touches(process, Touches::kFresh, false);
    return process.scans.shared_bytes;
  };
  EXPECT_EQ(scan_with(32 << 10), 0u);
  EXPECT_EQ(scan_with(33 << 10), 33u << 10);
  EXPECT_EQ(scan_with(64 << 10), 33u << 10) << "less than 32 KiB more";
  EXPECT_EQ(scan_with(1 << 10), 33u << 10) << "no more than 32 KiB less";
  EXPECT_EQ(scan_with(0), 0u) << "some of it was given back";
}

TEST_F(PagePollerTest, AWatchedPageThatWasWrittenIsAReferenceOfWpAsync) {
  process.tracker = TrackerKind::kWpAsync;
  memory.map(kStart, 64);
  rooms.mappings.learn(process, memory.vmas[0], false);
  memory.touch(at_page(0), 8, {.written = false});
  scan(Touches::kAll);
  for (uint64_t page = 0; page < 8; ++page) process.pages.set(PageBit::kWatched, at_page(page), true);
  memory.pages[at_page(5)].written = true;
  scan(Touches::kAll);
  scan(Touches::kAll);
  EXPECT_THAT(ranges(EventKind::kReference), ElementsAre(Pair(at_page(5), at_page(6))));
  EXPECT_EQ(process.pages.count(PageBit::kWatched), 7u);
}

TEST_F(PagePollerTest, TheResolutionIsTheLongestTimeBetweenTwoScansOfABusyProcess) {
  const auto poll_after = [&](uint64_t ns, bool active) {
    process.scans.active = active;
    clocks.now += ns;
    rooms.poller.note_poll(process, clocks.now);
    return rooms.poller.resolution_ns();
  };
  EXPECT_EQ(poll_after(0, true), 0u);
  EXPECT_EQ(poll_after(8'000'000, true), 8'000'000u);
  EXPECT_EQ(poll_after(50'000'000, false), 8'000'000u) << "it slept";
  EXPECT_EQ(poll_after(30'000'000, true), 30'000'000u);
  EXPECT_EQ(poll_after(250'000'000, true), 30'000'000u) << "it did nothing for most of that time";
}

TEST_F(PagePollerTest, TheMostPagesOfOneTickAreRemembered) {
  memory.map(kStart, 4096);
  know_mappings();
  memory.touch(at_page(0), 300);
  scan(Touches::kAll);
  rooms.poller.end_tick();
  memory.touch(at_page(300), 100);
  scan(Touches::kAll);
  rooms.poller.end_tick();
  EXPECT_EQ(rooms.poller.most_found_pages(), 300u);
  EXPECT_EQ(process.native.unpaid_faults, 400u) << "each was a fault of this machine";
}

}  // namespace
}  // namespace oomcast::record
