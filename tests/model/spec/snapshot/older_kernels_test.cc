// Hosts of kernels from 3.2 to 5.14: what their files hold is read, however they print it, and what is missing is said.
#include <gmock/gmock.h>

#include "model/spec/json/json_host.h"
#include "model/spec/read_host.h"
#include "model/spec/snapshot/read_snapshot.h"

namespace oomcast::host {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Which counters a kernel prints for the node; the others stand in the zones.
struct Layout {
  const char* release;
  bool lists, slab, stacks, tables, nameless;
};
void PrintTo(const Layout& layout, std::ostream* out) { *out << layout.release; }

constexpr Layout kRhel7{"3.10.0-957.el7.x86_64", false, false, false, false, false};
constexpr Layout kLinux44{"4.4.0-210-generic", false, false, false, false, false};
constexpr Layout kLinux411{"4.11.0", true, false, false, false, false};
constexpr Layout kLinux414{"4.14.300", true, true, false, false, true};
constexpr Layout kRhel8{"4.18.0-305.el8.x86_64", true, true, false, false, true};
constexpr Layout kLinux419{"4.19.0-26-amd64", true, true, false, false, false};
constexpr Layout kLinux54{"5.4.0-150-generic", true, true, false, false, false};
constexpr Layout kLinux510{"5.10.0-28-amd64", true, true, true, false, false};
constexpr Layout kLinux61{"6.1.0-18-amd64", true, true, true, true, false};

constexpr const char* kLists =
    "      nr_inactive_anon 4000\n      nr_active_anon 20000\n      nr_inactive_file 90000\n      nr_active_file "
    "30000\n"
    "      nr_unevictable 16\n      nr_anon_pages 23000\n      nr_mapped    9000\n      nr_file_pages 121000\n"
    "      nr_dirty     40\n      nr_writeback 2\n      nr_shmem     1000\n";
constexpr const char* kSlab = "      nr_slab_reclaimable 8000\n      nr_slab_unreclaimable 3000\n";

std::string zoneinfo(const Layout& has) {
  std::string node, zone;
  (has.lists ? node : zone) += kLists;
  (has.slab ? node : zone) += kSlab;
  (has.tables ? node : zone) += "      nr_page_table_pages 700\n";
  // Kernels before 4.8 count stacks, later ones their KiB.
  (has.stacks ? node : zone) += has.lists ? "      nr_kernel_stack 3200\n" : "      nr_kernel_stack 200\n";
  if (has.nameless) node += "                   537792\n";
  std::string text = "Node 0, zone    DMA32\n";
  if (has.lists) text += "  per-node stats\n" + node;
  text +=
      "  pages free     57231\n        min      5000\n        low      6250\n        high     7500\n        spanned  "
      "300000\n"
      "        present  280000\n        managed  260000\n";
  if (has.lists)
    text +=
        "      nr_zone_inactive_anon 4000\n      nr_zone_active_anon 20000\n      nr_zone_inactive_file 90000\n"
        "      nr_zone_active_file 30000\n      nr_zone_unevictable 16\n      nr_zone_write_pending 42\n";
  return text + zone +
         "        protection: (0, 0, 0, 0, 0)\n  pagesets\n    cpu: 0\n              count: 11\n              high:  "
         "186\n"
         "              batch: 31\n  vm stats threshold: 10\n  all_unreclaimable: 0\n  start_pfn:         4096\n";
}

SnapshotFiles snapshot_of(const Layout& layout) {
  SnapshotFiles files;
  files.root = "snap";
  files.files["proc/zoneinfo"] = zoneinfo(layout);
  files.files["proc/version"] = std::string("Linux version ") + layout.release + " (a@b) #1 SMP\n";
  return files;
}

HostSpec read(const SnapshotFiles& files) {
  auto host = parse_snapshot(files);
  EXPECT_TRUE(host) << host.error().message;
  return host ? std::move(host).value() : HostSpec{};
}

std::string error_of(const SnapshotFiles& files) {
  const auto host = parse_snapshot(files);
  return host ? "no error" : host.error().message;
}

class EachKernel : public testing::TestWithParam<Layout> {};
INSTANTIATE_TEST_SUITE_P(OlderKernels, EachKernel,
                         testing::Values(kRhel7, kLinux44, kLinux411, kLinux414, kRhel8, kLinux419, kLinux54, kLinux510,
                                         kLinux61));

TEST_P(EachKernel, SaysTheSameWhereverItsCountersStand) {
  const HostSpec host = read(snapshot_of(GetParam()));
  ASSERT_EQ(host.nodes.size(), 1u);
  const NodeSpec& node = host.nodes[0];
  for (const LruSizes& lru : {node.lru, node.zones[0].lru}) {
    EXPECT_EQ(lru.inactive_anon, Pages(4000));
    EXPECT_EQ(lru.active_anon, Pages(20000));
    EXPECT_EQ(lru.inactive_file, Pages(90000));
    EXPECT_EQ(lru.active_file, Pages(30000));
    EXPECT_EQ(lru.unevictable, Pages(16));
  }
  EXPECT_EQ(node.slab_reclaimable, Pages(8000));
  EXPECT_EQ(node.slab_unreclaimable, Pages(3000));
  EXPECT_EQ(node.page_tables, Pages(700));
  EXPECT_EQ(node.kernel_stack_kb, 3200);
  EXPECT_EQ(node.shmem, Pages(1000));
  EXPECT_EQ(node.file_pages, Pages(121000));
  EXPECT_EQ(node.zones[0].write_pending, Pages(42));
}

TEST(OlderKernels, CountersOfAllZonesAreTheNodes) {
  SnapshotFiles files = snapshot_of(kLinux411);
  std::string second = zoneinfo(kLinux411);
  second.replace(0, second.find("  pages free"), "Node 0, zone   Normal\n");
  files.files["proc/zoneinfo"] += second;
  const HostSpec host = read(files);
  EXPECT_EQ(host.nodes[0].slab_reclaimable, Pages(16000));
  EXPECT_EQ(host.nodes[0].kernel_stack_kb, 6400);
  EXPECT_EQ(host.nodes[0].lru.active_file, Pages(30000)) << "these the node prints";
}

TEST(OlderKernels, StacksAreCountedBefore48) {
  SnapshotFiles files = snapshot_of(kLinux44);
  EXPECT_THAT(read(files).assumed, Contains(StartsWith("nodes[].kernel_stack_kb: 16 KiB for each stack")));
  files.files["proc/version"] = "Linux version 3.13.0-24-generic (a@b) #1 SMP\n";
  EXPECT_EQ(read(files).nodes[0].kernel_stack_kb, 1600) << "8 KiB each until 3.15";
}

TEST(OlderKernels, WhatZoneinfoDoesNotPrintComesFromMeminfoOrIsListed) {
  SnapshotFiles files = snapshot_of(kRhel7);
  std::string& text = files.files["proc/zoneinfo"];
  text.erase(text.find("      nr_slab_reclaimable"), std::string(kSlab).size());
  EXPECT_THAT(read(files).assumed,
              Contains(AllOf(StartsWith("nodes[0]: slab_reclaimable_pages"), HasSubstr(": 0 (neither"))));
  files.files["proc/meminfo"] =
      "MemTotal:        1040000 kB\nSReclaimable:      48000 kB\nSUnreclaim:        12000 kB\n";
  const HostSpec host = read(files);
  EXPECT_EQ(host.nodes[0].slab_reclaimable, Pages(12000));
  EXPECT_EQ(host.nodes[0].slab_unreclaimable, Pages(3000));
  EXPECT_THAT(host.assumed, Contains(StartsWith("nodes[0].slab_reclaimable_pages: that of proc/meminfo")));
}

TEST(OlderKernels, ListsOfANodeAreSpreadOverZonesThatDoNotSay) {
  SnapshotFiles files = snapshot_of(kRhel8);
  std::string& text = files.files["proc/zoneinfo"];
  for (size_t at; (at = text.find("      nr_zone_")) != std::string::npos;)
    text.erase(at, text.find('\n', at) - at + 1);
  const HostSpec host = read(files);
  EXPECT_EQ(host.nodes[0].zones[0].lru.inactive_file, Pages(90000));
  EXPECT_THAT(host.assumed, Contains(StartsWith("nodes[0].zones[].lru_pages: ")));
}

TEST(OlderKernels, Before38PresentIsTakenForManaged) {
  SnapshotFiles files = snapshot_of(kLinux44);
  std::string& text = files.files["proc/zoneinfo"];
  text.erase(text.find("        managed"), std::string("        managed  260000\n").size());
  EXPECT_THAT(error_of(files), HasSubstr("has no 'managed' line; is the file cut off?")) << "4.4 prints it";
  files.files["proc/version"] = "Linux version 3.2.0-58-generic (a@b) #1 SMP\n";
  EXPECT_EQ(read(files).nodes[0].zones[0].managed, Pages(280000));
  EXPECT_THAT(read(files).assumed, Contains(HasSubstr("kernels before 3.8")));
  files.files.erase("proc/version");
  EXPECT_EQ(read(files).nodes[0].zones[0].managed, Pages(280000)) << "the zone is whole but for that line";
  text.erase(text.find("  start_pfn"));
  EXPECT_THAT(error_of(files), HasSubstr("is the file cut off?"));
}

TEST(OlderKernels, MarksArePrintedWithTheBoostAndKeptWithout) {
  SnapshotFiles files = snapshot_of(kLinux61);
  std::string& text = files.files["proc/zoneinfo"];
  text.insert(text.find("        min "), "        boost    2048\n");
  const ZoneSpec boosted = read(files).nodes[0].zones[0];
  EXPECT_EQ(boosted.boost, Pages(2048));
  EXPECT_EQ(boosted.watermarks, (Watermarks{Pages(2952), Pages(4202), Pages(5452)}));
  const auto again = parse_json(to_json(read(files)), "", "again");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->nodes[0].zones[0].watermarks, boosted.watermarks) << "JSON has them without, too";
}

