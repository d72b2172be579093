// What of a peak is reported without an address, and which pages a later scan does not count as touched again.
#include "preload/record/capture/peak_meter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace oomcast::record {
namespace {

/// A scan finds `pages` that were not known and are resident.
uint64_t find(PeakMeter& meter, uint64_t pages, uint64_t pages_now) {
  const uint64_t before = meter.note_found(pages, pages_now), was = meter.resident_pages();
  meter.change_resident(was, was + pages);
  meter.note_resident();
  return before;
}

void free(PeakMeter& meter, uint64_t pages) { meter.change_resident(pages, 0); }

TEST(PeakMeter, WhatOnlyTheCountsHaveSeenIsReportedAndTouched) {
  PeakMeter meter;
  find(meter, 100, 100);
  const PeakMeter::Unattributed reported = meter.report({300, meter.known()});
  EXPECT_EQ(reported.touched_first, 200u);
  EXPECT_EQ(reported.touched_before, 0u);
  EXPECT_EQ(meter.peak_pages(), 300u);
}

TEST(PeakMeter, WhatScansHadFoundBeforeTheSampleIsNotTouchedAgainAlthoughItIsGoneByNow) {
  PeakMeter meter;
  find(meter, 1000, 1000);
  const PeakMeter::Sample sample{1100, meter.known()};
  free(meter, 900);
  const PeakMeter::Unattributed reported = meter.report(sample);
  EXPECT_EQ(reported.pages(), 1000u);  // the target was as full
  EXPECT_EQ(reported.touched_first, 100u);
}

TEST(PeakMeter, WhatAScanHasFoundSinceTheSampleIsNotTouchedAgain) {
  PeakMeter meter;
  find(meter, 100, 100);
  const PeakMeter::Sample sample{500, meter.known()};
  find(meter, 350, 500);
  free(meter, 400);
  EXPECT_EQ(meter.report(sample).touched_first, 50u);
}

TEST(PeakMeter, AScanThatFindsWhatWasReportedDoesNotCountItAgain) {
  PeakMeter meter;
  EXPECT_EQ(meter.report({200, meter.known()}).touched_first, 200u);
  EXPECT_EQ(find(meter, 150, 200), 150u);
  EXPECT_EQ(find(meter, 100, 250), 50u);  // the rest of it, and what is new
  EXPECT_EQ(find(meter, 100, 350), 0u);
}

TEST(PeakMeter, WhatWasReportedAndIsGoneByTheCountsIsNotTakenForWhatComesLater) {
  PeakMeter meter;
  meter.report({200, meter.known()});
  EXPECT_EQ(find(meter, 30, 30), 30u);
  EXPECT_EQ(find(meter, 500, 530 + 20), 0u)
      << "170 of those that were reported are gone: the counts had no more than was known";
}

TEST(PeakMeter, TheSameMissedMemoryAtAHigherPeakIsReportedOnce) {
  PeakMeter meter;
  meter.report({200, meter.known()});
  const PeakMeter::Unattributed again = meter.report({260, meter.known()});
  EXPECT_EQ(again.touched_first, 60u);
  EXPECT_EQ(again.touched_before, 200u);
}

TEST(PeakMeter, APeakThatIsNoHigherThanTheLastIsNoNews) {
  PeakMeter meter;
  find(meter, 1000, 1000);
  free(meter, 500);
  EXPECT_FALSE(meter.is_news(1003));
  EXPECT_EQ(meter.report({1003, {}}).pages(), 0u);
  EXPECT_TRUE(meter.is_news(1004));
}

TEST(PeakMeter, ARememberedPeakHasAllThatWasEverKnownAtOnce) {
  PeakMeter meter;
  find(meter, 1000, 1000);
  free(meter, 800);
  const PeakMeter::Unattributed reported = meter.report_remembered(1200);
  EXPECT_EQ(reported.touched_first, 200u);
  EXPECT_EQ(reported.touched_before, 800u);
}

/// A program touches and frees, scans come seldom and samples often: each page that is touched is counted at most once,
/// and the peak that is reported is never above the true one.
TEST(PeakMeter, NeverCountsMoreThanWasTouchedWhateverComesInWhichOrder) {
  std::mt19937 random(7);
  for (int round = 0; round < 400; ++round) {
    PeakMeter meter;
    uint64_t touched = 0, counted = 0, unfound = 0, found = 0, peak = 0;
    PeakMeter::Sample highest;
    for (int step = 0; step < 200; ++step) {
      const uint64_t amount = random() % 100 + 1;
      switch (random() % 5) {
        case 0:
          unfound += amount;
          touched += amount;
          break;
        case 1: {  // unseen memory goes unseen
          unfound -= std::min(unfound, amount);
          break;
        }
        case 2: {  // memory that was found goes, and is known to
          const uint64_t gone = std::min(found, amount);
          found -= gone;
          free(meter, gone);
          break;
        }
        case 3: {
          if (random() % 2 == 0) break;
          counted += unfound - find(meter, unfound, found + unfound);
          found += unfound;
          unfound = 0;
          break;
        }
        default:
          counted += meter.report(highest).touched_first;
          highest = {};
      }
      const uint64_t now = found + unfound;
      peak = std::max(peak, now);
      if (now > highest.pages) highest = {now, meter.known()};
      ASSERT_LE(meter.peak_pages(), peak);
    }
    EXPECT_LE(counted, touched) << "round " << round;
  }
}

}  // namespace
}  // namespace oomcast::record
