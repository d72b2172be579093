// How much all processes have: what was seen and what the kernel counts, each page once.
#include "preload/record/capture/resident_meter.h"

#include <gmock/gmock.h>

#include "tests/preload/record/eventually.h"
#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class ResidentMeterTest : public RoomsTest {
 protected:
  ResidentMeterTest() : fake(add_polled()), process(fake.process), memory(fake.memory) {}

  void touch(FakeProcess& by, uint64_t first, uint64_t last) {
    by.process.pages.touch(at_page(first), at_page(last));
    rooms.meter.update(by.process);
  }

  FakeProcess fake;
  Process& process;
  FakeMemory& memory;
};

TEST_F(ResidentMeterTest, ThePeakStaysWhenMemoryIsGivenBack) {
  touch(fake, 0, 100);
  process.pages.clear(at_page(0), at_page(60));
  rooms.meter.update(process);
  EXPECT_EQ(rooms.meter.tracked_pages(), 40u);
  EXPECT_EQ(rooms.meter.tracked_peak_bytes(), 100 * kPage);
}

TEST_F(ResidentMeterTest, PrefilledPagesAreNoTouchAndAreCountedAtThePeak) {
  touch(fake, 0, 100);
  for (uint64_t page = 200; page < 230; ++page) process.pages.become(PageBit::kPrefilled, at_page(page));
  for (uint64_t page = 300; page < 305; ++page) process.pages.become(PageBit::kPrefilledArmed, at_page(page));
  touch(fake, 100, 101);
  EXPECT_EQ(rooms.meter.tracked_pages(), 101u);
  EXPECT_EQ(rooms.meter.prefilled_bytes(), 35 * kPage);
}

TEST_F(ResidentMeterTest, WhatAChildHasFromItsParentCountsOnceInTheFootprint) {
  touch(fake, 0, 100);
  FakeProcess child = add_polled(kSecondPid);
  child.process.resident.inherited_pages = 100;
  touch(child, 0, 100);
  EXPECT_EQ(rooms.meter.tracked_pages(), 200u) << "both have them, by the kernel's count";
  EXPECT_EQ(rooms.meter.peak().resident_pages(), 100u);
  touch(child, 100, 110);
  EXPECT_EQ(rooms.meter.peak().resident_pages(), 110u);
}

TEST_F(ResidentMeterTest, AScanCountsNoMoreThanTheKernelDoes) {
  process.polled.all = {{0, kLowHalfEnd}};
  memory.touch(at_page(0), 50);
  rooms.meter.read_resident(process);
  touch(fake, 0, 80);  // 30 of them are gone by now
  EXPECT_EQ(rooms.meter.tracked_pages(), 50u);
}

TEST_F(ResidentMeterTest, AtANewPeakTheCountsOfTheOtherProcessesAreReadAgain) {
  FakeProcess other = add_polled(kSecondPid);
  other.process.polled.all = {{0, kLowHalfEnd}};
  other.memory.touch(at_page(0), 60);
  rooms.meter.read_resident(other.process);
  touch(other, 0, 60);
  other.memory.drop(at_page(0), 50);
  touch(fake, 0, 100);
  EXPECT_EQ(rooms.meter.tracked_pages(), 110u) << "the other one has given 50 pages back";
}

TEST_F(ResidentMeterTest, APeakOfTheKernelsCountsIsOfOneMoment) {
  FakeProcess other = add_polled(kSecondPid);
  memory.touch(at_page(0), 100);
  rooms.meter.sample_resident(process);
  memory.drop(at_page(0), 100);
  other.memory.touch(at_page(0), 100);
  rooms.meter.sample_resident(other.process);
  EXPECT_EQ(rooms.meter.rss_peak_bytes(), 100 * kPage) << "never at the same time";
}

TEST_F(ResidentMeterTest, AThousandthMoreIsNoNewPeak) {
  EXPECT_FALSE(ResidentMeter::rises_above(1024 * kPage + kPage, 1024 * kPage));
  EXPECT_TRUE(ResidentMeter::rises_above(1024 * kPage + kPage + 1, 1024 * kPage));
}

TEST_F(ResidentMeterTest, SharedMemoryCountsLessOurOwnRing) {
  process.maps_shared_memory = true;
  process.ours = {{at_page(0), at_page(8)}};
  memory.touch(at_page(0), 8, {.kind = FakePageKind::kFile});
  memory.status_text = "RssAnon:\t       0 kB\nRssFile:\t      40 kB\nRssShmem:\t     100 kB\n";
  rooms.meter.read_resident(process);
  EXPECT_EQ(process.resident.shared_bytes, 100u * 1024 - 8 * kPage);
  EXPECT_EQ(process.resident.file_pages, 10u);
  EXPECT_EQ(rooms.meter.rss_total_bytes(), 100u * 1024 - 8 * kPage);
}

TEST_F(ResidentMeterTest, AProcessThatHasEndedCountsNoMore) {
  memory.touch(at_page(0), 100);
  rooms.meter.read_resident(process);
  rooms.meter.forget(process);
  EXPECT_EQ(rooms.meter.rss_total_bytes(), 0u);
}

