// What the kernel's own files say about a host: real ones, with parts missing, and damaged ones.
#include "model/spec/snapshot/read_snapshot.h"

#include <gmock/gmock.h>

#include "model/spec/json/json_host.h"
#include "model/spec/read_host.h"
#include "tests/model/spec/snapshots.h"

namespace oomcast::host {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Snapshot, TwoNodesOfKernel61) {
  const auto host = read_snapshot(hosts_directory() + "/oom-noswap-2node/");
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->name, "oom-noswap-2node");
  EXPECT_EQ(host->kernel_release, "6.1.0-56-cloud-amd64");
  EXPECT_EQ(host->kernel, (KernelVersion{6, 1}));
  EXPECT_EQ(host->lru, LruKind::kClassic);
  EXPECT_THAT(host->cpus, ElementsAre(0, 1));
  EXPECT_EQ(host->total_ram, Pages(120155));
  EXPECT_EQ(host->committed_as, Pages(7505));
  ASSERT_EQ(host->nodes.size(), 2u);
  const NodeSpec& first = host->nodes[0];
  EXPECT_THAT(first.cpus, ElementsAre(0));
  EXPECT_THAT(first.distance, ElementsAre(10, 20));
  EXPECT_EQ(first.lru.unevictable, Pages(6521));
  EXPECT_EQ(first.slab_reclaimable, Pages(2207));
  EXPECT_EQ(first.kernel_stack_kb, 616);
  ASSERT_EQ(first.zones.size(), 2u);
  const ZoneSpec& dma32 = first.zones[1];
  EXPECT_EQ(dma32.kind, ZoneKind::kDma32);
  EXPECT_EQ(dma32.free, Pages(40878));
  EXPECT_EQ(dma32.watermarks, (Watermarks{Pages(291), Pages(363), Pages(435)}));
  EXPECT_EQ(dma32.mlocked, Pages(6521));
  EXPECT_EQ(dma32.stat_threshold, Pages(8));
  EXPECT_EQ(dma32.pcp[0].count, Pages(231));
  EXPECT_EQ(dma32.pcp[1].high, Pages(363));
  EXPECT_EQ(dma32.free_blocks[10], 37);
  EXPECT_EQ(first.zones[0].lowmem_reserve[3], Pages(203));
  EXPECT_EQ(host->nodes[1].shmem, Pages(982));
}

TEST(Snapshot, Kernel612PrintsPromoMarksAndEmptyMovableZones) {
  const auto host = read_snapshot(hosts_directory() + "/k612-oom-2node");
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->lru, LruKind::kMultiGen);
  ASSERT_EQ(host->nodes.size(), 2u);
  ASSERT_EQ(host->nodes[1].zones.size(), 1u);  // Movable shows min 32 but has no page
  EXPECT_EQ(host->nodes[1].zones[0].watermarks.high, Pages(458));
  EXPECT_EQ(host->nodes[0].zones[1].pcp[0].high, Pages(6610));
}

// The block size of the host's files is in none of the kernel's files: what each clue makes of it.
SnapshotFiles with_file(const char* path, const std::string& text) {
  SnapshotFiles snapshot = load("swap-seq-1node");
  snapshot.files.erase("proc/vmstat");
  snapshot.files[path] = text;
  return snapshot;
}
int64_t block_bytes(const SnapshotFiles& snapshot) {
  const auto host = parse_snapshot(snapshot);
  return host ? host->file_block_bytes : -1;
}

TEST(Snapshot, PoolsOfHugePagesOfAllSizesCount) {
  SnapshotFiles snapshot = load("swap-seq-1node");
  std::string& meminfo = snapshot.files["proc/meminfo"];
  meminfo.erase(meminfo.find("HugePages_Total:"));
  EXPECT_EQ(parse_snapshot(snapshot)->hugetlb, Pages(0));
  meminfo += "HugePages_Total:      10\nHugepagesize:       2048 kB\n";
  EXPECT_EQ(parse_snapshot(snapshot)->hugetlb, Pages(5120)) << "before Linux 4.18";
  meminfo += "Hugetlb:           28672 kB\n";
  EXPECT_EQ(parse_snapshot(snapshot)->hugetlb, Pages(7168));
}

