// One setting of a host is changed. --set and --cgroup.
#include <gmock/gmock.h>

#include "model/host/host.h"
#include "model/spec/read_host.h"
#include "model/spec/validate.h"
#include "model/spec/watermarks.h"
#include "tests/model/spec/snapshots.h"

namespace oomcast::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

HostSpec vm4g() { return preset("vm-4g").value(); }

HostSpec set(HostSpec host, const std::string& key_value) {
  const auto done = set_field(host, key_value);
  EXPECT_TRUE(done) << done.error().message;
  return host;
}

std::string error_of(const std::string& key_value) {
  HostSpec host = vm4g();
  const std::string before = to_json(host);
  const auto done = set_field(host, key_value);
  EXPECT_EQ(to_json(host), before) << "a refused --set changed the host";
  return done ? "no error" : done.error().message;
}

Pages managed(const HostSpec& host) {
  Pages sum;
  for (const NodeSpec& node : host.nodes) {
    for (const ZoneSpec& zone : node.zones) sum += zone.managed;
  }
  return sum;
}
Pages free(const HostSpec& host) {
  Pages sum;
  for (const NodeSpec& node : host.nodes) {
    for (const ZoneSpec& zone : node.zones) sum += zone.free;
  }
  return sum;
}

TEST(Set, ASysctlChangesAlone) {
  const HostSpec host = set(vm4g(), "vm.swappiness=0");
  EXPECT_EQ(host.vm.swappiness, 0);
  EXPECT_EQ(host.nodes[0].zones[1].watermarks, vm4g().nodes[0].zones[1].watermarks);
}

TEST(Set, MinFreeMovesTheMarksAndTheCpuLists) {
  const HostSpec host = set(vm4g(), "vm.min_free_kbytes=135168");
  EXPECT_EQ(host.nodes[0].zones[1].watermarks.min, vm4g().nodes[0].zones[1].watermarks.min * 2 + Pages(1));
  EXPECT_GT(host.nodes[0].zones[1].pcp[0].high, vm4g().nodes[0].zones[1].pcp[0].high);
}

TEST(Set, TheScaleFactorWidensTheGapsAsOnTheRealHost) {
  // The same machine with the default factor: what the kernel of wsf-500 showed comes out.
  const auto real = read_snapshot(hosts_directory() + "/wsf-500");
  ASSERT_TRUE(real);
  HostSpec host = set(real.value(), "vm.watermark_scale_factor=10");
  EXPECT_EQ(host.nodes[0].zones[1].watermarks.low, Pages(828));
  host = set(host, "vm.watermark_scale_factor=500");
  EXPECT_EQ(host.nodes[0].zones[1].watermarks, real->nodes[0].zones[1].watermarks);
  EXPECT_EQ(host.nodes[0].zones[1].pcp[0].high, real->nodes[0].zones[1].pcp[0].high);
}

TEST(Set, LowmemRatioMovesTheReserves) {
  const HostSpec host = set(vm4g(), "vm.lowmem_reserve_ratio[1]=32");
  EXPECT_EQ(host.nodes[0].zones[1].lowmem_reserve[2], host.nodes[0].zones[2].managed / 32);
}

TEST(Set, HugePagesOffLowersMinFree) {
  const HostSpec host = set(vm4g(), "vm.thp_enabled=never");
  EXPECT_EQ(boot_min_free_kbytes(host), 8092);
  EXPECT_LT(host.nodes[0].zones[1].watermarks.min, Pages(2000));
}

TEST(Set, MoreMemoryIsFreeMemory) {
  const HostSpec before = vm4g(), host = set(before, "nodes[0].managed=8G");
  EXPECT_EQ(managed(host), Pages(2097152));
  EXPECT_EQ(managed(host) - free(host), managed(before) - free(before));
  EXPECT_EQ(host.total_ram, Pages(2097152));
  EXPECT_EQ(host.nodes[0].lru.inactive_file, before.nodes[0].lru.inactive_file);
}

TEST(Set, LessMemoryDropsTheNormalZone) {
  const HostSpec host = set(vm4g(), "memory=2G");
  ASSERT_EQ(host.nodes[0].zones.size(), 2u);
  EXPECT_EQ(host.nodes[0].zones[1].kind, ZoneKind::kDma32);
  EXPECT_EQ(host.nodes[0].zones[1].lru.inactive_file, vm4g().nodes[0].lru.inactive_file);
  EXPECT_TRUE(validate(host));
}

TEST(Set, MemoryIsSharedOutOverTheNodes) {
  const HostSpec host = set(preset("two-node-2x8g").value(), "memory=8G");
  EXPECT_EQ(managed(host), Pages(2097152));
  EXPECT_EQ(host.nodes[1].zones.back().kind, ZoneKind::kNormal);
  EXPECT_TRUE(validate(host));
}

