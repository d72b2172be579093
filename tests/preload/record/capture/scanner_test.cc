// A scan finds what was mapped, touched and freed without a report, and the peaks between two scans.
#include "preload/record/capture/scanner.h"

#include <gmock/gmock.h>

#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class ScannerTest : public RoomsTest {
 protected:
  ScannerTest() : fake(add_polled()), process(fake.process), memory(fake.memory) {}
  void scan_later(uint64_t ns = 10'000'000) {
    clocks.now += ns;
    rooms.scanner.scan(process, false);
  }

  FakeProcess fake;
  Process& process;
  FakeMemory& memory;
};

TEST_F(ScannerTest, TheFirstScanFindsAllMappingsAndPages) {
  memory.map(at_page(0), 64);
  memory.map(at_page(100), 64);
  memory.touch(at_page(3), 2);
  rooms.scanner.scan(process, false);
  EXPECT_TRUE(process.scans.begun);
  EXPECT_THAT(ranges(EventKind::kMap), ElementsAre(Pair(at_page(0), at_page(64)), Pair(at_page(100), at_page(164))));
  EXPECT_THAT(written(process), ElementsAre(3, 4));
}

TEST_F(ScannerTest, AProcessThatDoesNothingCostsItsCountsOnly) {
  memory.map(at_page(0), 64);
  rooms.scanner.scan(process, false);
  memory.scanned.clear();
  memory.mapping_reads = 0;
  scan_later();
  scan_later();
  EXPECT_THAT(memory.scanned, IsEmpty());
  EXPECT_EQ(memory.mapping_reads, 0u);
  EXPECT_EQ(rooms.count.scans_of_counts, 2u);
}

TEST_F(ScannerTest, AMappingThatHasGoneIsUnmapped) {
  memory.map(at_page(0), 64);
  memory.map(at_page(100), 64);
  rooms.scanner.scan(process, false);
  memory.unmap(at_page(0));
  scan_later();
  EXPECT_THAT(ranges(EventKind::kUnmap), ElementsAre(Pair(at_page(0), at_page(64))));
}

TEST_F(ScannerTest, TheMiddleOfAMappingMayGo) {
  memory.map(at_page(0), 64);
  rooms.scanner.scan(process, false);
  memory.unmap(at_page(0));
  memory.map(at_page(0), 10);
  memory.map(at_page(20), 44);
  scan_later();
  EXPECT_THAT(ranges(EventKind::kUnmap), ElementsAre(Pair(at_page(10), at_page(20))));
}

TEST_F(ScannerTest, NothingIsUnmappedOfAProcessThatCannotBeRead) {
  memory.map(at_page(0), 64);
  rooms.scanner.scan(process, false);
  memory.alive = false;
  rooms.scanner.scan(process, true);
  EXPECT_THAT(ranges(EventKind::kUnmap), IsEmpty());
}

TEST_F(ScannerTest, AMappingOfTheSameSizeInAnotherPlaceIsMetWithinASecond) {
  memory.map(at_page(0), 64);
  rooms.scanner.scan(process, false);
  memory.unmap(at_page(0));
  memory.map(at_page(500), 64);
  for (int i = 0; i < 99; ++i) scan_later();
  EXPECT_THAT(ranges(EventKind::kMap), SizeIs(1));
  scan_later();
  EXPECT_THAT(ranges(EventKind::kMap), ElementsAre(Pair(at_page(0), at_page(64)), Pair(at_page(500), at_page(564))));
}

TEST_F(ScannerTest, OurOwnAreaInTheGuestIsKnownAndNotReported) {
  Vma ours;
  ours.start = at_page(0);
  ours.end = at_page(64);
  ours.writable = ours.shared = true;
  ours.inode = 9;
  ours.name = std::string(kRingName) + " (deleted)";
  memory.map(ours);
  rooms.scanner.scan(process, false);
  EXPECT_THAT(process.ours, ElementsAre(Pair(at_page(0), at_page(64))));
  EXPECT_THAT(sink.events, IsEmpty());
}

TEST_F(ScannerTest, AWriterThatDiedInTheRingIsSteppedOverAfterATenthOfASecond) {
  share_area(process);
  (*process.shared)->ring.head.store(1);  // claimed and never filled
  rooms.scanner.scan(process, false);
  scan_later(100'000'000);
  EXPECT_EQ(process.shared->reader.lost(), 0u);
  scan_later(1);
  EXPECT_EQ(process.shared->reader.lost(), 1u);
}

TEST_F(ScannerTest, WhatGrewBeforeAPeakIsFoundInItsOwnPlace) {
  FakeProcess other = add_polled(kSecondPid);
  memory.map(at_page(0), 1024);
  other.memory.map(at_page(0), 1024);
  rooms.scanner.scan(process, false);
  rooms.scanner.scan(other.process, false);
  memory.touch(at_page(0), 300);
  clocks.now += 1;
  // The other one is about to give memory back: together they may never again have as much.
  rooms.scanner.scan_at_possible_peak();
  EXPECT_EQ(written(process).size(), 300u);
}

TEST_F(ScannerTest, BelowThePeakAFreeMakesNoOtherProcessBeScanned) {
  memory.map(at_page(0), 1024);
  memory.touch(at_page(0), 500);
  rooms.scanner.scan(process, false);
  memory.drop(at_page(0), 400);
  rooms.scanner.scan(process, true);
  memory.touch(at_page(600), 100);
  clocks.now += 1;
  rooms.scanner.scan_at_possible_peak();
  EXPECT_EQ(written(process).size(), 500u);
}

TEST_F(ScannerTest, TheKernelsCountIsReadBeforeSharedPagesAreCutOff) {
  memory.map(at_page(0), 200);
  memory.touch(at_page(0), 100);
  rooms.scanner.scan(process, false);
  memory.touch(at_page(100), 100);
  rooms.scanner.scan_shared_now(process);
  EXPECT_EQ(rooms.meter.rss_peak_bytes(), 200 * kPage);
}

TEST_F(ScannerTest, ALastScanFindsWhatCameSinceTheOneBefore) {
  memory.map(at_page(0), 1024);
  rooms.scanner.scan(process, false);
  memory.touch(at_page(0), 2);  // fewer than the counts' own error
  rooms.scanner.scan_last(process);
  EXPECT_THAT(written(process), ElementsAre(0, 1));
}

TEST_F(ScannerTest, OomScoreAdjIsReportedWhenItChanges) {
  FakeProcess self = add_polled(static_cast<uint32_t>(::getpid()));
  self.process.oom_score_adj.belong_to(self.process.pid);
  self.process.adj = 12345;  // as of a parent
  rooms.scanner.scan(self.process, false);
  rooms.scanner.scan(self.process, true);
  EXPECT_THAT(events(EventKind::kOomScoreAdj), SizeIs(1));
}

}  // namespace
}  // namespace oomcast::record