TEST(SnapshotFileSystems, BlocksArePagesUnlessSomethingSaysOtherwise) {
  EXPECT_EQ(block_bytes(with_file("proc/mounts", "/dev/vda / ext4 rw 0 0\n")), 4096);
  EXPECT_EQ(block_bytes(with_file("proc/mounts", "/dev/vda / xfs rw 0 0\nproc /proc proc rw 0 0\n")), 0);
  EXPECT_EQ(block_bytes(with_file("proc/mounts", "/dev/vda / xfs rw 0 0\n/dev/vdb /data ext4 rw 0 0\n")), 4096);
}

TEST(SnapshotFileSystems, AHostThatHasHardlyWrittenTellsByPartsOfPages) {
  EXPECT_EQ(block_bytes(with_file("proc/vmstat", "pgpgin 7\npgpgout 5524\n")), 4096);
  EXPECT_EQ(block_bytes(with_file("proc/vmstat", "pgpgin 7\npgpgout 5521\n")), 1024);
  EXPECT_EQ(block_bytes(with_file("proc/vmstat", "pgpgin 7\npgpgout 5522\n")), 2048);
  EXPECT_EQ(block_bytes(with_file("proc/vmstat", "pgpgin 7\npgpgout 99999999\n")), 4096)
      << "logs are written in sectors";
}

TEST(SnapshotFileSystems, CalibrationIsBelievedOverClues) {
  SnapshotFiles snapshot = with_file("proc/vmstat", "pgpgout 5521\n");
  snapshot.files["calibration.json"] = R"({"disk": {"block_bytes": 4096}})";
  EXPECT_EQ(block_bytes(snapshot), 4096);
  snapshot.files["calibration.json"] = R"({"disk": {"block_bytes": 1000}})";
  EXPECT_THAT(error_of(snapshot), HasSubstr("calibration.json:1: disk.block_bytes is no block size"));
}

// Dentries and inodes: what the kernel counts, or a guess from the slab that a boot does not account for.
TEST(SnapshotVfsCache, IsWhatTheKernelCounts) {
  SnapshotFiles snapshot = load("swap-seq-1node");
  snapshot.files["proc/sys/fs/dentry-state"] = "128707\t127131\t45\t0\t43966\t0\n";
  snapshot.files["proc/sys/fs/inode-nr"] = "84563\t12\n";
  snapshot.files["proc/slabinfo"] =
      "slabinfo - version: 2.1\n"
      "ext4_inode_cache   82306  82306   1128   14    4 : tunables    0    0    0 : slabdata   5879   5879      0\n"
      "lsm_inode_cache    84578  84608     32  128    1 : tunables    0    0    0 : slabdata    661    661      0\n"
      "dentry            128730 128730    192   21    1 : tunables    0    0    0 : slabdata   6130   6130      0\n";
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->vfs_cache.dentries_unused, 127131);
  EXPECT_EQ(host->vfs_cache.dentries_negative, 43966);
  EXPECT_EQ(host->vfs_cache.inodes, 84563);
  EXPECT_EQ(host->vfs_cache.inodes_unused, 12);
  EXPECT_EQ(host->vfs_cache.dentry_bytes, 4096 / 21);
  EXPECT_EQ(host->vfs_cache.inode_bytes, 4 * 4096 / 14);
  snapshot.files["proc/slabinfo"] +=
      "inode_cache  40000  40000    640   12    2 : tunables    0    0    0 : slabdata   3334   3334      0\n";
  EXPECT_EQ(parse_snapshot(snapshot)->vfs_cache.inode_bytes, 4 * 4096 / 14) << "those of sysfs are pinned, and smaller";
  snapshot.files["proc/sys/fs/dentry-state"] = "128707\t127131\n";
  EXPECT_THAT(error_of(snapshot), HasSubstr("proc/sys/fs/dentry-state:1: expected at least 5 numbers"));
}