TEST(Set, ASnapshotKeepsAMinFreeThatSomeoneChose) {
  const auto chosen = read_snapshot(hosts_directory() + "/minfree-64m");
  ASSERT_TRUE(chosen);
  EXPECT_EQ(set(chosen.value(), "memory=1G").vm.min_free_kbytes, 65536);
  const auto formula = read_snapshot(hosts_directory() + "/swap-seq-1node");
  ASSERT_TRUE(formula);
  EXPECT_EQ(set(formula.value(), "memory=1G").vm.min_free_kbytes, -1);
}

TEST(Set, SwapForAHostWithout) {
  const HostSpec host = set(vm4g(), "swap[0].size=2G");
  ASSERT_EQ(host.swaps.size(), 1u);
  EXPECT_EQ(host.total_swap(), Pages(524288));
  EXPECT_TRUE(set(host, "swap=[]").swaps.empty());
}

// What a report suggests ("swap=119M") can be asked for in the same words.
TEST(Set, SwapByItsNameAlone) {
  HostSpec host = set(vm4g(), "swap=64M");
  ASSERT_EQ(host.swaps.size(), 1u);
  EXPECT_EQ(host.total_swap(), Pages(16384));
  host = set(host, "swap=1G");
  EXPECT_EQ(host.total_swap(), Pages(262144));
  EXPECT_TRUE(set(host, "swap=0").swaps.empty());
  host = set(host, "swap[1].size=1G");
  const auto refused = set_field(host, "swap=2G");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("2 swap devices; set swap[0].size"));
}

