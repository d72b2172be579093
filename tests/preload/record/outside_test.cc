// Programs that no library reaches are held at their touches all the same, from their first instruction on.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {
namespace {

using testing::Contains;
using testing::HasSubstr;
using trace::EventKind;

constexpr uint64_t kMiB = 1 << 20;
constexpr const char* kAllButTheFirst =
    "but for what it touches before a mapping is known: on a busy machine most of it";

class HeldFromOutside : public testing::Test {
 protected:
  void SetUp() override {
    if (!probe().userfaultfd) GTEST_SKIP() << "no userfaultfd here";
  }
  Result<trace::CaptureSummary> work(std::vector<std::string> words) {
    words.insert(words.begin(), guest("static_worker"));
    return record_guest(sink, std::move(words));
  }
  /// Bytes whose first write was held by a fault of the process.
  uint64_t held_bytes(uint32_t pid) const {
    uint64_t bytes = 0;
    for (const trace::Event& e : sink.events)
      if (e.kind == EventKind::kTouch && e.pid == pid && (e.flags & trace::kWrite) && !(e.flags & trace::kPresent))
        bytes += e.bytes;
    return bytes;
  }
  RecordingSink sink;
};

TEST_F(HeldFromOutside, NothingIsTouchedBeforeTouchesAreHeld) {
  const auto summary = work({"exit=7"});
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_EQ(summary->exit_code, 7);
  EXPECT_EQ(summary->tracker, "userfaultfd");
  uint64_t present = 0;
  for (const trace::Event& e : sink.events)
    if (e.kind == EventKind::kTouch && (e.flags & trace::kPresent)) present += e.bytes;
  EXPECT_LE(present, 16 * 4096u) << "what exec itself has written: arguments and the like";
  EXPECT_THAT(summary->caveats, Contains(HasSubstr("a userfaultfd was opened inside of them: guest_static_w")));
}

TEST_F(HeldFromOutside, ItsMappingsAreKnownAsTheyAreMade) {
  const auto summary = work({"touch=24", "touch=24", "free", "touch=8", "exit=3"});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 3);
  EXPECT_GE(summary->tracked_peak_bytes, 48 * kMiB);
  EXPECT_LT(summary->tracked_peak_bytes, 50 * kMiB);
  EXPECT_EQ(sink.count(EventKind::kUnmap), 1u) << "reported by the kernel";
}

TEST_F(HeldFromOutside, PagesReadBeforeTheirMappingIsKnownAreReportedWhenWritten) {
  for (int i = 0; i < 3; ++i) {
    const auto summary = work({"read=16", "sleep=1000", "exit=3"});
    ASSERT_TRUE(summary.ok());
    EXPECT_EQ(summary->exit_code, 3);
    EXPECT_GE(summary->tracked_peak_bytes, 16 * kMiB);
    EXPECT_LT(summary->tracked_peak_bytes, 18 * kMiB);
  }
}

TEST_F(HeldFromOutside, ItsChildIsHeldOnceItIsKnown) {
  const auto summary = work({"touch=8", "fork", "sleep=2000", "touch=16", "exit=4"});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 4);
  uint32_t child = 0;
  for (const trace::Event& e : sink.events)
    if (e.kind == EventKind::kFork) child = static_cast<uint32_t>(e.address);
  EXPECT_GT(held_bytes(child), 0u) << kAllButTheFirst;
  EXPECT_LT(held_bytes(child), 18 * kMiB);
}

TEST_F(HeldFromOutside, TheProgramThatItBecomesIsHeldToo) {
  const auto summary = work({"touch=8", "exec", "sleep=2000", "touch=16", "exit=5"});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 5);
  EXPECT_EQ(sink.count(EventKind::kExec), 1u);
  EXPECT_GT(held_bytes(sink.events.front().pid), 0u) << kAllButTheFirst;
  EXPECT_LT(summary->tracked_peak_bytes, 18 * kMiB) << "the first program's memory is gone";
}

TEST_F(HeldFromOutside, AProgramThatCannotBeStartedIsAnError) {
  RecordOptions options;
  options.command = {guest("static_worker"), std::string(4 << 20, 'x')};
  const auto summary = run(options, sink);
  ASSERT_FALSE(summary.ok());
  EXPECT_THAT(summary.error().message, HasSubstr("Argument list too long"));
}

TEST_F(HeldFromOutside, ATrackerThatOnlyPollsLeavesItAlone) {
  RecordOptions options;
  options.command = {guest("static_worker"), "touch=8", "sleep=60", "exit=7"};
  options.tracker = "pagemap";
  const auto summary = run(options, sink);
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->tracker, "pagemap");
  EXPECT_THAT(summary->caveats, testing::Not(Contains(HasSubstr("opened inside"))));
}

}  // namespace
}  // namespace oomcast::record