TEST(SnapshotVfsCache, IsNothingWhereMemoryIsOutAndSlabStillThere) {
  SnapshotFiles snapshot = load("swap-seq-1node");
  std::string& zoneinfo = snapshot.files["proc/zoneinfo"];
  const size_t at = zoneinfo.find("nr_slab_reclaimable");
  zoneinfo.replace(at, zoneinfo.find('\n', at) - at, "nr_slab_reclaimable 9830");
  EXPECT_GT(parse_snapshot(snapshot)->vfs_cache.dentries_unused, 0);
  for (size_t flag = 0; (flag = zoneinfo.find("node_unreclaimable:  0", flag)) != std::string::npos;)
    zoneinfo.replace(flag, 22, "node_unreclaimable:  1");
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->vfs_cache.dentries_unused, 0);
  EXPECT_THAT(host->assumed, Contains(HasSubstr("none of node 0, which is out of memory")));
}

TEST(SnapshotVfsCache, IsGuessedFromSlabThatABootDoesNotNeed) {
  SnapshotFiles snapshot = load("swap-seq-1node");
  auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->vfs_cache.dentries_unused, 0) << "a host that has just booted";
  std::string& zoneinfo = snapshot.files["proc/zoneinfo"];
  const size_t at = zoneinfo.find("nr_slab_reclaimable");
  ASSERT_NE(at, std::string::npos);
  zoneinfo.replace(at, zoneinfo.find('\n', at) - at, "nr_slab_reclaimable 9830");
  host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_NEAR(static_cast<double>(host->vfs_cache.dentries_unused), 7500 * 4096 / (195 + 1213), 30);
  EXPECT_EQ(host->vfs_cache.inodes, host->vfs_cache.dentries_unused);
  EXPECT_THAT(host->assumed, Contains(StartsWith("vfs_cache.dentries_unused: ")));
}

TEST(Snapshot, SwapAndTheSpeedOfItsDevice) {
  const auto host = read_snapshot(hosts_directory() + "/swap-seq-1node");
  ASSERT_TRUE(host) << host.error().message;
  ASSERT_EQ(host->swaps.size(), 1u);
  const SwapSpec& swap = host->swaps[0];
  EXPECT_EQ(swap.name, "/dev/vdb");
  EXPECT_EQ(swap.size, Bytes(524284 * 1024));
  EXPECT_EQ(swap.priority, -2);
  EXPECT_TRUE(swap.rotational);
  EXPECT_EQ(swap.times.read_4k, Nanoseconds(711'400));
  EXPECT_EQ(swap.times.write_128k, Nanoseconds(1'510'300));
  EXPECT_EQ(host->calibration.page_fault, Nanoseconds(49792));
  EXPECT_EQ(host->calibration.page_touch_ps, 38000);
  EXPECT_EQ(host->calibration.cpu_loop_20m, Nanoseconds(188'500'000));
  EXPECT_THAT(host->assumed,
              Contains("swap[0].rotational: true (no sys/block/*/queue/rotational; virtio disks say 1)"));
}

TEST(Snapshot, ProcessesInTheOrderOfTheTaskList) {
  const auto host = read_snapshot(hosts_directory() + "/victim-adj");
  ASSERT_TRUE(host) << host.error().message;
  ASSERT_EQ(host->processes.size(), 3u);
  EXPECT_EQ(host->processes[0].oom_score_adj, -1000);
  const ProcessSpec& memload = host->processes[1];
  EXPECT_EQ(memload.pid, 86);
  EXPECT_EQ(memload.parent_pid, 1);
  EXPECT_EQ(memload.comm, "memload");
  EXPECT_EQ(memload.rss_anon, Pages(122684 / 4));
  EXPECT_EQ(memload.page_tables, Bytes(276 * 1024));
  EXPECT_EQ(memload.oom_score_adj, 300);
}

TEST(Snapshot, AKernelThreadHasNoMemoryAndIsNoCandidate) {
  SnapshotFiles snapshot = load("victim-adj");
  snapshot.files["proc/40/status"] = "Name:\tkswapd0\nPPid:\t2\nUid:\t0\t0\t0\t0\n";
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host);
  EXPECT_EQ(host->processes.size(), 3u);
}

TEST(Snapshot, AProcessThatEndedWhileItWasReadIsLeftOut) {
  SnapshotFiles snapshot = load("victim-adj");
  snapshot.files["proc/86/oom_score_adj"] = "";
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->processes.size(), 2u);
  EXPECT_THAT(host->assumed,
              Contains("processes: without pid 86 (proc/86/oom_score_adj is empty; it ended meanwhile)"));
}

