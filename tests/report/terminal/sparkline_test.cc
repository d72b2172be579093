// A node's free memory is drawn so that one sees where it went below its marks.
#include "report/terminal/sparkline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/report/stories.h"

namespace oomcast::report {
namespace {

using testing::ElementsAre;

sim::Outcome falling(std::vector<Pages> free) {
  sim::Outcome outcome = stories::fits().outcome;  // min 2,814, low 3,517, high 4,220 pages
  Nanoseconds t(0);
  for (Pages pages : free) {
    sim::TimelineRow row;
    row.t = t;
    row.node_free = {pages};
    outcome.timeline.push_back(row);
    t += Nanoseconds(1'000'000'000);
  }
  return outcome;
}

TEST(Sparkline, TheLowestLevelsAreTheMarks) {
  sim::Outcome outcome = falling({Pages(104220), Pages(54220), Pages(4000), Pages(3000), Pages(2000)});
  EXPECT_THAT(free_levels(outcome, 0, 5), ElementsAre(7, 5, 2, 1, 0));
  EXPECT_EQ(sparkline({7, 5, 2, 1, 0}, false, false), "█▆▃▂▁");
  EXPECT_EQ(sparkline({7, 5, 2, 1, 0}, false, true), "@*-._");
}

TEST(Sparkline, ADipBetweenTwoHighsIsSeen) {
  sim::Outcome outcome = falling({Pages(104220), Pages(2000), Pages(104220), Pages(104220)});
  EXPECT_THAT(free_levels(outcome, 0, 2), ElementsAre(0, 7));
}

TEST(Sparkline, WhereNoSampleFellTheLastOneStands) {
  sim::Outcome outcome = falling({Pages(104220), Pages(2000)});
  EXPECT_THAT(free_levels(outcome, 0, 4), ElementsAre(7, 7, 7, 0));
}

TEST(Sparkline, WhatZoneDmaHoldsBackIsNotFree) {
  sim::Outcome outcome = falling({Pages(5000 + 3800)});
  host::ZoneSpec dma;
  dma.kind = host::ZoneKind::kDma;
  dma.free = Pages(3800);
  dma.watermarks = {Pages(50), Pages(60), Pages(70)};
  outcome.host.nodes[0].zones.insert(outcome.host.nodes[0].zones.begin(), dma);
  EXPECT_EQ(marks_of(outcome.host.nodes[0]).low, Pages(3517));
  EXPECT_THAT(free_levels(outcome, 0, 1), ElementsAre(7));
}

TEST(Sparkline, OfASmallHostsZoneDmaMostCanBeTaken) {
  sim::Outcome outcome = falling({Pages(100'000), Pages(480 + 3000)});
  host::ZoneSpec dma;
  dma.kind = host::ZoneKind::kDma;
  dma.free = Pages(3800);
  dma.watermarks = {Pages(22), Pages(27), Pages(32)};
  dma.lowmem_reserve.fill(Pages(454));
  outcome.host.nodes[0].zones.insert(outcome.host.nodes[0].zones.begin(), dma);
  EXPECT_EQ(marks_of(outcome.host.nodes[0]).held_back, Pages(476));
  EXPECT_THAT(free_levels(outcome, 0, 2), ElementsAre(7, 1)) << "3,004 pages: between min and low";
}

TEST(Sparkline, ColoursChangeWithTheLevelOnly) {
  EXPECT_EQ(sparkline({7, 6, 0}, true, true), "\x1b[32m@#\x1b[31m_\x1b[0m");
  EXPECT_EQ(sparkline({}, true, false), "");
}

}  // namespace
}  // namespace oomcast::report
