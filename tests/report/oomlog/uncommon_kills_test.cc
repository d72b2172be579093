// Kills that are rare on servers and common elsewhere: 32-bit kernels, CMA, large pages, zram, certain nodes, SysRq,
// panics.
//
// The shapes are of public reports; names and most numbers are our own.
#include <gmock/gmock.h>

#include "report/oomlog/explain.h"
#include "report/oomlog/facts.h"
#include "report/oomlog/host_of.h"
#include "report/oomlog/parse_oom_report.h"
#include "report/oomlog/reenact.h"

namespace oomcast::oomlog {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

OomReport parsed(const std::string& log) {
  auto report = parse_oom_report(log, "kern.log", std::nullopt);
  EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().message);
  return report.ok() ? std::move(report).value() : OomReport{};
}
/// The explanation on one line: texts for a terminal are wrapped.
std::string explained(const std::string& log) {
  const Explanation explanation = explain(parsed(log));
  std::string all = explanation.headline + " ";
  for (const Section& section : explanation.sections)
    for (const std::string& sentence : section.sentences) all += sentence + " ";
  return all;
}
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}
std::string refusal_of_host(const std::string& log) {
  const auto spec = host_of(parsed(log), "kern.log");
  return spec.ok() ? "" : spec.error().message;
}

/// 3.7 on i386 with 8 GiB: zone Normal is used up, HighMem is not. vm.oom_kill_allocating_task is set.
const std::string kLowMemory =
    R"(sh invoked oom-killer: gfp_mask=0x3000d0, order=1, oom_score_adj=0
Pid: 6344, comm: sh Not tainted 3.7.0-686-pae #1 Debian
active_anon:160000 inactive_anon:6000 isolated_anon:0
 active_file:1200 inactive_file:2800 isolated_file:0
 free:1540000 slab_reclaimable:1800 slab_unreclaimable:17500
 mapped:4000 shmem:140 pagetables:24700 bounce:0
DMA free:3516kB min:64kB low:80kB high:96kB active_anon:0kB inactive_anon:0kB active_file:0kB inactive_file:0kB present:15780kB kernel_stack:2000kB pagetables:4440kB
lowmem_reserve[]: 0 867 8000 8000
Normal free:3644kB min:3732kB low:4664kB high:5596kB active_anon:0kB inactive_anon:0kB active_file:248kB inactive_file:280kB present:887976kB kernel_stack:43000kB pagetables:94000kB
lowmem_reserve[]: 0 0 57000 57000
HighMem free:6150000kB min:512kB low:67316kB high:134124kB active_anon:640000kB inactive_anon:24000kB active_file:4600kB inactive_file:11000kB present:7340032kB
lowmem_reserve[]: 0 0 0 0
Free swap  = 8000000kB
Total swap = 8000000kB
Out of memory (oom_kill_allocating_task): Kill process 6344 (sh) score 0 or sacrifice child
Killed process 6345 (sleep) total-vm:1736kB, anon-rss:44kB, file-rss:200kB
)";

TEST(UncommonKills, LowMemoryOfA32BitKernelRunsOutAlone) {
  const OomReport report = parsed(kLowMemory);
  EXPECT_EQ(report.kernel_release, "3.7.0-686-pae");
  EXPECT_EQ(report.request.pid, 6344);
  EXPECT_TRUE(only_programs_had_room(report));
  EXPECT_FALSE(zone_states(report)[2].usable);
  EXPECT_THAT(explained(kLowMemory),
              AllOf(HasSubstr("the kernel's own memory was used up"), HasSubstr("43.9 MiB of kernel stacks"),
                    HasSubstr("0 B of it lay in the zones that were short"), HasSubstr("A 64-bit kernel"),
                    Not(HasSubstr("swapping was too slow")), Not(HasSubstr("elsewhere, or a limit"))));
  EXPECT_THAT(refusal_of_host(kLowMemory), HasSubstr("32-bit kernel"));
}