TEST(Snapshot, AnEmptyFileIsAMissingOne) {
  SnapshotFiles without = load("oom-noswap-2node"), empty = without;
  for (auto& [path, text] : empty.files) {
    if (path == "proc/zoneinfo" || path.ends_with("/cpulist") || path.find("/status") != std::string::npos ||
        path.find("/oom_") != std::string::npos)
      continue;
    text = "\n";
    without.files.erase(path);
  }
  const auto host = parse_snapshot(empty), expected = parse_snapshot(without);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->assumed, expected->assumed);
}

TEST(Snapshot, WhatLxcfsShowsOfAContainerIsNotTheHosts) {
  SnapshotFiles snapshot = load("oom-noswap-2node");
  const Pages total = parse_snapshot(snapshot)->total_ram;
  snapshot.files["proc/meminfo"] = "MemTotal:         65536 kB\nMemFree:          60000 kB\n";
  EXPECT_THAT(error_of(snapshot), HasSubstr("In a container meminfo may show its limit"));
  snapshot.files["proc/mounts"] = "lxcfs /proc/meminfo fuse.lxcfs rw,nosuid,nodev 0 0\n";
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_LE(host->total_ram, total + Pages(2048));
  EXPECT_GE(host->total_ram + Pages(2048), total);
  EXPECT_THAT(host->assumed, Contains(HasSubstr("proc/meminfo: left out (lxcfs shows")));
}

TEST(Snapshot, ADiskThatWasOnlyReadFromWritesAsFast) {
  SnapshotFiles snapshot = load("oom-noswap-2node");
  snapshot.files["calibration.json"] = R"({"disk": {"read_4k_us": 991.4, "read_128k_us": 1332.6}})";
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host);
  EXPECT_EQ(host->disk.write_4k, Nanoseconds(991'400));
  EXPECT_THAT(host->assumed, Contains("disk.write_4k_ns: 991400 (not in calibration.json; as the other direction)"));
}

TEST(Snapshot, ZoneinfoAloneIsEnoughAndTheRestIsNamed) {
  SnapshotFiles snapshot;
  snapshot.files["proc/zoneinfo"] = load("oom-noswap-2node").files.at("proc/zoneinfo");
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->total_ram, Pages(120155));
  EXPECT_THAT(host->nodes[1].cpus, ElementsAre(1));
  EXPECT_EQ(host->vm.swappiness, 60);
  EXPECT_EQ(host->vm.thp_enabled, ThpMode::kNever);  // below 512 MiB
  EXPECT_EQ(host->calibration.page_fault, Nanoseconds(800));
  EXPECT_THAT(host->assumed, Contains("kernel: 6.1 (no proc/version)"));
  EXPECT_THAT(host->assumed, Contains("vm.swappiness: 60 (no proc/sys/vm/swappiness)"));
  EXPECT_THAT(host->assumed,
              Contains("vm.min_free_kbytes: 2732 (no proc/sys/vm/min_free_kbytes; sum of the min watermarks)"));
  EXPECT_THAT(host->assumed, Contains("swap: none (no proc/swaps)"));
  EXPECT_THAT(host->assumed, Contains("free_blocks: unfragmented (no proc/buddyinfo)"));
  EXPECT_THAT(host->assumed, Contains("nodes[0].distance: 10 and 20 (no sys/devices/system/node/node0/distance)"));
}

TEST(Snapshot, AKernelBuiltWithoutMultiGenHasClassicLists) {
  SnapshotFiles snapshot = load("k612-oom-2node");
  snapshot.files.erase("sys/kernel/mm/lru_gen/enabled");
  EXPECT_EQ(parse_snapshot(snapshot)->lru, LruKind::kClassic);
  snapshot.files.erase("sys/kernel/mm/transparent_hugepage/enabled");
  EXPECT_EQ(parse_snapshot(snapshot)->lru, LruKind::kMultiGen);
}

