// Tests that the sites of a report add up to what was touched, each kind for itself.
#include "report/sites.h"

#include <gtest/gtest.h>

#include <numeric>

namespace oomcast::report {
namespace {

using namespace oomcast::literals;

struct Sampled {
  sim::Outcome outcome;
  trace::CaptureSummary capture;
  uint32_t site(const std::string& kind, std::vector<std::string> stack, Bytes touched) {
    capture.site_kinds.push_back(kind);
    capture.stacks.push_back(std::move(stack));
    const auto id = static_cast<uint32_t>(capture.stacks.size());
    outcome.sites.push_back({id, touched, touched});
    outcome.app.touched += touched;
    return id;
  }
  std::vector<SiteRow> rows() const { return site_rows(outcome, capture); }
};

int64_t shares(const std::vector<SiteRow>& rows) {
  return std::accumulate(rows.begin(), rows.end(), int64_t{0},
                         [](int64_t sum, const SiteRow& row) { return sum + row.share_ppm; });
}

TEST(Sites, MappedMemoryDoesNotMakeTheHeapLookLikeAllOfIt) {
  Sampled run;
  run.site("mmap", {"map_arena at a.c:1"}, 200_MiB);
  run.site("heap", {"fill at a.c:9"}, 20_MiB);
  const auto rows = run.rows();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].kind, "mmap");
  EXPECT_NEAR(static_cast<double>(rows[1].share_ppm), 1e6 / 11, 1);
  EXPECT_EQ(shares(rows), 1'000'000);
}

TEST(Sites, WhatNoSampleStandsForIsSharedOutWithinItsKindOnly) {
  Sampled run;
  const uint32_t big = run.site("heap", {"big"}, 60_MiB), small = run.site("heap", {"small"}, 20_MiB);
  run.site("heap", {}, 40_MiB);
  run.site("stack", {}, 8_MiB);
  run.outcome.app.touched += 31_MiB;  // touched, and of no kind of memory
  const auto rows = run.rows();
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].stack_id, big);
  EXPECT_EQ(rows[0].touched, 90_MiB);
  EXPECT_EQ(rows[1].kind, "unsampled");
  EXPECT_EQ(rows[2].stack_id, small);
  EXPECT_EQ(rows[2].touched, 30_MiB);
  EXPECT_EQ(rows[3].kind, "stack");
  EXPECT_EQ(shares(rows), 1'000'000);
}

TEST(Sites, EachMomentHasItsOwnAmounts) {
  Sampled run;
  const uint32_t big = run.site("heap", {"big"}, 60_MiB), small = run.site("heap", {"small"}, 20_MiB);
  run.site("heap", {}, 40_MiB);
  run.site("stack", {}, 8_MiB);
  sim::Moment early, late;
  early.sites = {{small, 20_MiB}};
  late.sites = {{big, 30_MiB}, {small, 4_MiB}, {3, 40_MiB}, {4, 8_MiB}};
  run.outcome.moments = {early, late};
  const auto rows = run.rows();
  ASSERT_EQ(rows.size(), 3u);
  // Each sample of the heap stands for half as much again.
  EXPECT_EQ(rows[0].resident_at, (std::vector<Bytes>{Bytes(0), 45_MiB}));
  EXPECT_EQ(rows[1].resident_at, (std::vector<Bytes>{30_MiB, 6_MiB}));
  EXPECT_EQ(rows[2].kind, "stack");
  EXPECT_EQ(rows[2].resident_at, (std::vector<Bytes>{Bytes(0), 8_MiB}));
}

TEST(Sites, AFewSamplesDoNotSpeakForAllOfAKind) {
  Sampled run;
  run.site("heap", {"seen"}, 1_MiB);
  run.site("heap", {}, 99_MiB);
  const auto rows = run.rows();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].stack_id, 0u);
  EXPECT_EQ(rows[0].touched, 99_MiB);
}

TEST(Sites, ALongListEndsInOneRowForEachKind) {
  Sampled run;
  for (int i = 0; i < 1000; ++i) run.site(i % 2 ? "heap" : "mmap", {"f" + std::to_string(i)}, 1_MiB);
  const auto rows = run.rows();
  EXPECT_EQ(rows.size(), kSiteRowsMax + 2);
  Bytes all;
  for (const SiteRow& row : rows) all += row.touched;
  EXPECT_EQ(all, run.outcome.app.touched);
  EXPECT_EQ(shares(rows), 1'000'000);
}

TEST(Sites, AnOldTraceHasStacksOfTheHeapOnly) {
  Sampled run;
  run.site("", {"f"}, 3_MiB);
  run.capture.site_kinds.clear();
  run.outcome.app.touched += 1_MiB;
  const auto rows = run.rows();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].kind, "heap");
  EXPECT_EQ(rows[1].kind, "unsampled");
}

TEST(Sites, OfNothingThereIsNoRow) { EXPECT_TRUE(Sampled().rows().empty()); }

}  // namespace
}  // namespace oomcast::report