TEST(UncommonKills, TheTaskThatAsksIsKilledIfTheSettingSaysSo) {
  EXPECT_TRUE(parsed(kLowMemory).allocating_task);
  EXPECT_THAT(explained(kLowMemory),
              AllOf(HasSubstr("vm.oom_kill_allocating_task is set"), HasSubstr("killed a child of it instead"),
                    HasSubstr("vm.oom_kill_allocating_task=0"), Not(HasSubstr("a score of 0 of 1000"))));
}

/// 6.1 on a Raspberry Pi with 4 GiB, 32 bits: HighMem is not printed, since the request may not use it.
const std::string kCma =
    R"([ 1.0] tar invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
[ 1.0] CPU: 1 PID: 812 Comm: tar Tainted: G         C         6.1.63-v7l+ #1
[ 1.0] active_anon:240 inactive_anon:8000 isolated_anon:0 active_file:25000 inactive_file:6700 isolated_file:0 unevictable:3500 dirty:17000 writeback:2600 slab_reclaimable:5000 slab_unreclaimable:6000 mapped:8000 shmem:2500 pagetables:400 free:900000 free_pcp:300 free_cma:128000
[ 1.0] DMA free:519000kB boost:7000kB min:10400kB low:11200kB high:12000kB reserved_highatomic:0KB active_anon:0kB inactive_anon:0kB active_file:77000kB inactive_file:168kB unevictable:0kB writepending:78000kB present:786432kB managed:663000kB free_cma:513000kB
[ 1.0] lowmem_reserve[]: 0 0 3188 3188
[ 1.0] Free swap  = 785000kB
[ 1.0] Total swap = 785000kB
[ 1.0] 1012736 pages RAM
[ 1.0] 816128 pages HighMem/MovableOnly
[ 1.0] 30649 pages reserved
[ 1.0] Out of memory: Killed process 812 (tar) total-vm:15120kB, anon-rss:3000kB, file-rss:4480kB, shmem-rss:0kB, UID:0 pgtables:60kB oom_score_adj:0
)";

TEST(UncommonKills, CmaIsNotFreeForTheKernel) {
  const OomReport report = parsed(kCma);
  EXPECT_TRUE(has_high_memory(report));
  ASSERT_EQ(zone_states(report).size(), 1u);
  EXPECT_EQ(zone_states(report)[0].needed_kb, 10400)
      << "of the columns DMA, Normal, HighMem, Movable the second counts";
  EXPECT_EQ(zone_states(report)[0].free_kb, 6000);
  EXPECT_THAT(explained(kCma), AllOf(HasSubstr("501.0 MiB of it CMA, which this request may not use"),
                                     HasSubstr("4.3 MiB too little"), HasSubstr("A 64-bit kernel")));
  EXPECT_THAT(refusal_of_host(kCma), HasSubstr("32-bit kernel"));
}

TEST(UncommonKills, MovableMemoryThatIsNearlyAllCmaIsSaid) {
  const std::string log =
      replaced(replaced(kCma, "gfp_mask=0xcc0(GFP_KERNEL)", "gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE)"),
               "816128 pages HighMem/MovableOnly", "0 pages HighMem/MovableOnly");
  EXPECT_THAT(explained(log),
              AllOf(HasSubstr("enough only with its free CMA, 501.0 MiB"), Not(HasSubstr("came back"))));
}

/// A container on a host with pages of 64 KiB.
const std::string kLargePages =
    R"([100.1] java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=985
[100.1] CPU: 3 PID: 700 Comm: java Not tainted 5.14.0-284.aarch64+64k #1
[100.1] memory: usage 2097152kB, limit 2097152kB, failcnt 1412
[100.1] swap: usage 0kB, limit 9007199254740928kB, failcnt 0
[100.1] Memory cgroup stats for /pod1:
[100.1] anon 2105802752
[100.1] slab 20000000
[100.1] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[100.1] [    650]     0   650       16        2   327680        0          -998 pause
[100.1] [    700]     0   700   156000    32300   4194304        0           985 java
[100.1] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg=/pod1,task_memcg=/pod1/c1,task=java,pid=700,uid=0
[100.1] Memory cgroup out of memory: Killed process 700 (java) total-vm:9984000kB, anon-rss:2056384kB, file-rss:10816kB, shmem-rss:0kB, UID:0 pgtables:4096kB oom_score_adj:985
)";