TEST(Snapshot, TheSecondBitOfTheMultiGenSwitchIsTheWalkOfPageTables) {
  SnapshotFiles snapshot = load("k612-oom-2node");
  EXPECT_TRUE(parse_snapshot(snapshot)->lru_gen_mm_walk);
  snapshot.files["sys/kernel/mm/lru_gen/enabled"] = "0x0005\n";
  EXPECT_EQ(parse_snapshot(snapshot)->lru, LruKind::kMultiGen);
  EXPECT_FALSE(parse_snapshot(snapshot)->lru_gen_mm_walk);
  snapshot.files["sys/kernel/mm/lru_gen/enabled"] = "y\n";
  EXPECT_TRUE(parse_snapshot(snapshot)->lru_gen_mm_walk);
}

TEST(Snapshot, ABallooningGuestCountsMoreThanItsZonesManage) {
  SnapshotFiles snapshot = load("oom-noswap-2node");
  replace(snapshot, "proc/zoneinfo", "present  65501", "present  265501");
  replace(snapshot, "proc/meminfo", "480620 kB", "980620 kB");
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->total_ram, Pages(245155));
  EXPECT_THAT(host->assumed,
              Contains("nodes: the 120155 pages that the zones manage (MemTotal counts 245155; a balloon "
                       "or a hotplug holds the rest)"));
}

std::vector<std::string> assumed_of_kernel(const std::string& release) {
  SnapshotFiles snapshot = load("oom-noswap-2node");
  snapshot.files["proc/version"] = "Linux version " + release + " (builder) #1\n";
  const auto host = parse_snapshot(snapshot);
  return host ? host->assumed : std::vector<std::string>{host.error().message};
}

TEST(Snapshot, ALaterKernelFollowsTheNewestKnownRulesAndSaysSo) {
  EXPECT_THAT(assumed_of_kernel("6.18.2"),
              Contains("kernel rules: those of 6.12, the newest that are known (6.18.2 is later)"));
}

TEST(Snapshot, AKernelBetweenTheMeasuredOnesFollowsItsOwnRulesAndSaysSo) {
  EXPECT_THAT(assumed_of_kernel("5.15.0-91-generic"),
              Contains("kernel rules: those of 5.15 by the dates of their changes; 5.10, 6.1 and 6.12 were measured "
                       "against real kernels"));
  EXPECT_THAT(assumed_of_kernel("5.10.0-46-cloud-amd64"), Not(Contains(StartsWith("kernel rules"))));
}

TEST(Snapshot, WhatADistributionMovedIntoAnOldKernelIsNotKnown) {
  EXPECT_THAT(assumed_of_kernel("4.18.0-513.el8.x86_64"),
              Contains(AllOf(StartsWith("kernel rules: those of 4.18 "),
                             EndsWith("; what the distribution has taken from later versions is not known"))));
  EXPECT_THAT(assumed_of_kernel("3.10.0-1160.el7.x86_64"),
              Contains(EndsWith("; lists that it keeps for each zone are taken for those of the node")));
}

TEST(Snapshot, TheDiskOfASwapPartitionSaysWhetherItTurns) {
  SnapshotFiles snapshot = load("swap-seq-1node");
  snapshot.files["proc/swaps"] =
      "Filename Type Size Used Priority\n/dev/sda2 partition 524284 0 -2\n/swap\\040file file 1024 0 -3\n";
  snapshot.files["sys/block/sda/queue/rotational"] = "0\n";
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_FALSE(host->swaps[0].rotational);
  EXPECT_TRUE(host->swaps[1].rotational);
}

TEST(Snapshot, SwapInZramTakesMemoryAsItDidBeforeTheRun) {
  SnapshotFiles snapshot = load("swap-seq-1node");
  snapshot.files["proc/swaps"] = "Filename Type Size Used Priority\n/dev/zram0 partition 524284 1024 100\n";
  snapshot.files["sys/block/zram0/mm_stat"] = "1048576 400000 419430 0 419430 0 0 0 0\n";
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->swaps[0].zram_percent, 39);
  EXPECT_FALSE(host->swaps[0].rotational);
}

