// Mappings of files are recognised, and the pages used through each mapping are reported once.
#include "preload/record/capture/mapped_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "preload/record/capture/program_text.h"
#include "preload/ring/file_notes.h"
#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {
namespace {

using trace::EventKind;

Vma file_vma(uint64_t start, uint64_t bytes, uint64_t inode) {
  Vma vma;
  vma.start = start;
  vma.end = start + bytes;
  vma.inode = inode;
  vma.device = 7;
  vma.readable = true;
  vma.name = "/data/file";
  return vma;
}

TEST(DataFileMappings, AreLargeAndNotOfAnExecutedFile) {
  Vma data = file_vma(0x1000000, 4 << 20, 1), small = file_vma(0x2000000, 64 << 10, 2);
  Vma read_only_part = file_vma(0x3000000, 2 << 20, 3), text = file_vma(0x3200000, 1 << 20, 3);
  text.executable = true;
  const auto found = data_file_mappings({data, small, read_only_part, text});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].start, data.start);
}

TEST(DataFileMappings, OurOwnRingAndWhatIsInstalledAreLeftOut) {
  Vma ring = file_vma(0x1000000, 8 << 20, 1), locale = file_vma(0x3000000, 4 << 20, 2);
  ring.shared = ring.writable = true;
  ring.name = "/memfd:oomcast (deleted)";
  locale.name = "/usr/lib/locale/locale-archive";
  EXPECT_TRUE(data_file_mappings({ring, locale}).empty());
}

TEST(DataFileMappings, PrivateWritableOnesAreTrackedAsAnonymousMemory) {
  Vma vma = file_vma(0x1000000, 4 << 20, 1);
  vma.writable = true;
  EXPECT_TRUE(data_file_mappings({vma}).empty());
  vma.shared = true;
  EXPECT_EQ(data_file_mappings({vma}).size(), 1u);
}

TEST(IoUring, IsKnownByItsQueues) {
  Vma queues = file_vma(0x1000000, 4096, 9);
  queues.name = "anon_inode:[io_uring]";
  EXPECT_TRUE(maps_io_uring({file_vma(0x2000000, 4096, 1), queues}));
  EXPECT_FALSE(maps_io_uring({file_vma(0x2000000, 4096, 1)}));
}

TEST(IoUring, ItsUseIsACaveat) {
  for (const char* tracker : {"", "pagemap"}) {
    RecordingSink sink;
    RecordOptions options;
    options.command = {guest("uses_io_uring")};
    options.tracker = tracker;
    const auto summary = run(options, sink);
    ASSERT_TRUE(summary.ok());
    if (summary->exit_code == 77) GTEST_SKIP() << "no io_uring here";
    EXPECT_THAT(summary->caveats, testing::Contains(testing::StartsWith("The program uses io_uring")));
  }
}

Vma image_vma(uint64_t start, uint64_t inode, const char* name, bool executable) {
  Vma vma = file_vma(start, 64 << 10, inode);
  vma.name = name;
  vma.executable = executable;
  return vma;
}

TEST(ProgramMappings, AreCodeAndConstantsOfWhatIsExecutedButNotWhatCanBeWritten) {
  const Vma code = image_vma(0x1000000, 1, "/opt/service", true),
            constants = image_vma(0x1100000, 1, "/opt/service", false);
  Vma data = image_vma(0x1200000, 1, "/opt/service", false);
  data.writable = true;
  const Vma icons = image_vma(0x2000000, 2, "/opt/icons", false);
  const auto found = program_mappings({code, constants, data, icons});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].start, code.start);
  EXPECT_EQ(found[1].start, constants.start);
}

TEST(ProgramMappings, WhatIsInMemoryWithoutTheProgramIsLeftOut) {
  std::vector<Vma> maps;
  for (const char* name : {"/usr/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2", "/usr/bin/dash",
                           "/opt/oomcast/liboomcast.so", "/usr/lib/libunwind.so.8.0.1"})
    maps.push_back(image_vma(0x1000000 * (maps.size() + 1), maps.size() + 1, name, true));
  EXPECT_TRUE(program_mappings(maps).empty());
  maps.push_back(image_vma(0x70000000, 99, "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", true));
  EXPECT_EQ(program_mappings(maps).size(), 1u);
}

