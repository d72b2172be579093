// The cgroups of a snapshot: which are kept, what limits them, and who is in them.
#include <gmock/gmock.h>

#include "model/spec/read_host.h"
#include "model/spec/snapshot/read_snapshot.h"
#include "tests/model/spec/snapshots.h"

namespace oomcast::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The memory controller's files of a node of a Kubernetes cluster.
SnapshotFiles kubernetes_node() {
  SnapshotFiles snapshot = load("swap-seq-1node");
  const std::string root = "sys/fs/cgroup/kubepods.slice/";
  snapshot.files[root + "memory.max"] = "402653184\n";
  snapshot.files[root + "memory.current"] = "104857600\n";
  snapshot.files[root + "pod1/memory.max"] = "134217728\n";
  snapshot.files[root + "pod1/memory.current"] = "67108864\n";
  snapshot.files[root + "pod1/memory.stat"] = "anon 41943040\nfile 16777216\nkernel 65536\n";
  snapshot.files[root + "pod1/container/memory.max"] = "max\n";
  snapshot.files[root + "pod1/container/cgroup.procs"] = "1\n";
  snapshot.files["sys/fs/cgroup/system.slice/memory.max"] = "max\n";
  snapshot.files["sys/fs/cgroup/system.slice/cgroup.procs"] = "7\n";
  return snapshot;
}

// Shared memory and tmpfs count as file, but only swap can take them.
TEST(SnapshotCgroups, SharedMemoryIsNoPageCache) {
  SnapshotFiles snapshot = kubernetes_node();
  std::string& stat = snapshot.files["sys/fs/cgroup/kubepods.slice/pod1/memory.stat"];
  const auto pod = [&] { return parse_snapshot(snapshot)->cgroups.at(1); };
  stat = "anon 41943040\nfile 16777216\nshmem 12582912\n";
  EXPECT_EQ(pod().file, 16777216);
  EXPECT_EQ(pod().shmem, 12582912);
  stat = "anon 41943040\nfile 16777216\ninactive_file 1048576\nactive_file 3145728\n";
  EXPECT_EQ(pod().shmem, 12582912) << "what is on no file list";
  stat = "cache 4096\nrss 8192\ntotal_cache 16777216\ntotal_rss 41943040\ntotal_shmem 12582912\n";
  EXPECT_EQ(pod().anon, 41943040) << "version 1, with those below";
  EXPECT_EQ(pod().file, 16777216);
  EXPECT_EQ(pod().shmem, 12582912);
}

TEST(SnapshotCgroups, LimitsOfVersion1AreReadAsSuch) {
  SnapshotFiles snapshot = load("swap-seq-1node");
  const std::string root = "sys/fs/cgroup/memory/docker/";
  snapshot.files[root + "memory.limit_in_bytes"] = "9223372036854771712\n";
  snapshot.files[root + "web/memory.limit_in_bytes"] = "134217728\n";
  snapshot.files[root + "web/memory.memsw.limit_in_bytes"] = "201326592\n";
  snapshot.files[root + "web/memory.usage_in_bytes"] = "67108864\n";
  snapshot.files[root + "web/memory.soft_limit_in_bytes"] = "9223372036854771712\n";
  snapshot.files[root + "web/memory.swappiness"] = "10\n";
  snapshot.files[root + "web/memory.oom_control"] = "oom_kill_disable 1\nunder_oom 0\noom_kill 0\n";
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  ASSERT_EQ(host->cgroups.size(), 1u) << "the other has no limit";
  EXPECT_EQ(host->cgroups[0].path, "/docker/web");
  EXPECT_EQ(host->cgroups[0].memory_max, 134217728);
  EXPECT_TRUE(host->cgroups[0].v1);
  EXPECT_EQ(host->cgroup_version, 1);
  EXPECT_EQ(host->cgroups[0].memory_memsw_max, 201326592);
  EXPECT_EQ(host->cgroups[0].memory_soft_limit, -1);
  EXPECT_EQ(host->cgroups[0].memory_swappiness, 10);
  EXPECT_TRUE(host->cgroups[0].memory_oom_kill_disable);
  EXPECT_EQ(host->cgroups[0].memory_current, 67108864);
}

TEST(SnapshotCgroups, ThoseWithLimitsAreKeptAndTakeInTheProcessesBelow) {
  const auto host = parse_snapshot(kubernetes_node());
  ASSERT_TRUE(host) << host.error().message;
  ASSERT_EQ(host->cgroups.size(), 2u) << "system.slice and the container limit nothing";
  EXPECT_EQ(host->cgroups[0].path, "/kubepods.slice");
  EXPECT_EQ(host->cgroups[0].memory_max, 402653184);
  EXPECT_EQ(host->cgroups[1].path, "/kubepods.slice/pod1");
  EXPECT_EQ(host->cgroups[1].memory_current, 67108864);
  EXPECT_EQ(host->cgroups[1].file, 16777216);
  EXPECT_THAT(host->cgroups[1].procs, ElementsAre(1));
  EXPECT_FALSE(host->cgroup.present) << "the program is in none of them unless asked for";
}

TEST(SnapshotCgroups, OfManyGroupsOfOneSizeAsManyAreKeptAsAreToldApart) {
  SnapshotFiles snapshot = kubernetes_node();
  for (int i = 100; i < 300; ++i) {
    const std::string group = "sys/fs/cgroup/idle.slice/g" + std::to_string(i);
    snapshot.files[group + "/memory.max"] = "1048576\n";
    snapshot.files[group + "/memory.current"] = "0\n";
  }
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->cgroups.size(), 120u);
  EXPECT_EQ(host->cgroups[0].path, "/idle.slice/g100");
  EXPECT_EQ(host->cgroups.back().path, "/kubepods.slice/pod1") << "the largest";
}

TEST(SnapshotCgroups, TheProgramMayJoinOneAndKeepsItsLimits) {
  auto host = parse_snapshot(kubernetes_node());
  ASSERT_TRUE(set_cgroup(host.value(), "path=/kubepods.slice/pod1"));
  EXPECT_TRUE(host->cgroup.present);
  EXPECT_EQ(host->cgroup.memory_max, 134217728);
  EXPECT_FALSE(set_cgroup(host.value(), "path=kubepods"));
}

TEST(SnapshotCgroups, ADamagedLimitIsNamed) {
  SnapshotFiles snapshot = kubernetes_node();
  snapshot.files["sys/fs/cgroup/kubepods.slice/memory.max"] = "lots";
  EXPECT_THAT(error_of(snapshot),
              HasSubstr("sys/fs/cgroup/kubepods.slice/memory.max:1: expected bytes or max, got 'lots'"));
}

}  // namespace
}  // namespace oomcast::host
