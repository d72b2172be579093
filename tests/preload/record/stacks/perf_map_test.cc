// Tests that functions compiled at run time are named by the map that their compiler left.
#include "preload/record/stacks/perf_map.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "preload/record/stacks/stack_table.h"

namespace oomcast::record {
namespace {

TEST(PerfMap, NamesTheFunctionThatHoldsAnAddress) {
  const PerfMap map = PerfMap::parse("7f0010 20 LazyCompile:*grow app.js:12\n7f0040 10 py::fill:/srv/a b.py\n");
  EXPECT_EQ(map.name(0x7f0010), "LazyCompile:*grow app.js:12");
  EXPECT_EQ(map.name(0x7f002f), "LazyCompile:*grow app.js:12");
  EXPECT_EQ(map.name(0x7f0030), "");
  EXPECT_EQ(map.name(0x7f0041), "py::fill:/srv/a b.py");
  EXPECT_EQ(map.name(0x10), "");
}

TEST(PerfMap, LeavesOutWhatMakesNoSense) {
  const PerfMap map = PerfMap::parse("\nzz\n10\n10 zz f\n10 0 empty\n0x20 0 empty\n30 5\n0x40 8 good\n50 8 cut");
  EXPECT_EQ(map.name(0x10), "");
  EXPECT_EQ(map.name(0x30), "");
  EXPECT_EQ(map.name(0x41), "good");
  EXPECT_EQ(map.name(0x51), "cut");
}

TEST(PerfMap, OfCodeThatWasCompiledAgainTheLastNameCounts) {
  EXPECT_EQ(PerfMap::parse("10 10 ~f\n10 10 *f\n").name(0x12), "*f");
}

TEST(StackTable, AFrameInNoFileIsNamedByThePerfMapOfItsProcess) {
  const auto pid = static_cast<uint32_t>(::getpid());
  const std::string path = "/tmp/perf-" + std::to_string(pid) + ".map";
  std::ofstream(path) << "1000 100 compiled_at_run_time\n";
  StackTable stacks;
  const uint32_t id = stacks.intern(std::array<uint64_t, 2>{0x1010, 0x5000}, {}, SiteKind::kHeap, pid);
  stacks.will_be_read(id);
  EXPECT_EQ(stacks.resolve().at(id - 1), (std::vector<std::string>{"compiled_at_run_time", "0x5000"}));
  ::unlink(path.c_str());
}

TEST(StackTable, APerfMapOfAnotherUserIsNotBelieved) {
  const auto pid = static_cast<uint32_t>(::getpid());
  const std::string path = "/tmp/perf-" + std::to_string(pid) + ".map";
  ASSERT_EQ(::symlink("/etc/passwd", path.c_str()), 0);
  EXPECT_FALSE(PerfMap::open(pid));
  ::unlink(path.c_str());
}

TEST(StackTable, FramesOfOurOwnLibraryNeverShow) {
  Vma ours{.start = 0x1000, .end = 0x2000, .executable = true, .name = "/usr/lib/liboomcast.so"};
  Vma theirs{.start = 0x3000, .end = 0x4000, .executable = true, .name = "/no/such/program"};
  StackTable stacks;
  const uint32_t id = stacks.intern(std::array<uint64_t, 3>{0x1010, 0x1020, 0x3030}, {ours, theirs});
  stacks.will_be_read(id);
  EXPECT_EQ(stacks.resolve().at(id - 1), std::vector<std::string>{"program+0x30"});
  EXPECT_EQ(stacks.intern(std::array<uint64_t, 1>{0x1010}, {ours}), 0u) << "nothing else is left";
}

TEST(StackTable, TheSameStackIsAnotherSiteForAnotherKindOfMemory) {
  StackTable stacks;
  const std::array<uint64_t, 1> stack{0x5000};
  EXPECT_EQ(stacks.intern(stack, {}, SiteKind::kHeap), 1u);
  EXPECT_EQ(stacks.intern(stack, {}, SiteKind::kMmap), 2u);
  EXPECT_EQ(stacks.intern_kind(SiteKind::kShared), 3u);
  EXPECT_EQ(stacks.kinds(), (std::vector<std::string>{"heap", "mmap", "shared"}));
}

}  // namespace
}  // namespace oomcast::record