TEST(UncommonKills, TheSizeOfPagesFollowsFromTheFigures) {
  const OomReport report = parsed(kLargePages);
  EXPECT_EQ(report.page_kb, 64);
  EXPECT_EQ(scores_of(report).most_first[0].points, 32300 + 64 + 985 * (2097152 / 64 / 1000));
  EXPECT_THAT(explained(kLargePages),
              AllOf(HasSubstr("one page (order 0, 64.0 KiB)"), Not(HasSubstr("never reclaimed"))));
  EXPECT_THAT(reenact(report, "x").error().message, HasSubstr("64 KiB"));
  EXPECT_EQ(parsed(replaced(kLargePages, "limit 9007199254740928kB", "limit 0kB")).page_kb, 64)
      << "by the victim's size";
}

/// cgroup v1: the limit of memory and swap together stops the group, which has room below that of memory.
const std::string kBoth =
    R"([100.1] app invoked oom-killer: gfp_mask=0x14000c0(GFP_KERNEL), nodemask=(null), order=0, oom_score_adj=0
[100.1] CPU: 3 PID: 3897 Comm: app Not tainted 4.15.0-142-generic #146-Ubuntu
[100.1] Task in /docker/c1 killed as a result of limit of /docker/c1
[100.1] memory: usage 80002kB, limit 104857kB, failcnt 8214
[100.1] memory+swap: usage 104857kB, limit 104857kB, failcnt 267
[100.1] kmem: usage 0kB, limit 9007199254740988kB, failcnt 0
[100.1] Memory cgroup stats for /docker/c1: cache:120KB rss:79400KB swap:24855KB inactive_anon:39000KB active_anon:40400KB inactive_file:60KB active_file:40KB
[100.1] [ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[100.1] [ 3893]     0  3893     1655       22    45056       10             0 sh
[100.1] [ 3897]     0  3897    39487    19850   213401     6212             0 app
[100.1] Memory cgroup out of memory: Kill process 3897 (app) score 994 or sacrifice child
[100.1] Killed process 3897 (app) total-vm:157948kB, anon-rss:79398kB, file-rss:2kB, shmem-rss:0kB
)";

TEST(UncommonKills, ALimitOfMemoryAndSwapTogether) {
  EXPECT_TRUE(limit_of_both(parsed(kBoth)));
  EXPECT_THAT(explained(kBoth),
              AllOf(HasSubstr("The limit of memory and swap together of cgroup /docker/c1"),
                    HasSubstr("memory.memsw.limit_in_bytes"), HasSubstr("24.3 MiB more in swap"),
                    Not(HasSubstr("A limit above 102.4 MiB (memory.max")), Not(HasSubstr("Kernel memory"))));
  const auto made = reenact(parsed(kBoth), "x");
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(made->held, to_bytes(Pages((79398 / 4) + 6212)));
}

TEST(UncommonKills, SwapThatIsNotCountedIsNotReportedAsUnused) {
  const std::string log = replaced(kBoth, "memory+swap: usage 104857kB, limit 104857kB",
                                   "memory+swap: usage 0kB, limit 9007199254740988kB");
  EXPECT_THAT(explained(log), Not(HasSubstr("Memory and swap: 0 B")));
}

/// A cpuset of one node that has zone Movable only, and a request that cannot be moved.
const std::string kMovableNode =
    R"(runc invoked oom-killer: gfp_mask=0x500cc2(GFP_HIGHUSER|__GFP_ACCOUNT), order=0, oom_score_adj=0
CPU: 8 PID: 8291 Comm: runc Tainted: G        W I E     5.8.2-0.default #1 openSUSE
active_anon:392000 inactive_anon:180 isolated_anon:0
 active_file:68000 inactive_file:151000 isolated_file:0
 slab_reclaimable:51000 slab_unreclaimable:116000
 free:150000000 free_pcp:73 free_cma:0