TEST(ProgramText, IsReportedAsMappedAndUsedAndAChildThatExecsHasItsOwn) {
  if (!probe().userfaultfd) GTEST_SKIP() << "no userfaultfd here";
  RecordingSink sink;
  ASSERT_TRUE(record_guest(sink, {"/bin/sh", "-c", guest("exit_code") + " 0"}).ok());
  struct stat status {};
  ASSERT_EQ(::stat(guest("exit_code").c_str(), &status), 0);
  uint64_t code_start = 0, code_end = 0, used = 0;
  for (const trace::Event& event : sink.events) {
    if (event.kind == EventKind::kMap && (event.flags & trace::kExecutable) && (event.flags & trace::kWritable) == 0)
      code_start = event.address, code_end = event.address + event.bytes;
    const bool ours = event.kind == EventKind::kMapFile && event.bytes == ring::file_id(status.st_dev, status.st_ino);
    if (ours) {
      EXPECT_EQ(event.flags, trace::kProgram);
    }
    if (event.kind == EventKind::kTouch && event.address >= code_start && event.address < code_end) {
      EXPECT_EQ(event.flags, 0) << "a read";
      used += event.bytes;
    }
  }
  EXPECT_GT(used, 0u);
}

TEST(ProgramText, WhereAThreadWasStoppedIsReadFromProc) {
  EXPECT_EQ(stopped_at("-1 0x7ffc3ccbdf28 0x7f39812c42ad\n"), 0x7f39812c42adu) << "in a fault";
  EXPECT_EQ(stopped_at("0 0x3 0x7f398114d000 0x20000 0x7f39811dbb60 0xffffffff 0x0 0x7ffc3ccbdf20 0x7f39812c4200\n"),
            0x7f39812c4200u)
      << "in read()";
  EXPECT_EQ(stopped_at("running\n"), 0u);
  EXPECT_EQ(stopped_at(""), 0u);
}

TEST(ProgramText, ThatAHeldThreadRunsIsReportedAgainWhenItIsWatched) {
  if (!probe().userfaultfd) GTEST_SKIP() << "no userfaultfd here";
  RecordingSink sink;
  sink.headroom = 0;
  sink.watch_reads = true;
  ASSERT_TRUE(record_guest(sink, {guest("downwards")}).ok());
  struct stat status {};
  ASSERT_EQ(::stat(guest("downwards").c_str(), &status), 0);
  uint64_t start = 0, end = 0, again = 0;
  for (const trace::Event& event : sink.events) {
    if (event.kind == EventKind::kMap && (event.flags & trace::kExecutable))
      start = event.address, end = event.address + event.bytes;
    if (event.kind == EventKind::kReference && event.address >= start && event.address < end) {
      EXPECT_EQ(event.flags, 0) << "a read";
      ++again;
    }
  }
  EXPECT_GT(again, 0u);
  EXPECT_LE(again, (end - start) / 4096) << "each watch is answered once";
}

class MappedFiles : public testing::Test {
 protected:
  void SetUp() override {
    if (!probe().userfaultfd) GTEST_SKIP() << "no userfaultfd here";
    path = std::filesystem::temp_directory_path() / ("oomcast-mapped-" + std::to_string(::getpid()));
    ASSERT_TRUE(record_guest(sink, {guest("maps_file"), path.string()}).ok());
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    object = ring::file_id(status.st_dev, status.st_ino);
  }
  void TearDown() override { std::filesystem::remove(path); }

  RecordingSink sink;
  std::filesystem::path path;
  uint64_t object = 0;
};

TEST_F(MappedFiles, EachMappingIsReportedWithItsFileUsedAndTakenBack) {
  uint64_t mappings = 0, start = 0, read_bytes = 0, written_bytes = 0, unmaps = 0;
  for (const trace::Event& event : sink.events) {
    if (event.kind == EventKind::kMapFile && event.bytes == object) {
      ++mappings;
      start = event.address;
      EXPECT_EQ(event.argument, 0u) << "offset in the file";
    }
    if (start == 0 || event.address < start || event.address >= start + (4 << 20)) continue;
    if (event.kind == EventKind::kTouch) (event.flags & trace::kWrite ? written_bytes : read_bytes) += event.bytes;
    unmaps += event.kind == EventKind::kUnmap;
  }
  EXPECT_EQ(mappings, 3u);
  EXPECT_GE(unmaps, 3u);
  EXPECT_EQ(read_bytes, 2u * (4 << 20)) << "both passes";
  EXPECT_GE(written_bytes, 1u << 20);
  EXPECT_LE(written_bytes, (1u << 20) + (64u << 10)) << "and at most what was mapped around";
}

}  // namespace
}  // namespace oomcast::record
