// File use that passes no name of libc's is seen, from the kernel's byte counts and the descriptors' positions.
#include "preload/record/capture/file_uses.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "preload/ring/file_notes.h"
#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {
namespace {

TEST(ProcIo, TotalsAndPositionsAreReadFromProc) {
  const IoTotals totals = parse_io("rchar: 1234\nwchar: 99\nsyscr: 1\n");
  EXPECT_EQ(totals.read_bytes, 1234u);
  EXPECT_EQ(totals.written_bytes, 99u);
  OpenFile file;
  ASSERT_TRUE(parse_fdinfo("pos:\t65536\nflags:\t0100001\nmnt_id:\t29\n", &file));
  EXPECT_EQ(file.position, 65536u);
  EXPECT_TRUE(file.writes && !file.reads);
  ASSERT_TRUE(parse_fdinfo("pos:\t0\nflags:\t02\n", &file));
  EXPECT_TRUE(file.writes && file.reads);
  EXPECT_FALSE(parse_fdinfo("", &file));
}

class OpenFiles : public testing::Test {
 protected:
  void SetUp() override {
    if (!probe().userfaultfd) GTEST_SKIP() << "no userfaultfd here";
    path = std::filesystem::temp_directory_path() / ("oomcast-open-" + std::to_string(::getpid()));
  }
  void TearDown() override { std::filesystem::remove(path); }
  uint64_t bytes_of(trace::EventKind kind) const {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    uint64_t total = 0;
    for (const trace::Event& event : sink.events)
      if (event.kind == kind && event.address == ring::file_id(status.st_dev, status.st_ino)) total += event.bytes;
    return total;
  }
  RecordingSink sink;
  std::filesystem::path path;
};

TEST_F(OpenFiles, StdioIsSeenThroughThePositionsOfItsDescriptors) {
  const auto summary = record_guest(sink, {guest("stdio_copy"), path.string()});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 0);
  EXPECT_EQ(bytes_of(trace::EventKind::kFileWrite), 16u << 20);
  EXPECT_EQ(bytes_of(trace::EventKind::kFileRead), 16u << 20);
}

TEST_F(OpenFiles, AStreamIsReportedWhenItIsClosedHoweverSoonThatIs) {
  ASSERT_TRUE(record_guest(sink, {guest("stdio_copy"), path.string(), "at once"}).ok());
  EXPECT_EQ(bytes_of(trace::EventKind::kFileWrite), 16u << 20);
  EXPECT_EQ(bytes_of(trace::EventKind::kFileRead), 16u << 20);
}

TEST_F(OpenFiles, WhatStoodOpenBeforeTheProgramBeganIsNotItsDoing) {
  // The guest inherits a descriptor that has come far along another file.
  const std::string other = path.string() + ".other";
  FILE* inherited = std::fopen(other.c_str(), "w");
  ASSERT_NE(inherited, nullptr);
  std::string block(8 << 20, 'x');
  ASSERT_EQ(std::fwrite(block.data(), block.size(), 1, inherited), 1u);
  std::fflush(inherited);
  ASSERT_TRUE(record_guest(sink, {guest("stdio_copy"), path.string()}).ok());
  struct stat status {};
  ASSERT_EQ(::fstat(::fileno(inherited), &status), 0);
  for (const trace::Event& event : sink.events)
    if (event.kind == trace::EventKind::kFileWrite) {
      EXPECT_NE(event.address, ring::file_id(status.st_dev, status.st_ino));
    }
  std::fclose(inherited);
  std::filesystem::remove(other);
  EXPECT_EQ(bytes_of(trace::EventKind::kFileWrite), 16u << 20);
}

TEST_F(OpenFiles, WhatHooksHaveReportedIsNotReportedAgain) {
  ASSERT_TRUE(
      record_guest(sink, {"/bin/dd", "if=/dev/zero", "of=" + path.string(), "bs=1M", "count=64", "status=none"}).ok());
  EXPECT_EQ(bytes_of(trace::EventKind::kFileWrite), 64u << 20);
}

TEST_F(OpenFiles, TheEndOfADeletedFileIsReportedAfterItsWrites) {
  const std::string file = path.string();
  ASSERT_TRUE(record_guest(sink, {"/bin/sh", "-c",
                                  "dd if=/dev/zero of=" + file + " bs=1M count=8 status=none; rm " + file + "; true"})
                  .ok());
  uint64_t written = 0, id = 0;
  bool dropped = false;
  for (const trace::Event& event : sink.events) {
    if (event.kind == trace::EventKind::kFileWrite) {
      EXPECT_FALSE(dropped);
      written += event.bytes;
      id = event.address;
    }
    if (event.kind == trace::EventKind::kFileTruncate && event.address == id && written == 8u << 20) dropped = true;
  }
  EXPECT_EQ(written, 8u << 20);
  EXPECT_TRUE(dropped);
}

TEST(FileUse, ForgetsFilesThatAreClosedOnceManyHaveBeenClaimed) {
  FileUse use;
  const std::map<int, OpenFile> still_open = {{3, {5, 0, true, false}}, {4, {999'999'999, 0, true, false}}};
  size_t most = 0;
  for (uint64_t object = 0; object < 100'000; ++object) {
    if (use.claim(object)) use.forget_closed(still_open);
    most = std::max(most, use.claimed.size());
  }
  EXPECT_LE(most, 5000u) << "a program that goes through a million files costs no more than one that has many open";
  EXPECT_TRUE(use.claimed.contains(5)) << "still open: the hooks' own";
  EXPECT_FALSE(use.claimed.contains(999'999'999)) << "open, and no hook has claimed it";
}

}  // namespace
}  // namespace oomcast::record