TEST(OlderKernels, NothingIsBoostedBefore50) {
  EXPECT_EQ(read(snapshot_of(kLinux419)).vm.watermark_boost_factor, 0);
  EXPECT_EQ(read(snapshot_of(kLinux54)).vm.watermark_boost_factor, 15000);
}

TEST(OlderKernels, FreeCmaPagesAreRead) {
  SnapshotFiles files = snapshot_of(kLinux510);
  std::string& text = files.files["proc/zoneinfo"];
  text.insert(text.find("        protection"), "      nr_free_cma  4096\n");
  EXPECT_EQ(read(files).nodes[0].zones[0].free_cma, Pages(4096));
}

// Pages of another size: no file states it, several show it.
SnapshotFiles with_64k_pages() {
  SnapshotFiles files = snapshot_of(kLinux54);
  std::string& text = files.files["proc/zoneinfo"];
  text.replace(text.find("batch: 31"), 9, "batch: 3");
  return files;
}

TEST(PageSize, FollowsFromMemTotal) {
  SnapshotFiles files = snapshot_of(kLinux54);
  files.files["proc/meminfo"] = "MemTotal:       16640000 kB\n";
  EXPECT_THAT(error_of(files), AllOf(HasSubstr("pages of 64 KiB are not supported"), HasSubstr("16250 MiB")));
  files.files["proc/meminfo"] = "MemTotal:        4160000 kB\n";
  EXPECT_THAT(error_of(files), HasSubstr("pages of 16 KiB are not supported"));
  files.files["proc/meminfo"] = "MemTotal:        1040000 kB\n";
  EXPECT_EQ(error_of(files), "no error");
  files.files["proc/meminfo"] = "MemTotal:        9000000 kB\n";
  EXPECT_THAT(error_of(files), HasSubstr("do both come from the same machine")) << "no page has such a size";
}

