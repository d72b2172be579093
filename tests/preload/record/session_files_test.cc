// What a program reads and writes through files arrives with its file, place and length, and nothing else.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "preload/ring/event_ring.h"
#include "preload/ring/file_notes.h"
#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {
namespace {

using trace::EventKind;

class SessionFiles : public testing::Test {
 protected:
  void SetUp() override {
    if (!probe().userfaultfd) GTEST_SKIP() << "no userfaultfd here";
    path = std::filesystem::temp_directory_path() / ("oomcast-files-" + std::to_string(::getpid()));
  }
  void TearDown() override { std::filesystem::remove(path); }

  /// Kind, offset and length of the events about the test's file, which still exists.
  struct Seen {
    EventKind kind;
    uint64_t offset, bytes;
    bool operator==(const Seen&) const = default;
  };
  std::vector<Seen> seen() const {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    std::vector<Seen> out;
    for (const trace::Event& event : sink.events)
      if (event.address == ring::file_id(status.st_dev, status.st_ino))
        out.push_back({event.kind, event.argument, event.bytes});
    return out;
  }

  RecordingSink sink;
  std::filesystem::path path;
};

TEST_F(SessionFiles, ReadsAndWritesArriveInOrderWithPlaceAndLength) {
  const auto summary = record_guest(sink, {guest("uses_files"), path.string()});
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_EQ(summary->exit_code, 0) << "the guest's own check of this number failed";
  const std::vector<Seen> events = seen();
  ASSERT_EQ(events.size(), 10u);
  EXPECT_EQ(events[0], (Seen{EventKind::kFileTruncate, 0, 0}));
  EXPECT_EQ(events[1], (Seen{EventKind::kFileWrite, 0, 65536}));
  EXPECT_EQ(events[2], (Seen{EventKind::kFileWrite, 65536, 10000}));
  EXPECT_EQ(events[3], (Seen{EventKind::kFileRead, 4096, 8192}));
  EXPECT_EQ(events[4], (Seen{EventKind::kFileWrite, 131072, 20100}));
  EXPECT_EQ(events[5], (Seen{EventKind::kFileSync, 0, 0}));
  EXPECT_EQ(events[6], (Seen{EventKind::kFileRead, 0, 8}));
  EXPECT_EQ(events[7], (Seen{EventKind::kFileRead, 4096, 8}));
  EXPECT_EQ(events[8], (Seen{EventKind::kFileWrite, 151172, 30})) << "O_APPEND";
  EXPECT_EQ(events[9], (Seen{EventKind::kFileTruncate, 4096, 0}));
}

/// In the polling phase its ring is emptied every few milliseconds, and holds 2,048 notes.
TEST_F(SessionFiles, AFloodOfNotesArrivesOrIsCounted) {
  constexpr uint64_t kPages = 20'000;
  RecordOptions options;
  options.command = {guest("scattered_writes"), path.string(), std::to_string(kPages)};
  options.begin_in_polling_phase = true;
  sink.headroom = uint64_t{1} << 24;
  const auto summary = run(options, sink);
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_EQ(summary->exit_code, 0);
  std::set<uint64_t> pages;
  for (const Seen& event : seen())
    if (event.kind == EventKind::kFileWrite) pages.insert(event.offset / 4096);
  EXPECT_EQ(pages.size() + summary->lost_events, kPages);
  EXPECT_GT(pages.size(), ring::kSlots) << "the ring was emptied once only";
}

TEST_F(SessionFiles, PipesAreNotFiles) {
  ASSERT_TRUE(record_guest(sink, {guest("uses_files"), path.string()}).ok());
  for (const trace::Event& event : sink.events)
    if (event.kind == EventKind::kFileRead || event.kind == EventKind::kFileWrite) {
      EXPECT_TRUE(event.bytes != 5000 && event.bytes != 6000);
    }
}

TEST_F(SessionFiles, TimeInFileCallsIsNeitherComputingNorWaiting) {
  // dd's own work is next to nothing beside what the kernel does for it.
  ASSERT_TRUE(record_guest(sink, {"/bin/dd", "if=/dev/zero", "of=" + path.string(), "bs=1M", "count=256", "conv=fsync",
                                  "status=none"})
                  .ok());
  uint64_t written = 0, wait = 0;
  for (const Seen& event : seen())
    if (event.kind == EventKind::kFileWrite) written += event.bytes;
  for (const trace::Event& event : sink.events)
    if (event.kind == EventKind::kFileWrite || event.kind == EventKind::kFileSync) wait += event.wait_ns;
  EXPECT_EQ(written, uint64_t{256} << 20);
  EXPECT_EQ(sink.count(EventKind::kFileSync), 1u);
  EXPECT_LT(wait, 50'000'000u);
}

TEST(FileTime, ACallThatALongjmpLeavesDoesNotStopTheClockForEver) {
  static ring::FileCallTable table;
  table.of(7).tid = 7;
  table.of(7).since_ns = 1000;
  table.of(7).wall_ns = 5;
  EXPECT_TRUE(ring::FileTime::read(table, 7, 2000).in_call);
  EXPECT_EQ(ring::FileTime::read(table, 7, 2000).wall_ns, 5u);
  EXPECT_FALSE(ring::FileTime::read(table, 7, 2000 + ring::FileTime::kLongestNs).in_call);
  EXPECT_FALSE(ring::FileTime::read(table, 7 + ring::FileCallTable::kThreads, 2000).in_call) << "another thread's";
}

}  // namespace
}  // namespace oomcast::record