TEST(Snapshot, HowWellZramCompressesIsAssumedWhenHardlyAnythingIsStored) {
  SnapshotFiles snapshot = load("swap-seq-1node");
  snapshot.files["proc/swaps"] = "Filename Type Size Used Priority\n/dev/zram0 partition 524284 0 100\n";
  snapshot.files["sys/block/zram0/mm_stat"] = "4096 52 4096 0 4096 0 0 0 0\n";  // its own header
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->swaps[0].zram_percent, 33);
  EXPECT_THAT(host->assumed,
              Contains("swap[0].zram_percent: 33 (too little stored in /dev/zram0 to tell how well it compresses)"));
}

TEST(Snapshot, LinesOfFutureKernelsAreNoTrouble) {
  SnapshotFiles snapshot = load("k612-oom-2node");
  replace(snapshot, "proc/zoneinfo", "  start_pfn:", "  something_new: 7\n  start_pfn:");
  EXPECT_EQ(error_of(snapshot), "no error");
}

TEST(Snapshot, BuffersAreThoseOfMeminfoAndATraceKeepsThem) {
  SnapshotFiles snapshot = load("oom-noswap-2node");
  EXPECT_EQ(parse_snapshot(snapshot)->buffers, Pages(0));
  replace(snapshot, "proc/meminfo", "Buffers:               0 kB", "Buffers:             60 kB");
  EXPECT_EQ(parse_snapshot(snapshot)->buffers, Pages(15));
  const auto again = parse_json(to_json(parse_snapshot(snapshot).value()), "again", "again");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->buffers, Pages(15));
}

TEST(Snapshot, PagetypeinfoTellsWhatIsFreeInBlocksOfTheKernelsOwn) {
  SnapshotFiles snapshot = load("oom-noswap-2node");
  EXPECT_EQ(parse_snapshot(snapshot)->nodes[1].zones[0].free_unmovable, Pages(-1));
  const std::string head =
      "Page block order: 9\nPages per block:  512\n\nFree pages count per migrate type at order 0 1 2 3 4 5 6 7 8 9 "
      "10\n";
  const std::string unmovable =
      "Node    1, zone    DMA32, type    Unmovable      3      1      0      0      0      0      0      0      0      "
      "0      1\n";
  const std::string movable =
      "Node    1, zone    DMA32, type      Movable  >100000      1      0      0      0      0      0      0      0    "
      "  0      1\n";
  const std::string reclaimable =
      "Node    1, zone    DMA32, type  Reclaimable      0      0      2      0      0      0      0      0      0      "
      "0      0\n";
  snapshot.files["proc/pagetypeinfo"] =
      head + unmovable + movable + reclaimable + "\nNumber of blocks type     Unmovable\nNode 1, zone    DMA32 7\n";
  EXPECT_EQ(parse_snapshot(snapshot)->nodes[1].zones[0].free_unmovable, Pages(3 + 2))
      << "the whole block of order 10 may still change its migratetype";
  EXPECT_EQ(parse_snapshot(snapshot)->nodes[1].zones[0].free_reclaimable, Pages(8));
  const std::string atomic =
      "Node    1, zone    DMA32, type   HighAtomic      0      0      0      3      0      0      0      0      0      "
      "0      0\n";
  snapshot.files["proc/pagetypeinfo"] =
      head + unmovable + atomic +
      "\nNumber of blocks type     Unmovable      Movable  Reclaimable   HighAtomic\nNode 1, zone    DMA32 7 100 3 2\n";
  EXPECT_EQ(parse_snapshot(snapshot)->nodes[1].zones[0].highatomic_free, Pages(24));
  EXPECT_EQ(parse_snapshot(snapshot)->nodes[1].zones[0].highatomic_reserved, Pages(2 * 512));
  const auto again = parse_json(to_json(parse_snapshot(snapshot).value()), "again", "again");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->nodes[1].zones[0].free_unmovable, Pages(3 + 2)) << "a trace keeps the host as JSON";
  EXPECT_EQ(again->nodes[1].zones[0].highatomic_reserved, Pages(2 * 512));
  snapshot.files["proc/pagetypeinfo"] = head + unmovable.substr(0, 60);
  EXPECT_THAT(error_of(snapshot), testing::StartsWith("snap/proc/pagetypeinfo:5: free blocks of order"));
}

}  // namespace
}  // namespace oomcast::host