TEST(PageSize, FollowsFromTheNodesMemTotal) {
  SnapshotFiles files = snapshot_of(kLinux54);
  files.files["sys/devices/system/node/node0/meminfo"] = "Node 0 MemTotal:       16640000 kB\n";
  EXPECT_THAT(error_of(files), HasSubstr("pages of 64 KiB are not supported"));
}

TEST(PageSize, FollowsWithoutMeminfoFromWhatIsCutByBytes) {
  EXPECT_THAT(error_of(with_64k_pages()), HasSubstr("pages of 64 KiB are not supported"));
  SnapshotFiles orders = snapshot_of(kLinux54);
  orders.files["proc/buddyinfo"] = "Node 0, zone    DMA32  1 2 3 4 5 6 7 8 9 10 11 12 13 14\n";
  EXPECT_THAT(error_of(orders), HasSubstr("pages of 64 KiB are not supported"));
  SnapshotFiles huge = snapshot_of(kLinux54);
  huge.files["sys/kernel/mm/transparent_hugepage/hpage_pmd_size"] = "33554432\n";
  EXPECT_THAT(error_of(huge), HasSubstr("pages of 16 KiB are not supported"));
}

TEST(PageSize, OfMemTotalIsBelievedOverAListThatSomebodyMadeShort) {
  SnapshotFiles files = with_64k_pages();
  files.files["proc/meminfo"] = "MemTotal:        1040000 kB\n";
  EXPECT_EQ(error_of(files), "no error");
}