Node 4 active_anon:1448kB inactive_anon:0kB active_file:0kB inactive_file:0kB unevictable:0kB mapped:0kB dirty:0kB writeback:0kB shmem:0kB all_unreclaimable? no
Node 4 Movable free:130000000kB min:9000kB low:139000kB high:269000kB active_anon:1448kB inactive_anon:0kB active_file:0kB inactive_file:0kB unevictable:0kB writepending:0kB present:130023424kB managed:130023424kB free_cma:0kB
lowmem_reserve[]: 0 0 0 0 0
oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=(null),cpuset=c1,mems_allowed=4,global_oom,task_memcg=/s,task=containerd,pid=4100,uid=0
Out of memory: Killed process 4100 (containerd) total-vm:4077036kB, anon-rss:51184kB, file-rss:26016kB, shmem-rss:0kB, UID:0 pgtables:676kB oom_score_adj:0
)";

TEST(UncommonKills, ACpusetWithoutAZoneForTheRequest) {
  EXPECT_THAT(explained(kMovableNode),
              AllOf(HasSubstr("the nodes that the request could use had no memory"),
                    HasSubstr("could not succeed, whatever is free"), HasSubstr("zone Normal in cpuset.mems"),
                    HasSubstr("(anonymous), 1.4 MiB"), Not(HasSubstr("Cache of files, 85")),
                    Not(HasSubstr("elsewhere, or a limit"))))
      << "Mem-Info is of all nodes, of which one was allowed";
  EXPECT_THAT(reenact(parsed(kMovableNode), "x").error().message, HasSubstr("the kernel's own memory was short"));
}

TEST(UncommonKills, ANodemaskOfAllNodesIsNoPolicy) {
  std::string log =
      replaced(kMovableNode, "0x500cc2(GFP_HIGHUSER|__GFP_ACCOUNT)", "0x24201ca(GFP_HIGHUSER_MOVABLE), nodemask=0-4");
  log = replaced(log, "oom-kill:constraint", "runc cpuset=/ mems_allowed=0-4\nlost:constraint");
  EXPECT_THAT(explained(log), Not(HasSubstr("policy")))
      << "4.9 prints the cpuset's nodes for a request without a policy";
}

/// 6.18 with zram: what is swapped out lies in memory.
const std::string kZram =
    R"([ 8.7][ T1217] fill invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=0
[ 8.7][ T1217] CPU: 1 UID: 1000 PID: 1217 Comm: fill Not tainted 6.18.0 #12
[ 8.7][ T1217] active_anon:3 inactive_anon:7 isolated_anon:0 active_file:2 inactive_file:0 isolated_file:0 unevictable:0 dirty:0 writeback:0 slab_reclaimable:1900 slab_unreclaimable:5100 mapped:0 shmem:0 pagetables:700 free:1581 free_pcp:125 free_cma:0
[ 8.7][ T1217] Node 0 active_anon:12kB inactive_anon:28kB active_file:8kB inactive_file:0kB unevictable:0kB kernel_stack:1800kB pagetables:2800kB all_unreclaimable? yes Balloon:120000kB
[ 8.7][ T1217] Node 0 DMA32 free:6324kB boost:0kB min:6200kB low:7000kB high:7800kB reserved_highatomic:2048KB free_highatomic:120KB active_anon:12kB inactive_anon:28kB active_file:8kB inactive_file:0kB unevictable:0kB writepending:0kB zspages:815000kB present:1032064kB managed:978944kB free_cma:0kB
[ 8.7][ T1217] lowmem_reserve[]: 0 0 0 0 0
[ 8.7][ T1217] Free swap  = 1100000kB
[ 8.7][ T1217] Total swap = 4000000kB
[ 8.7][ T1217] 258016 pages RAM
[ 8.7][ T1217] 13280 pages reserved
[ 8.7][ T1217] [  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name
[ 8.7][ T1217] [   1217]  1000  1217   900000        3        3        0         0  2560000   720000             0 fill
[ 8.7][ T1217] Out of memory: Killed process 1217 (fill) total-vm:3600000kB, anon-rss:12kB, file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:2500kB oom_score_adj:0
)";

TEST(UncommonKills, CompressedPagesAndBalloonsAreCounted) {
  EXPECT_EQ(zone_states(parsed(kZram))[0].needed_kb, 6200 + 120) << "from 6.13 on only what is free of the reserve";
  EXPECT_THAT(explained(kZram),
              AllOf(HasSubstr("Compressed pages of zram or zswap, 795.9 MiB"),
                    HasSubstr("A balloon of the hypervisor, 117.2 MiB"), HasSubstr("2.75 GiB more in swap"),
                    HasSubstr("Swap on a disk instead"), Not(HasSubstr("In none of the counters"))));
}

