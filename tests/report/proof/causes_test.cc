// The causes that people settled on after their incidents: each is a small simulation, named and mended by its
// findings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/report/proof/proven_program.h"

namespace oomcast::report {
namespace {

using support::HostBuilder;
using support::Program;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace oomcast::literals;

constexpr uint64_t kMiBPages = 256;

/// Anonymous memory, page by page, and then again.
auto uses(uint64_t mib, int rounds = 1) {
  return [=](trace::EventSink& sink) {
    Program p(sink, 100);
    p.pace(2_us);
    p.map(0, mib * kMiBPages);
    for (int round = 0; round < rounds; ++round) p.touch(0, mib * kMiBPages);
    p.exit();
  };
}

/// A file of that size, read from end to end so many times, beside some memory of its own.
auto reads_file(uint64_t own_mib, uint64_t file_mib, int rounds) {
  return [=](trace::EventSink& sink) {
    Program p(sink, 100);
    p.pace(2_us);
    p.map(0, own_mib * kMiBPages);
    p.touch(0, own_mib * kMiBPages);
    for (int round = 0; round < rounds; ++round) p.read_file(7, 0, file_mib * kMiBPages);
    p.exit();
  };
}

host::HostSpec group_of(Bytes limit, Bytes swap = {}) {
  HostBuilder builder;
  builder.node(512_MiB).limit(limit);
  if (swap.count() > 0) builder.swap(swap);
  return builder.build();
}

TEST(Causes, SwapIsFreeButSwappinessIsZero) {
  host::HostSpec host = group_of(64_MiB, 256_MiB);
  host.vm.swappiness = 0;
  const Proven proven = prove_program(host, uses(100));
  EXPECT_THAT(proven.the("oom_kill").why, HasSubstr("of swap are free"));
  const Try swappiness = proven.suggestion("oom_kill", "vm.swappiness=1");
  EXPECT_EQ(swappiness.proven, true);
  EXPECT_EQ(swappiness.verdict_after, sim::Verdict::kDirectReclaim);
  EXPECT_GT(swappiness.proof->after.pswpout, 0);
}

TEST(Causes, TheGroupUsesAllItsMemoryAndItIsPageCache) {
  const Proven proven = prove_program(group_of(64_MiB), reads_file(16, 200, 1));
  EXPECT_FALSE(proven.has("oom_kill"));
  const Finding cache = proven.the("group_page_cache");
  EXPECT_EQ(cache.severity, Severity::kInfo);
  EXPECT_THAT(cache.title, HasSubstr("nobody is killed"));
  EXPECT_THAT(cache.tries, IsEmpty());
  EXPECT_THAT(proven.the("direct_reclaim").tries, IsEmpty());  // a higher limit is no advice
}

TEST(Causes, FilesInMemoryCountAgainstTheLimitAndOnlySwapTakesThem) {
  const auto fills_dev_shm = [](trace::EventSink& sink) {
    Program p(sink, 100);
    p.map(0, 20 * kMiBPages);
    p.touch(0, 20 * kMiBPages);
    p.file_in_memory(7);
    p.write_file(7, 0, 80 * kMiBPages);
    p.exit();
  };
  const Proven proven = prove_program(group_of(64_MiB), fills_dev_shm);
  const Finding files = proven.the("files_in_memory");
  EXPECT_THAT(files.why, HasSubstr("only swap can take them"));
  EXPECT_EQ(proven.suggestion("files_in_memory", "swap=").proven, true);
}

TEST(Causes, MemoryHighWithoutSwapThrottles) {
  host::HostSpec host = group_of(256_MiB);
  host.cgroup.memory_high = (32_MiB).count();
  const Proven proven = prove_program(host, uses(48));
  EXPECT_THAT(proven.the("memory_high_throttled").title, HasSubstr("throttles"));
  EXPECT_EQ(proven.suggestion("memory_high_throttled", "memory.high=max").proven, true);
  const Try high = proven.suggestion("memory_high_throttled", "memory.high=4");
  EXPECT_EQ(high.proven, true);
  EXPECT_GT(*high.proof->smallest, (46_MiB).count());
  EXPECT_LT(*high.proof->smallest, (52_MiB).count());
  EXPECT_LT(high.proof->after.stalled, high.proof->before.stalled);
}

TEST(Causes, ALeakMustNotBeProtected) {
  const host::HostSpec host =
      HostBuilder().node(128_MiB).process(1, "init", 1_MiB, -1000).process(80, "postgres", 20_MiB).build();
  HowToProve how;
  how.oom_score_adj = -1000;
  const Proven proven = prove_program(host, uses(110), how);
  EXPECT_THAT(proven.the("oom_bystander").why, HasSubstr("must not be protected"));
  const Try own = proven.suggestion("oom_bystander", "oom_score_adj 0");
  EXPECT_EQ(own.proven, true);
  EXPECT_THAT(own.proof->dies, testing::ElementsAre("app (pid 100)"));
}

TEST(Causes, AForkIsRefusedWithMemoryFree) {
  const auto saves = [](trace::EventSink& sink) {
    Program p(sink, 100, "redis-server");
    p.map(0, 300 * kMiBPages);
    p.touch(0, 200 * kMiBPages);
    Program child = p.fork(101);
    child.exit();
    p.exit();
  };
  host::HostSpec host = HostBuilder().node(512_MiB).build();
  host.vm.overcommit_memory = 2;
  host.vm.overcommit_ratio = 100;
  const Proven proven = prove_program(host, saves);
  EXPECT_THAT(proven.the("alloc_refused").title, HasSubstr("fork()"));
  EXPECT_EQ(proven.suggestion("alloc_refused", "vm.overcommit_memory=1").proven, true);
  const Try swap = proven.suggestion("alloc_refused", "swap=");
  EXPECT_EQ(swap.proven, true);
  EXPECT_GT(*swap.proof->smallest, (64_MiB).count());
}

/// `mib` on the first file of /dev/shm, as write() puts it there.
auto fills_shm(uint64_t mib) {
  return [=](trace::EventSink& sink) {
    Program p(sink, 100, "dataloader");
    p.pace(2_us);
    p.mount(1, "/dev/shm");
    p.file_on_mount(7, 1);
    p.write_file(7, 0, mib * kMiBPages + 1);
    p.exit();
  };
}

TEST(Causes, TheShmOfAContainerIsTooSmall) {
  const Proven proven = prove_program(HostBuilder().node(512_MiB).tmpfs("/dev/shm", 64_MiB).build(), fills_shm(219));
  const Finding finding = proven.the("tmpfs_full");
  EXPECT_THAT(finding.title, HasSubstr("/dev/shm is full"));
  EXPECT_THAT(finding.title, HasSubstr("dataloader gets ENOSPC"));
  EXPECT_EQ(finding.evidence["peak_bytes"], to_bytes(Pages(219 * 256 + 1)).count());
  EXPECT_FALSE(proven.has("alloc_refused")) << "it has nothing to do with overcommit";
  const Try larger = proven.suggestion("tmpfs_full", "--shm-size=220M");
  EXPECT_EQ(larger.proven, true) << proven.findings_text();
  EXPECT_EQ(larger.verdict_after, sim::Verdict::kFits);
}

TEST(Causes, ALargerShmDoesNotHelpAHostThatHasNoMemoryForIt) {
  const Proven proven = prove_program(HostBuilder().node(256_MiB).tmpfs("/dev/shm", 64_MiB).build(), fills_shm(300));
  EXPECT_EQ(proven.outcome.verdict, sim::Verdict::kOomKill);
  EXPECT_NE(proven.suggestion("tmpfs_full", "--shm-size=").proven, true);
}

TEST(Causes, HugePagesMakeAProgramLarger) {
  const auto sparse = [](trace::EventSink& sink) {
    Program p(sink, 100);
    p.map(0, 100 * 512);
    for (uint64_t huge = 0; huge < 100; ++huge) p.touch(huge * 512, 16);
    p.exit();
  };
  const host::HostSpec host = HostBuilder().node(512_MiB).huge_pages(host::ThpMode::kAlways).build();
  const Proven proven = prove_program(host, sparse);
  EXPECT_EQ(proven.suggestion("huge_pages", "--set vm.thp_enabled=madvise").proven, true);
}

TEST(Causes, KernelMemoryCannotUseZoneMovable) {
  host::HostSpec host = HostBuilder().node(64_MiB).node(128_MiB).build();
  for (host::ZoneSpec& zone : host.nodes[1].zones) zone.kind = host::ZoneKind::kMovable;
  host::setup_zones(host);
  const auto sparse = [](trace::EventSink& sink) {  // a page table for each page
    Program p(sink, 100);
    p.map(0, uint64_t{15000} * 512);
    for (uint64_t table = 0; table < 15000; ++table) p.touch(table * 512, 1);
    p.exit();
  };
  host.vm.overcommit_memory = 1;
  const Proven proven = prove_program(host, sparse);
  EXPECT_THAT(proven.the("oom_kill").why, HasSubstr("cannot use zone Movable"));
  EXPECT_FALSE(proven.has("node_imbalance") && !proven.the("node_imbalance").tries.empty());
  EXPECT_EQ(proven.suggestion("oom_kill", "online").proven, true) << proven.findings_text();
}

// MySQL "swap insanity" (2010): 64 GB in 2 nodes, a pool of 48 GB; here a hundred times smaller.
TEST(Incidents, SwappingOnOneNodeWhileTheOtherIsFree) {
  const host::HostSpec host = HostBuilder().node(160_MiB).node(160_MiB).swap(256_MiB).build();
  const Proven proven = prove_program(host, uses(240, 2));
  EXPECT_GT(proven.outcome.counters[host::Vmstat::pswpout], 0) << proven.findings_text();
  EXPECT_THAT(proven.the("node_imbalance").title, HasSubstr("node 0"));
  const Try interleave = proven.suggestion("node_imbalance", "numactl --interleave=all");
  EXPECT_EQ(interleave.proven, true) << proven.findings_text();
  EXPECT_EQ(interleave.proof->after.pswpout, 0);
}

// Fastmail (2010): zone_reclaim_mode=1 keeps the page cache as small as one node; set to 0 it is ten times as large.
TEST(Incidents, ZoneReclaimKeepsThePageCacheSmall) {
  host::HostSpec host = HostBuilder().node(128_MiB).node(128_MiB).build();
  host.vm.zone_reclaim_mode = 1;
  const Proven proven = prove_program(host, reads_file(8, 150, 4));
  const Try off = proven.suggestion("zone_reclaim", "vm.zone_reclaim_mode=0");
  EXPECT_EQ(off.proven, true) << proven.findings_text();
  EXPECT_LT(off.proof->after.refault_file * 10, off.proof->before.refault_file) << proven.findings_text();
}

// LinkedIn (2013): tasks in direct reclaim by zone reclaim; gone with it.
TEST(Incidents, DirectReclaimIsGoneWithZoneReclaim) {
  host::HostSpec host = HostBuilder().node(128_MiB).page_cache(20000_pages).node(256_MiB).build();
  host.vm.zone_reclaim_mode = 1;
  const Proven proven = prove_program(host, uses(150));
  EXPECT_EQ(proven.outcome.verdict, sim::Verdict::kDirectReclaim);
  const Try off = proven.suggestion("direct_reclaim", "vm.zone_reclaim_mode=0");
  EXPECT_EQ(off.proven, true) << proven.findings_text();
  EXPECT_LE(off.verdict_after, sim::Verdict::kBackgroundReclaim);
}

// The reason for watermark_scale_factor (2016): bursts that are larger than the distance between the watermarks.
TEST(Incidents, BurstsBeyondTheWatermarks) {
  const auto bursts = [](trace::EventSink& sink) {
    Program p(sink, 100);
    p.map(0, 200 * kMiBPages);
    for (uint64_t burst = 0; burst < 20; ++burst) {
      p.touch(burst * 10 * kMiBPages, 10 * kMiBPages);
      p.sleep(500_ms);
    }
    p.exit();
  };
  const host::HostSpec host = HostBuilder().node(512_MiB).cpus(2).page_cache(100000_pages).build();
  const Proven proven = prove_program(host, bursts);
  EXPECT_EQ(proven.outcome.verdict, sim::Verdict::kDirectReclaim) << proven.findings_text();
  const Try wider = proven.suggestion("direct_reclaim", "vm.watermark_scale_factor=");
  EXPECT_EQ(wider.proven, true) << proven.findings_text();
  EXPECT_GT(wider.proof->held_back.count(), 0) << proven.findings_text();
}

// Swap on 8 GB cloud nodes (2025): memory is asked for faster than it is swapped out; larger watermarks make kswapd
// begin in time. The nodes of the incident were OOM-killed; the model lets tasks wait for swap that is free.
TEST(Incidents, AllocationFasterThanSwap) {
  const host::HostSpec host =
      HostBuilder().node(256_MiB).cpus(2).swap(512_MiB).process(1, "init", 1_MiB, -1000).build();
  const Proven proven = prove_program(host, uses(350));
  for (const char* setting : {"vm.watermark_scale_factor=", "vm.min_free_kbytes="}) {
    const Try larger = proven.suggestion("direct_reclaim", setting);
    EXPECT_EQ(larger.proven, true) << proven.findings_text();
    EXPECT_GT(larger.proof->held_back, 16_MiB);
    EXPECT_LT(larger.proof->after.stalled * 10, larger.proof->before.stalled);
  }
}

// A cgroup of 128 MiB that runs an executable of 549.5 MiB: 10.6e9 refaults, and nobody is killed.
TEST(Incidents, TextLargerThanTheLimit) {
  const auto runs_text = [](trace::EventSink& sink) {
    Program p(sink, 100);
    p.pace(2_us);
    constexpr uint64_t kText = uint64_t{1} << 20;
    p.map_file(kText, 64 * kMiBPages, 7, trace::kPrivate);
    p.map(0, 4 * kMiBPages);
    p.touch(0, 4 * kMiBPages);
    for (int round = 0; round < 4; ++round) p.read(kText, 64 * kMiBPages);
    p.exit();
  };
  const Proven proven = prove_program(group_of(32_MiB), runs_text);
  EXPECT_FALSE(proven.has("oom_kill"));
  EXPECT_THAT(proven.the("file_thrash").title, HasSubstr("nobody is killed"));
  const Try limit = proven.suggestion("file_thrash", "memory.max=");
  EXPECT_EQ(limit.proven, true) << proven.findings_text();
  EXPECT_LT(limit.proof->after.refault_file * 10, limit.proof->before.refault_file);
}

}  // namespace
}  // namespace oomcast::report