// A sosreport has the output of commands where files are missing.
TEST(Sosreport, SysctlAndUnameStandInForFiles) {
  SnapshotFiles files = snapshot_of(kRhel7);
  files.files.erase("proc/version");
  files.files["sos_commands/kernel/uname_-a"] =
      "Linux db7 3.10.0-1160.el7.x86_64 #1 SMP Mon Oct 19 2020 x86_64 GNU/Linux\n";
  files.files["sos_commands/kernel/sysctl_-a"] =
      "sysctl: reading key \"net.ipv6.conf.all.stable_secret\"\nvm.lowmem_reserve_ratio = 256\t256\t32\nvm.swappiness "
      "= 10\n"
      "vm.page-cluster = 0\nkernel.numa_balancing = 1\nvm.overcommit_memory = 2\n";
  EXPECT_THAT(error_of(files), HasSubstr("snap/sos_commands/kernel/sysctl_-a:2: expected at least four numbers"));
  std::string& sysctl = files.files["sos_commands/kernel/sysctl_-a"];
  sysctl.replace(sysctl.find("32\n"), 3, "32\t0\n");
  const HostSpec host = read(files);
  EXPECT_EQ(host.kernel_release, "3.10.0-1160.el7.x86_64");
  EXPECT_EQ(host.vm.swappiness, 10);
  EXPECT_EQ(host.vm.page_cluster, 0);
  EXPECT_EQ(host.vm.numa_balancing, 1);
  EXPECT_EQ(host.vm.overcommit_memory, 2);
  EXPECT_THAT(host.assumed, Not(Contains(StartsWith("vm.swappiness"))));
  files.files["proc/sys/vm/swappiness"] = "30\n";
  EXPECT_EQ(read(files).vm.swappiness, 30) << "a file is believed over what a command printed";
}

TEST(OlderKernels, Before45AProcessHasOneSumOfResidentPages) {
  SnapshotFiles files = snapshot_of(kRhel7);
  files.files["proc/900/status"] = "Name:\tmysqld\nPPid:\t1\nUid:\t27\nVmSize:\t900000 kB\nVmRSS:\t80000 kB\n";
  const HostSpec host = read(files);
  ASSERT_EQ(host.processes.size(), 1u);
  EXPECT_EQ(host.processes[0].rss_anon + host.processes[0].rss_file, Pages(20000));
  EXPECT_THAT(host.assumed, Contains(StartsWith("processes[].rss_anon: VmRSS")));
}

