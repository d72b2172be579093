// In the polling phase a program runs at its own speed; in the exact phase it is seen page by page.
#include <gtest/gtest.h>

#include <set>

#include "preload/record/guest/guest_process.h"
#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {
namespace {

using trace::EventKind;

constexpr uint64_t kAmpleHeadroomPages = uint64_t{1} << 30, kMiB = 1 << 20;

class Phases : public testing::Test {
 protected:
  void SetUp() override {
    if (!probe().userfaultfd || !probe().pagemap_scan) GTEST_SKIP() << "no userfaultfd here, or no PAGEMAP_SCAN";
  }
  Result<trace::CaptureSummary> record(RecordingSink& sink, const std::string& name) {
    RecordOptions options;
    options.command = {guest(name)};
    options.begin_in_polling_phase = true;
    return run(options, sink);
  }
  /// With a target that never nears its watermark.
  Result<trace::CaptureSummary> record_in_polling_phase(RecordingSink& sink, const std::string& name) {
    sink.headroom = kAmpleHeadroomPages;
    return record(sink, name);
  }
};

/// The target has room until so much has been touched.
class NearsItsWatermark : public RecordingSink {
 public:
  explicit NearsItsWatermark(uint64_t bytes) : ample_bytes_(bytes) {}
  void feed(const trace::Event& event) override {
    RecordingSink::feed(event);
    if (event.kind == EventKind::kTouch) touched_ += event.bytes;
  }
  uint64_t headroom_pages() const override { return touched_ < ample_bytes_ ? kAmpleHeadroomPages : 100'000; }

 private:
  uint64_t ample_bytes_, touched_ = 0;
};

/// The pages with an address that were touched: found resident by a scan, or held by a fault.
std::set<uint64_t> pages_of(const RecordingSink& sink, bool found_present) {
  std::set<uint64_t> pages;
  for (const trace::Event& e : sink.events)
    if (e.kind == EventKind::kTouch && e.address < kUnattributedMemory && (e.flags & trace::kWrite) &&
        ((e.flags & trace::kPresent) != 0) == found_present)
      for (uint64_t at = e.address; at < e.address + e.bytes; at += 4096) pages.insert(at);
  return pages;
}

/// The pages as runs, for a failure's message.
std::string runs(const std::set<uint64_t>& pages) {
  std::string text;
  uint64_t start = 0, end = 0;
  const auto flush = [&] {
    if (end > start) text += " " + std::to_string((end - start) / 4096) + "@" + std::to_string(start >> 12);
  };
  for (const uint64_t page : pages) {
    if (page != end) flush(), start = page;
    end = page + 4096;
  }
  flush();
  return text;
}

TEST_F(Phases, InThePollingPhaseNoTouchIsHeldAndAllMemoryIsSeen) {
  RecordingSink sink;
  const auto summary = record_in_polling_phase(sink, "two_phases");
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 0);
  EXPECT_TRUE(pages_of(sink, false).empty());
  EXPECT_LT(peak_error_percent(summary.value()), 2);
  EXPECT_EQ(summary->tracker, "pagemap");
  ASSERT_FALSE(summary->caveats.empty());
  EXPECT_NE(summary->caveats[0].find("never near"), std::string::npos) << summary->caveats[0];
}

TEST_F(Phases, InTheExactPhaseEachTouchIsHeldWhateverTheMemoryIsAndCountedOnce) {
  NearsItsWatermark sink(20 * kMiB);
  const auto summary = record(sink, "two_phases");
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 0);
  const std::set<uint64_t> found = pages_of(sink, true), held = pages_of(sink, false);
  // A scan finds that the target nears its watermark. What the program touches until the next poll is found, not held:
  // how much that is depends on the machine.
  EXPECT_GE(static_cast<double>(found.size()), 0.96 * 20 * 256) << runs(found);
  // What was only read before, what is mapped afterwards, and a heap that grows on.
  EXPECT_GE(static_cast<double>(held.size()), 8 * 256) << runs(held);
  EXPECT_NEAR(static_cast<double>(found.size() + held.size()), 36.0 * 256, 0.04 * 36 * 256)
      << runs(found) << runs(held);
  for (const uint64_t page : held) EXPECT_FALSE(found.contains(page)) << std::hex << page;
  EXPECT_LT(peak_error_percent(summary.value()), 2);
  EXPECT_EQ(summary->tracker, "pagemap") << "which saw the larger part";
  EXPECT_NE(summary->caveats[0].find("Until second "), std::string::npos) << summary->caveats[0];
}

TEST_F(Phases, ProcessesThatComeLaterAreHeldFromTheirStart) {
  NearsItsWatermark sink(0);
  const auto summary = record(sink, "touch_free_fork");
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->tracker, "userfaultfd");
  EXPECT_GT(pages_of(sink, false).size(), 32u * 256);
}

TEST_F(Phases, WhereTheThreadDecidesWhichNodeGivesThePageEachTouchIsHeld) {
  class Nodes : public RecordingSink {
   public:
    bool placed_by_thread() const override { return true; }
  } sink;
  const auto summary = record_in_polling_phase(sink, "two_phases");
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->tracker, "userfaultfd");
}

TEST_F(Phases, AShortPeakBetweenTwoScansIsReportedAndGone) {
  RecordingSink sink;
  const auto summary = record_in_polling_phase(sink, "short_peak");
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 0);
  EXPECT_NEAR(static_cast<double>(summary->tracked_peak_bytes), 72.0 * kMiB, 0.02 * 72 * kMiB);
  // Nothing of it stays with the sink.
  std::set<uint64_t> there;
  for (const trace::Event& e : sink.events) {
    if (e.kind == EventKind::kTouch)
      for (uint64_t at = e.address; at < e.address + e.bytes; at += 4096) there.insert(at);
    if (e.kind == EventKind::kUnmap || e.kind == EventKind::kAdviseDontneed)
      there.erase(there.lower_bound(e.address), there.lower_bound(e.address + e.bytes));
  }
  EXPECT_NEAR(static_cast<double>(there.size()), 8.0 * 256, 0.1 * 8 * 256);
}

TEST_F(Phases, MemoryOfAChildIsSeenInThePollingPhaseToo) {
  RecordingSink sink;
  const auto summary = record_in_polling_phase(sink, "touch_free_fork");
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(sink.count(EventKind::kFork), 1u);
  EXPECT_EQ(sink.count(EventKind::kExit), 2u);
  EXPECT_LT(peak_error_percent(summary.value()), 3);
}

}  // namespace
}  // namespace oomcast::record
