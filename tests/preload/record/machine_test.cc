// What `--host this` copies from the running kernel is all that the reader of a snapshot reads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "model/spec/snapshot/snapshot_paths.h"
#include "preload/record/kernel/proc_maps.h"
#include "preload/record/recorder.h"

namespace oomcast::record {
namespace {

/// Reading pagetypeinfo takes the lock of each zone for milliseconds: 0.1 s on a machine of 24 GiB.
bool costs_the_machine_too_much(const std::string& path) { return path == "proc/pagetypeinfo"; }

/// A file of the kernel that this user may read and that says something.
bool has_text(const std::string& path) {
  const std::string full = "/" + path;
  if (::access(full.c_str(), R_OK) != 0 || !std::filesystem::is_regular_file(full)) return false;
  return !read_whole_path(full).empty();
}

TEST(Machine, EveryFileThatTheReaderReadsIsCopied) {
  const auto files = files_of_this_machine();
  for (const std::string& path : host::single_snapshot_paths()) {
    if (costs_the_machine_too_much(path) || !has_text(path)) continue;
    EXPECT_TRUE(files.contains(path)) << path;
  }
  EXPECT_TRUE(files.contains("proc/zoneinfo"));
}

TEST(Machine, EveryBlockDeviceSaysWhetherItTurns) {
  const auto files = files_of_this_machine();
  for (const auto& device : std::filesystem::directory_iterator("/sys/block")) {
    const std::string path = device.path().string().substr(1) + "/queue/rotational";
    if (has_text(path)) EXPECT_TRUE(files.contains(path)) << path;
  }
}

TEST(Machine, ASecondSnapshotIntoTheFolderHasNoneOfTheProcessesThatEnded) {
  std::string folder = testing::TempDir() + "machine-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  ASSERT_TRUE(snapshot_this_machine(folder));
  const std::filesystem::path ended = std::filesystem::path(folder) / "proc/4194305";  // beyond the largest pid
  std::filesystem::create_directories(ended);
  ASSERT_TRUE(snapshot_this_machine(folder));
  EXPECT_FALSE(std::filesystem::exists(ended));
  EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(folder) / "proc/zoneinfo"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace oomcast::record