TEST(Sosreport, APsWhoseCommandIsNotItsLastColumnIsReadAsFarAsItGoes) {
  SnapshotFiles files = snapshot_of(kRhel7);
  files.files["sos_commands/process/ps_alxwww"] =
      "PID COMMAND VSZ RSS UID\n"
      "900 mysqld\n"
      "901 mysqld 900000 80000 27\n";
  const HostSpec host = read(files);
  ASSERT_EQ(host.processes.size(), 1u);
  EXPECT_EQ(host.processes[0].pid, 901);
}

TEST(Sosreport, PsStandsInForProcesses) {
  SnapshotFiles files = snapshot_of(kRhel7);
  files.files["sos_commands/process/ps_auxwwwm"] =
      "USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n"
      "root         1  0.0  0.1 191000  4000 ?        -    Mar01   0:10 /usr/lib/systemd/systemd --switched-root\n"
      "root         -  0.0    -      -     - -        Ss   Mar01   0:10 -\n"
      "root         2  0.0  0.0      0     0 ?        -    Mar01   0:00 [kthreadd]\n"
      "mysql      900  9.0 80.0 900000 80000 ?        -    Mar01  99:10 /usr/libexec/mysqld --basedir=/usr\n";
  const HostSpec host = read(files);
  ASSERT_EQ(host.processes.size(), 2u) << "neither a thread nor a kernel thread is a process";
  EXPECT_EQ(host.processes[0].comm, "systemd");
  EXPECT_EQ(host.processes[0].uid, 0);
  EXPECT_EQ(host.processes[1].pid, 900);
  EXPECT_EQ(host.processes[1].comm, "mysqld");
  EXPECT_EQ(host.processes[1].total_vm, Pages(225000));
  EXPECT_EQ(host.processes[1].rss_anon + host.processes[1].rss_file, Pages(20000));
  EXPECT_THAT(host.assumed, Contains(StartsWith("processes[].oom_score_adj: 0 (sos_commands/process/ps_auxwwwm")));
  EXPECT_THAT(host.assumed, Not(Contains(StartsWith("processes: none"))));
  files.files["sos_commands/process/ps_alxwww"] =
      "F   UID   PID  PPID PRI  NI    VSZ   RSS WCHAN  STAT TTY        TIME COMMAND\n"
      "4    27   900     1  20   0 900000 80000 -      Ssl  ?         99:10 /usr/libexec/mysqld\n";
  EXPECT_EQ(read(files).processes.at(0).uid, 27) << "the one that prints numbers is believed first";
  files.files["sos_commands/process/ps_alxwww"] = "ps: error\n";
  EXPECT_EQ(read(files).processes.size(), 2u);
}

TEST(Sosreport, SlabThatWasLeftAtAnOomKillIsNotReclaimable) {
  SnapshotFiles files = snapshot_of(kRhel7);
  const int64_t guessed = read(files).vfs_cache.dentries_unused;
  EXPECT_GT(guessed, 0);
  files.files["sos_commands/kernel/dmesg"] =
      "[1.0] java invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0\n"
      "[1.0]  slab_reclaimable:7900 slab_unreclaimable:3000\n[1.0] Node 0 DMA32 free:8kB slab_reclaimable:31600kB\n";
  EXPECT_EQ(read(files).vfs_cache.dentries_unused, 0);
  files.files["sos_commands/kernel/dmesg"] =
      "[1.0] swapper: page allocation failure: order:4\n[1.0]  slab_reclaimable:7900\n";
  EXPECT_EQ(read(files).vfs_cache.dentries_unused, guessed) << "no memory in a row is not no memory";
}

}  // namespace
}  // namespace oomcast::host
