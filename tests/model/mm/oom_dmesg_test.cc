// The kernel log reports a kill: the lines that people and their tools search for, in the kernel's own format.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/mm/oom_killer.h"
#include "model/mm/page_alloc.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using support::HostBuilder;
using support::Machine;
using testing::AllOf;
using testing::Contains;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::StartsWith;
using namespace oomcast::literals;

struct Log : testing::Test {
  Log()
      : m(HostBuilder().node(64_MiB).swap(1_MiB).process(1, "init", 1_MiB).process(44, "sshd", 2_MiB, -1000).build()) {
    app = m.start(100, 200);
    m.touch(app, 0, 40000);
    EXPECT_EQ(m.outcome.oom_kills.size(), 1u);
    lines = m.outcome.oom_kills.at(0).dmesg;
  }
  Machine m;
  host::ProcessIndex app = 0;
  std::vector<std::string> lines;
};

TEST_F(Log, OpensWithWhoAskedForWhat) {
  EXPECT_EQ(lines.front(),
            "app100 invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO), order=0, "
            "oom_score_adj=200");
}

TEST_F(Log, ShowsEveryZoneWithItsMarksInKilobytes) {
  const host::Zone& zone = m.zone();
  EXPECT_THAT(lines,
              Contains(AllOf(StartsWith("Node 0 DMA32 free:"), HasSubstr(" min:" + std::to_string(zone.min * 4) + "kB"),
                             HasSubstr(" managed:" + std::to_string(zone.managed * 4) + "kB"))));
  EXPECT_THAT(lines, Contains(StartsWith("Node 0 DMA free:")));
  EXPECT_THAT(lines, Contains(StartsWith("lowmem_reserve[]: 0 ")));
}

TEST(CmaLog, ShowsTheFreePagesThatTheRequestCouldNotHave) {
  Machine m(HostBuilder().node(64_MiB).process(10, "big", 1_MiB).build());
  m.zone().free_cma = 100;
  m.run([&] { out_of_memory(m.k, kGfpKernel, 0); });
  const std::vector<std::string>& lines = m.outcome.oom_kills.at(0).dmesg;
  EXPECT_THAT(lines, Contains(ContainsRegex("^ free:[0-9]+ free_pcp:[0-9]+ free_cma:100$")));
  EXPECT_THAT(lines, Contains(ContainsRegex("^Node 0 DMA32 free:.* free_cma:400kB$")));
  EXPECT_THAT(lines, Contains(ContainsRegex("^Node 0 DMA free:.* free_cma:0kB$")));
}

TEST_F(Log, ShowsThatSwapWasFull) {
  EXPECT_THAT(lines, Contains("Free swap  = 0kB"));
  EXPECT_THAT(lines, Contains("Total swap = 1024kB"));
}

TEST_F(Log, ListsTheTasksButNotInit) {
  EXPECT_THAT(lines, Contains("[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name"));
  EXPECT_THAT(lines, Contains(ContainsRegex("^\\[     44\\]     0    44 +512 .* -1000 sshd$")));
  EXPECT_THAT(lines, Contains(ContainsRegex("^\\[    100\\] .* 200 app100$")));
  EXPECT_THAT(lines, testing::Not(Contains(HasSubstr("init"))));
}

TEST_F(Log, EndsWithTheVerdictAndTheVictimsNumbers) {
  ASSERT_GE(lines.size(), 2u);
  EXPECT_THAT(lines[lines.size() - 2],
              AllOf(StartsWith("oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,"),
                    HasSubstr("global_oom"), HasSubstr("task=app100,pid=100,uid=0")));
  const sim::OomCandidate& victim = m.outcome.oom_kills[0].victim;
  EXPECT_THAT(lines.back(), AllOf(StartsWith("Out of memory: Killed process 100 (app100) total-vm:"),
                                  HasSubstr("anon-rss:" + std::to_string(victim.rss_anon.count() * 4) + "kB"),
                                  HasSubstr("oom_score_adj:200")));
}

TEST_F(Log, TheFiguresAreThoseOfTheMomentBeforeTheKill) {
  EXPECT_GT(m.outcome.oom_kills[0].victim.rss_anon, 10000_pages);
  m.pass(1_s);
  EXPECT_EQ(m.process(app).rss_anon, 0) << "by now it is gone";
}

TEST(PanicLog, SaysWhichPanic) {
  Machine asked(HostBuilder().node(64_MiB).process(10, "big", 1_MiB).set("vm.panic_on_oom", 1).build());
  asked.run([&] { out_of_memory(asked.k, kGfpHighUserMovable, 0); });
  EXPECT_EQ(asked.outcome.oom_kills.at(0).dmesg.back(),
            "Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled");
  Machine deadlocked(HostBuilder().node(64_MiB).process(1, "init", 1_MiB).build());
  deadlocked.run([&] { out_of_memory(deadlocked.k, kGfpKernel, 0); });
  EXPECT_EQ(deadlocked.outcome.oom_kills.at(0).dmesg.back(),
            "Kernel panic - not syncing: System is deadlocked on memory");
  EXPECT_THAT(deadlocked.outcome.oom_kills.at(0).dmesg.front(),
              HasSubstr("kernel invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL)"));
}

}  // namespace
}  // namespace oomcast::mm