TEST(UncommonKills, APanicSaysWhichSettingAskedForIt) {
  const std::string head = kZram.substr(0, kZram.find("[ 8.7][ T1217] Out of memory"));
  const std::string panic = "[ 8.8][ T1217] Kernel panic - not syncing: Out of memory: ";
  EXPECT_THAT(explained(head + panic + "compulsory panic_on_oom is enabled\n"),
              AllOf(HasSubstr("vm.panic_on_oom is 2"), HasSubstr("vm.panic_on_oom=0")));
  EXPECT_THAT(explained(head + panic + "system-wide panic_on_oom is enabled\n"), HasSubstr("vm.panic_on_oom is 1"));
  EXPECT_THAT(explained(head + "[ 8.8] Kernel panic - not syncing: System is deadlocked on memory\n"),
              AllOf(HasSubstr("nobody was left to kill"), Not(HasSubstr("panic_on_oom"))));
}

TEST(UncommonKills, ByHandNothingWasShort) {
  const std::string log = replaced(kZram, "order=0", "order=-1");
  EXPECT_THAT(explained(log),
              AllOf(HasSubstr("SysRq f"), Not(HasSubstr("too little")), Not(HasSubstr("Cache of files"))));
}

/// RHEL 6: "Killed process 12, UID 48, (name)", and zones without managed:.
const std::string kRhel6 =
    R"(Jun 29 15:39:16 web kernel: httpd invoked oom-killer: gfp_mask=0x201da, order=0, oom_adj=0, oom_score_adj=0
Jun 29 15:39:16 web kernel: Pid: 18992, comm: httpd Not tainted 2.6.32-754.el6.x86_64 #1
Jun 29 15:39:16 web kernel: active_anon:50000 inactive_anon:100 isolated_anon:0
Jun 29 15:39:16 web kernel: free:740 slab_reclaimable:1000 slab_unreclaimable:2000
Jun 29 15:39:16 web kernel: Node 0 DMA32 free:2960kB min:3000kB low:3750kB high:4500kB active_anon:200000kB inactive_anon:400kB active_file:40kB inactive_file:0kB unevictable:0kB present:240000kB mlocked:0kB dirty:0kB writeback:0kB mapped:100kB shmem:0kB slab_reclaimable:4000kB slab_unreclaimable:8000kB kernel_stack:200kB pagetables:900kB pages_scanned:2000 all_unreclaimable? yes
Jun 29 15:39:16 web kernel: lowmem_reserve[]: 0 0 0 0
Jun 29 15:39:16 web kernel: Free swap  = 0kB
Jun 29 15:39:16 web kernel: Total swap = 0kB
Jun 29 15:39:16 web kernel: 65536 pages RAM
Jun 29 15:39:16 web kernel: 7500 pages reserved
Jun 29 15:39:16 web kernel: [ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name
Jun 29 15:39:16 web kernel: [18992]    48 18992    90000    45000   0       0             0 httpd
Jun 29 15:39:16 web kernel: Out of memory: Kill process 18992 (httpd) score 780 or sacrifice child
Jun 29 15:39:16 web kernel: Killed process 18992, UID 48, (httpd) total-vm:360000kB, anon-rss:179000kB, file-rss:1000kB
)";

TEST(UncommonKills, KernelsWithoutManagedMakeAHost) {
  const OomReport report = parsed(kRhel6);
  EXPECT_EQ(report.killed->uid, 48);
  EXPECT_EQ(report.kernel_release, "2.6.32-754.el6.x86_64");
  const auto spec = host_of(report, "kern.log");
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_EQ(spec->nodes[0].managed(), Pages(65536 - 7500)) << "present less what is reserved";
  EXPECT_TRUE(is_oom_log(kRhel6.substr(kRhel6.find("Jun 29 15:39:16 web kernel: Killed"))));
}