TEST_F(ResidentMeterTest, CountsOfAProcessThatCannotBeReadStay) {
  memory.touch(at_page(0), 100);
  rooms.meter.read_resident(process);
  memory.alive = false;
  rooms.meter.read_resident(process);
  EXPECT_EQ(process.resident.rss_bytes, 100 * kPage);
}

TEST_F(ResidentMeterTest, ASampleCountsOnlyAsLongAsThereAreNewOnes) {
  rooms.meter.start_sampling();
  rooms.meter.sampler().watch(static_cast<uint32_t>(::getpid()));
  ASSERT_TRUE(eventually([&] { return rooms.meter.sampler().last_pages() > 0; }));
  EXPECT_GT(rooms.meter.latest_bytes(), 0u) << "what no scan has found yet";
  rooms.meter.stop_sampling();
  EXPECT_EQ(rooms.meter.latest_bytes(), 0u);
}

TEST_F(ResidentMeterTest, TheLatestWordIsThatOfWhoeverSaysMost) {
  touch(fake, 0, 100);
  for (uint64_t page = 200; page < 230; ++page) process.pages.become(PageBit::kPrefilled, at_page(page));
  rooms.meter.update(process);
  EXPECT_EQ(rooms.meter.latest_bytes(), 130 * kPage) << "this machine has given the prefilled ones too";
  memory.touch(at_page(0), 200);
  rooms.meter.read_resident(process);
  EXPECT_EQ(rooms.meter.latest_bytes(), 200 * kPage);
}

TEST_F(ResidentMeterTest, AGrowingProcessIsBusy) {
  memory.touch(at_page(0), 1);
  rooms.meter.read_resident(process);
  EXPECT_TRUE(process.scans.active);
  process.scans.active = false;
  rooms.meter.read_resident(process);
  EXPECT_FALSE(process.scans.active);
}

TEST_F(ResidentMeterTest, AnUnattributedPeakIsTouchedAndGivenBack) {
  touch(fake, 0, 100);
  rooms.meter.report_peak(process, {.touched_first = 30, .touched_before = 20});
  const std::vector<trace::Event> touches = events(EventKind::kTouch);
  ASSERT_THAT(touches, SizeIs(2));
  EXPECT_EQ(touches[0].address, kUnattributedMemory);
  EXPECT_EQ(touches[0].bytes, 20 * kPage);
  EXPECT_TRUE(touches[0].flags & trace::kTouchedBefore);
  EXPECT_EQ(touches[1].address, kUnattributedMemory + 20 * kPage);
  EXPECT_EQ(touches[1].bytes, 30 * kPage);
  EXPECT_FALSE(touches[1].flags & trace::kTouchedBefore);
  ASSERT_THAT(events(EventKind::kUnmap), SizeIs(1));
  EXPECT_EQ(events(EventKind::kUnmap)[0].bytes, 50 * kPage);
  EXPECT_EQ(rooms.meter.tracked_peak_bytes(), 150 * kPage);
}

TEST_F(ResidentMeterTest, TheKernelsMemoryOfAPeakCountsOfAProcessThatHasNearlyAll) {
  touch(fake, 0, 1000);
  memory.status_text = "VmHWM:\t    8000 kB\n";
  rooms.meter.report_remembered_peak(process);
  EXPECT_EQ(rooms.meter.tracked_peak_bytes(), 2000 * kPage);
  FakeProcess other = add_polled(kSecondPid);
  touch(other, 0, 200);
  memory.status_text = "VmHWM:\t   80000 kB\n";
  rooms.meter.report_remembered_peak(process);
  EXPECT_EQ(rooms.meter.tracked_peak_bytes(), 2000 * kPage) << "the others may have had less at that time";
}

TEST_F(ResidentMeterTest, LessThanAMebibyteOfARememberedPeakMayBeFilesThatAreGone) {
  touch(fake, 0, 1000);
  memory.status_text = "VmHWM:\t    5024 kB\n";  // 256 pages more
  rooms.meter.report_remembered_peak(process);
  EXPECT_EQ(rooms.meter.tracked_peak_bytes(), 1000 * kPage);
  memory.status_text = "VmHWM:\t    5028 kB\n";
  rooms.meter.report_remembered_peak(process);
  EXPECT_EQ(rooms.meter.tracked_peak_bytes(), 1257 * kPage);
}

TEST_F(ResidentMeterTest, OfTooManyForkedChildrenTheOldestAreForgotten) {
  for (uint32_t child = 1; child <= 9; ++child) rooms.meter.note_pending_child(process, 4'000'000 + child);
  EXPECT_EQ(process.forks.pending_children.size(), 8u);
  EXPECT_FALSE(process.forks.pending_children.contains(4'000'001));
  rooms.meter.count_pending_children(process);
  EXPECT_TRUE(process.forks.pending_children.empty()) << "no such processes live";
}

TEST_F(ResidentMeterTest, AForkedChildWithoutAHelloCountsTowardsThePeak) {
  touch(fake, 0, 10);
  rooms.meter.note_pending_child(process, static_cast<uint32_t>(::getpid()));  // it has more than ten pages
  rooms.meter.count_pending_children(process);
  EXPECT_EQ(rooms.meter.tracked_peak_bytes(), 20 * kPage) << "no more than its parent has";
  EXPECT_EQ(rooms.meter.tracked_pages(), 10u);
}

}  // namespace
}  // namespace oomcast::record