TEST(Set, OtherCpusStartWithEmptyLists) {
  const HostSpec host = set(vm4g(), "nodes[0].cpus=[0,1,2,3]");
  EXPECT_THAT(host.cpus, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(host.nodes[0].zones[0].pcp.size(), 4u);
}

TEST(Set, SpeedInTheUnitOneKnows) {
  EXPECT_EQ(set(vm4g(), "calibration.page_touch_ns=2.5").calibration.page_touch_ps, 2500);
  EXPECT_EQ(set(vm4g(), "disk.read_4k_us=100.5").disk.read_4k, Nanoseconds(100'500));
  EXPECT_EQ(set(vm4g(), "calibration.page_fault_ns=500").calibration.page_fault, Nanoseconds(500));
}

TEST(Set, KernelAndListsByName) {
  EXPECT_EQ(set(vm4g(), "kernel=6.12").kernel, (KernelVersion{6, 12}));
  EXPECT_EQ(set(vm4g(), "lru=mglru").lru, LruKind::kMultiGen);
  EXPECT_EQ(set(vm4g(), "processes[2].oom_score_adj=500").processes[2].oom_score_adj, 500);
}

TEST(Set, AMachineTooSmallForItsCacheHoldsLessOfIt) {
  const auto used_by_files = [](const HostSpec& host) {
    Pages sum;
    for (const ZoneSpec& zone : host.nodes[0].zones) sum += zone.lru.inactive_file + zone.lru.active_file;
    return sum;
  };
  const HostSpec large = preset("vm-8g").value();
  Pages cached = used_by_files(large);
  for (const char* memory : {"memory=2G", "memory=1G", "memory=768M", "memory=512M", "memory=320M"}) {
    const HostSpec host = set(large, memory);
    EXPECT_LE(used_by_files(host), cached) << memory;
    cached = used_by_files(host);
    Pages high;
    for (const ZoneSpec& zone : host.nodes[0].zones) high += zone.watermarks.high;
    if (cached < used_by_files(large) && std::string_view(memory) != "memory=320M") {
      EXPECT_GE(free(host) + Pages(64), high) << memory;
    }
    EXPECT_EQ(host.nodes[0].lru.inactive_anon, large.nodes[0].lru.inactive_anon) << "processes stay as they are";
    EXPECT_FALSE(find_contradiction(host));
  }
  EXPECT_EQ(used_by_files(set(large, "memory=4G")), used_by_files(large)) << "there is room for all of it";
  HostSpec host = large;
  EXPECT_THAT(set_field(host, "memory=128M").error().message, HasSubstr("that its processes and the kernel need"));
}

// The host gives up page cache that a group was charged for: it uses so much less, and is no nearer to its limit.
TEST(Set, AMachineTooSmallForItsCacheTakesItFromTheGroupsToo) {
  HostSpec large = preset("vm-8g").value();
  Pages cached, kept;
  for (const ZoneSpec& zone : large.nodes[0].zones) cached += zone.lru.inactive_file + zone.lru.active_file;
  CgroupSpec group;
  group.path = "/db";
  group.shmem = 1 << 20;
  group.file = to_bytes(cached / 2).count() + group.shmem;
  group.memory_current = group.file + (4 << 20);
  group.memory_max = group.memory_current + (1 << 20);
  large.cgroups = {group};
  const HostSpec small = set(large, "memory=512M");
  for (const ZoneSpec& zone : small.nodes[0].zones) kept += zone.lru.inactive_file + zone.lru.active_file;
  ASSERT_LT(kept, cached);
  const CgroupSpec& after = small.cgroups[0];
  EXPECT_NEAR(static_cast<double>(after.file - after.shmem), static_cast<double>(to_bytes(kept / 2).count()), 8192.0);
  EXPECT_EQ(after.shmem, group.shmem) << "not page cache";
  EXPECT_EQ(group.memory_current - after.memory_current, group.file - after.file);
  const auto kernel_memory = [](const HostSpec& host) { return static_cast<double>(Host(host).cgroups[1].kernel); };
  EXPECT_NEAR(kernel_memory(small), kernel_memory(large), 3.0) << "page cache that is gone is no kernel memory";
  EXPECT_EQ(set(large, "memory=8G").cgroups[0].file, group.file);
}

TEST(Set, FreePagesForCmaStayWhenTheMemoryChanges) {
  HostSpec host = preset("vm-8g").value();
  ZoneSpec& zone = host.nodes[0].zones.back();
  zone.free_cma = Pages(4096);
  EXPECT_EQ(set(host, "memory=6G").nodes[0].zones.back().free_cma, Pages(4096));
  zone.free_cma = zone.free;
  for (const char* memory : {"memory=6G", "memory=2G", "memory=512M"}) {
    Pages cma;
    const HostSpec changed = set(host, memory);
    for (const ZoneSpec& each : changed.nodes[0].zones) {
      EXPECT_LE(each.free_cma, each.free) << memory;
      cma += each.free_cma;
    }
    EXPECT_GT(cma, Pages(0)) << memory;
  }
}

TEST(Set, RefusesAndNamesTheNearest) {
  EXPECT_EQ(error_of("vm.swapiness=1"), "--set vm.swapiness=1: vm.swapiness: unknown key; did you mean 'swappiness'?");
  EXPECT_EQ(error_of("vm.swappiness=999"),
            "--set vm.swappiness=999: vm.swappiness: '999', expected a whole number from 0 to 200");
  EXPECT_EQ(error_of("vm.swappiness=low"),
            "--set vm.swappiness=low: vm.swappiness: \"low\", expected a whole number from 0 to 200");
  EXPECT_EQ(error_of("vm.thp_enabled=nevr"),
            "--set vm.thp_enabled=nevr: vm.thp_enabled: 'nevr'; did you mean 'never'?");
  EXPECT_EQ(error_of("swappiness"),
            "--set swappiness: expected KEY=VALUE, for example vm.swappiness=0 or nodes[0].managed=8G");
  EXPECT_EQ(error_of("nodes[1].managed=1G"),
            "--set nodes[1].managed=1G: nodes[1].managed: the host has 1 nodes with memory, counted from 0");
  EXPECT_EQ(error_of("swap[3].size=1G"), "--set swap[3].size=1G: swap[3].size: swap has 0 entries, counted from 0");
  EXPECT_THAT(error_of("memory=50M"),
              testing::MatchesRegex("--set memory=50M: memory: 50M leaves node 0 less than the [0-9]+ MiB "
                                    "that its processes and the kernel need"));
  EXPECT_EQ(error_of("memory=big"), "--set memory=big: memory: 'big' is not a size such as 8G or 512M, at most 64T");
  EXPECT_EQ(error_of("vm[0]=1"), "--set vm[0]=1: vm[0]: vm is not a list; leave out the [0]");
  EXPECT_EQ(error_of("nodes.free=1"),
            "--set nodes.free=1: nodes.free: nodes has no keys; is an index such as [0] missing?");
  EXPECT_THAT(error_of("nodes[0].distance=[20]"), HasSubstr("it is 10 to itself"));
  for (const char* bad : {"[0]=1", "a..b=1", "nodes[x].free=1", "nodes[0=1", ".=1", "a.=1", "nodes[0]x=1"}) {
    EXPECT_THAT(error_of(bad), HasSubstr("not a key; keys look like vm.swappiness or nodes[0].managed")) << bad;
  }
}

TEST(Cgroup, LimitsUnderTheirFileNames) {
  HostSpec host = vm4g();
  ASSERT_TRUE(set_cgroup(host, "memory.max=512M"));
  ASSERT_TRUE(set_cgroup(host, "memory.high=100000000"));
  ASSERT_TRUE(set_cgroup(host, "memory.swap.max=max"));
  ASSERT_TRUE(set_cgroup(host, "memory.oom.group=1"));
  EXPECT_TRUE(host.cgroup.present);
  EXPECT_EQ(host.cgroup.memory_max, 536870912);
  EXPECT_EQ(host.cgroup.memory_high, 99999744);  // whole pages
  EXPECT_EQ(host.cgroup.memory_swap_max, -1);
  EXPECT_TRUE(host.cgroup.memory_oom_group);
}

TEST(Cgroup, FilesOfVersion1MakeAGroupOfVersion1) {
  HostSpec host = vm4g();
  ASSERT_TRUE(set_cgroup(host, "memory.max=512M"));
  EXPECT_FALSE(host.cgroup.v1);
  ASSERT_TRUE(set_cgroup(host, "memory.limit_in_bytes=256M"));
  ASSERT_TRUE(set_cgroup(host, "memory.memsw.limit_in_bytes=300M"));
  ASSERT_TRUE(set_cgroup(host, "memory.soft_limit_in_bytes=100M"));
  ASSERT_TRUE(set_cgroup(host, "memory.swappiness=0"));
  ASSERT_TRUE(set_cgroup(host, "memory.oom_control=1"));
  EXPECT_TRUE(host.cgroup.v1);
  EXPECT_EQ(host.cgroup.memory_max, 256 << 20);
  EXPECT_EQ(host.cgroup.memory_memsw_max, 300 << 20);
  EXPECT_EQ(host.cgroup.memory_soft_limit, 100 << 20);
  EXPECT_EQ(host.cgroup.memory_swappiness, 0);
  EXPECT_TRUE(host.cgroup.memory_oom_kill_disable);
  EXPECT_EQ(set_cgroup(host, "memory.swappiness=201").error().message,
            "--cgroup memory.swappiness: '201', expected 0 to 200");
}

TEST(Cgroup, RefusesWhatTheKernelWould) {
  HostSpec host = vm4g();
  EXPECT_EQ(set_cgroup(host, "memory.mx=1G").error().message,
            "--cgroup memory.mx: not a file that limits memory in cgroup v2 or v1; did you mean 'memory.max'?");
  EXPECT_EQ(set_cgroup(host, "memory.max=lots").error().message,
            "--cgroup memory.max: 'lots', expected a size such as 512M, bytes, or max");
  EXPECT_EQ(set_cgroup(host, "memory.oom.group=2").error().message, "--cgroup memory.oom.group: '2', expected 0 or 1");
  EXPECT_EQ(set_cgroup(host, "memory.max").error().message,
            "--cgroup memory.max: expected FILE=VALUE, for example memory.max=512M");
  EXPECT_FALSE(host.cgroup.present);
}

TEST(SetField, AHostWithoutAKubeletGetsOne) {
  const HostSpec host = set(set(vm4g(), "kubelet.eviction_hard=100M"), "kubelet.memory_qos=tiered");
  EXPECT_EQ(host.kubelet.eviction_hard, Bytes(100 << 20));
  EXPECT_EQ(host.kubelet.memory_qos, MemoryQos::kTiered);
  EXPECT_EQ(set(vm4g(), "kubelet.eviction_hard=100Mi").kubelet.eviction_hard, Bytes(100 << 20))
      << "as the kubelet's own configuration writes sizes";
  const HostSpec percent = set(vm4g(), "kubelet.eviction_hard=12.5%");
  EXPECT_EQ(percent.kubelet.eviction_hard, Bytes(to_bytes(percent.total_ram).count() / 10'000 * 1250));
  EXPECT_THAT(error_of("kubelet.eviction_hard=101%"), HasSubstr("'101%' is not a percentage from 0% to 100%"));
  EXPECT_THAT(error_of("kubelet.memory_qos=max"), HasSubstr("kubelet.memory_qos: 'max'"));
  EXPECT_THAT(error_of("kubelet.eviction_soft=1G"), HasSubstr("eviction_hard"));
}

TEST(Cgroup, APathThatTheHostDoesNotHaveIsListedAsAssumed) {
  HostSpec host = vm4g();
  ASSERT_TRUE(set_cgroup(host, "path=/b"));
  const size_t before = host.assumed.size();
  CgroupSpec group;
  group.path = "/a";
  host.cgroups.push_back(group);
  ASSERT_TRUE(set_cgroup(host, "path=/a"));
  EXPECT_EQ(host.assumed.size(), before);
  ASSERT_TRUE(set_cgroup(host, "path=/b"));
  EXPECT_THAT(host.assumed.back(), HasSubstr("cgroup /b: no limits of its own"));
}

}  // namespace
}  // namespace oomcast::host