/// A network driver on a Raspberry Pi gets no 32 KiB in one piece.
const std::string kRefusal =
    R"([  900.1] kworker/u8:7: page allocation failure: order:3, mode:0x60820(GFP_ATOMIC|__GFP_COMP|__GFP_MEMALLOC), nodemask=(null),cpuset=/,mems_allowed=0
[  900.1] CPU: 1 PID: 77 Comm: kworker/u8:7 Not tainted 6.6.31-v8+ #1
[  900.1] active_anon:1000 inactive_anon:4000 isolated_anon:0 active_file:90000 inactive_file:80000 isolated_file:0 unevictable:0 dirty:0 writeback:0 slab_reclaimable:3000 slab_unreclaimable:5000 free:9000 free_pcp:10 free_cma:0
[  900.1] Node 0 DMA free:36000kB min:20000kB low:25000kB high:30000kB reserved_highatomic:0KB active_anon:4000kB inactive_anon:16000kB active_file:360000kB inactive_file:320000kB unevictable:0kB writepending:0kB present:970752kB managed:930000kB free_cma:0kB
[  900.1] lowmem_reserve[]: 0 0 0 0
[  900.1] Node 0 DMA: 8000*4kB (UME) 400*8kB (UME) 50*16kB (UM) 0*32kB 0*64kB = 36000kB
[  900.1] Free swap  = 0kB
[  900.1] Total swap = 0kB
[  900.1] 242688 pages RAM
[  900.1] 10188 pages reserved
)";

TEST(UncommonKills, ARefusalWithoutAKillIsExplained) {
  const OomReport report = parsed(kRefusal);
  EXPECT_TRUE(report.refused);
  EXPECT_EQ(report.request.comm, "kworker/u8:7");
  EXPECT_EQ(report.request.pid, 77);
  EXPECT_EQ(report.request.gfp_mask, 0x60820);
  EXPECT_EQ(zone_states(report)[0].needed_kb, 7500) << "half of the mark, less a quarter: it is urgent and cannot wait";
  EXPECT_THAT(explained(kRefusal),
              AllOf(HasSubstr("had no memory for kworker/u8:7 (page allocation failure), and killed nobody"),
                    HasSubstr("could not wait"), HasSubstr("7.3 MiB for a request as urgent as this"),
                    HasSubstr("none of it in pieces of order 3"), HasSubstr("vm.min_free_kbytes"),
                    Not(HasSubstr("Swap: the host had none")), Not(HasSubstr("Who was killed"))));
  EXPECT_THAT(reenact(report, "x").error().message, HasSubstr("nobody was killed"));
  EXPECT_EQ(parsed(kRefusal + kRefusal).of, 2);
  EXPECT_FALSE(parsed(kRefusal + kRhel6).refused) << "a kill is what matters more";
}

TEST(UncommonKills, OtherKillersAreNamed) {
  const auto message = [](const std::string& text) {
    return parse_oom_report(text, "x", std::nullopt).error().message;
  };
  EXPECT_THAT(
      message("<6>lowmemorykiller: Killing 'app' (2613), adj 1000,\n<6>   to free 20784kB on behalf of 'kswapd0'\n"),
      HasSubstr("Android's lowmemorykiller"));
  EXPECT_THAT(message("box systemd-oomd[700]: Killed /user.slice/x due to memory pressure\n"),
              HasSubstr("systemd-oomd"));
}

TEST(UncommonKills, PiecesThatAreKeptForOthersAreNotFree) {
  std::string log = replaced(kRhel6, "order=0", "order=3");
  log = replaced(log, "DMA32 free:2960kB", "DMA32 free:12960kB");
  log = replaced(log, "kernel: Free swap",
                 "kernel: Node 0 DMA32: 2736*4kB (UME) 0*8kB 0*16kB 63*32kB (H) 0*64kB = 12960kB\nJun 29 15:39:16 web "
                 "kernel: Free swap");
  EXPECT_THAT(explained(log),
              AllOf(HasSubstr("no free memory in pieces as large as was asked for"),
                    HasSubstr("none of it in pieces of order 3"),
                    HasSubstr("2.0 MiB more are kept for atomic requests"), Not(HasSubstr("elsewhere, or a limit"))));
}

}  // namespace
}  // namespace oomcast::oomlog
