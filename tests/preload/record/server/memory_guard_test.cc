// The guard's arithmetic, over the texts of cgroup v1 and v2.
#include "preload/record/server/memory_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oomcast::record {
namespace {

using testing::ElementsAre;

TEST(MemoryGuard, FindsTheGroupAndAllAboveItInVersion1) {
  const std::string membership = "4:memory:/jobs/a b\n3:cpu,cpuacct:/jobs\n0::/\n";
  const std::string mounts =
      "30 25 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
      "31 25 0:27 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory\n";
  EXPECT_THAT(memory_cgroups(membership, mounts), ElementsAre(CgroupDirectory{"/sys/fs/cgroup/memory/jobs/a b", false},
                                                              CgroupDirectory{"/sys/fs/cgroup/memory/jobs", false},
                                                              CgroupDirectory{"/sys/fs/cgroup/memory", false}));
}

TEST(MemoryGuard, FindsThemInVersion2) {
  EXPECT_THAT(memory_cgroups("0::/user.slice/run-7.scope\n", "25 1 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
              ElementsAre(CgroupDirectory{"/sys/fs/cgroup/user.slice/run-7.scope", true},
                          CgroupDirectory{"/sys/fs/cgroup/user.slice", true}, CgroupDirectory{"/sys/fs/cgroup", true}));
}

TEST(MemoryGuard, AContainersMountBeginsAtItsOwnGroup) {
  EXPECT_THAT(
      memory_cgroups("4:memory:/docker/abc/x\n",
                     "31 25 0:27 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"),
      ElementsAre(CgroupDirectory{"/sys/fs/cgroup/memory/x", false}, CgroupDirectory{"/sys/fs/cgroup/memory", false}));
}

TEST(MemoryGuard, NamesWithBlanksAreWrittenInOctal) {
  EXPECT_THAT(memory_cgroups("0::/\n", "25 1 0:22 / /my\\040cgroups rw - cgroup2 none rw\n"),
              ElementsAre(CgroupDirectory{"/my cgroups", true}));
}

TEST(MemoryGuard, WhatIsLeftIsTheLimitLessWhatCannotBeDropped) {
  EXPECT_EQ(
      cgroup_left_bytes("157286400\n", "104857600\n", "anon 1\ninactive_file 4194304\nactive_file 1048576\n", true),
      157286400u - 104857600u + 5242880u);
  EXPECT_EQ(cgroup_left_bytes("157286400\n", "104857600\n",
                              "inactive_file 7\ntotal_inactive_file 4096\ntotal_active_file 0\n", false),
            157286400u - 104857600u + 4096u);
  EXPECT_EQ(cgroup_left_bytes("1000\n", "5000\n", "", true), 0u) << "a limit may be set below what is used";
}

TEST(MemoryGuard, NoLimitLeavesEverything) {
  EXPECT_EQ(cgroup_left_bytes("max\n", "5000\n", "", true), UINT64_MAX);
  EXPECT_EQ(cgroup_left_bytes("9223372036854771712\n", "5000\n", "", false), UINT64_MAX);
  EXPECT_EQ(cgroup_left_bytes("", "", "", true), UINT64_MAX) << "the root group has no such file";
}

TEST(MemoryGuard, AGuestThatHasTakenNothingIsNotStruck) {
  EXPECT_FALSE(MemoryGuard(99).measure(0).must_strike);
  EXPECT_FALSE(MemoryGuard(0).measure(UINT64_MAX).must_strike);
}

TEST(MemoryGuard, SaysHowMuchMayGoBeforeItStrikes) {
  const uint64_t room_bytes = MemoryGuard(5).measure(0).room_bytes;
  EXPECT_GT(room_bytes, 0u);
  EXPECT_LT(room_bytes, uint64_t{1} << 50) << "the machine itself is a limit";
  EXPECT_LT(MemoryGuard(90).measure(0).room_bytes, room_bytes);
  EXPECT_EQ(MemoryGuard(0).measure(0).room_bytes, UINT64_MAX);
}

}  // namespace
}  // namespace oomcast::record
