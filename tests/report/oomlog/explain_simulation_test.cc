// A kill of a log is checked by simulation: the model kills too, the same victim, and what would have helped is proven.
#include "report/oomlog/explain_simulation.h"

#include <gmock/gmock.h>

#include "report/oomlog/parse_oom_report.h"
#include "report/oomlog/reenact.h"
#include "tests/report/oomlog/logs.h"

namespace oomcast::oomlog {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

OomReport report_of(const std::string& log) {
  auto report = parse_oom_report(log, "kern.log", std::nullopt);
  EXPECT_TRUE(report) << report.error().message;
  return report ? std::move(report).value() : OomReport{};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

SimulatedKill simulated(const std::string& log) { return simulate_kill(report_of(log), "kern.log", {120, nullptr}); }

std::vector<std::string> sentences(const std::string& log, const SimulatedKill& kill) {
  return explain_simulation(report_of(log), kill).sentences;
}

/// A host of 256 MiB, so that a test takes no time: `hog` has 190 MiB.
const std::string kSmall =
    R"([1.0] hog invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO), order=0, oom_score_adj=0
[1.0] CPU: 0 PID: 300 Comm: hog Not tainted 6.1.0-18-amd64 #1
[1.0] Mem-Info:
[1.0] active_anon:1000 inactive_anon:49000 isolated_anon:0 active_file:0 inactive_file:10 isolated_file:0 unevictable:0 dirty:0 writeback:0 slab_reclaimable:1000 slab_unreclaimable:2000 mapped:10 shmem:200 pagetables:300 free:740 free_pcp:0 free_cma:0
[1.0] Node 0 active_anon:4000kB inactive_anon:196000kB active_file:0kB inactive_file:40kB unevictable:0kB mapped:40kB dirty:0kB writeback:0kB shmem:800kB kernel_stack:1000kB pagetables:1200kB all_unreclaimable? yes
[1.0] Node 0 DMA32 free:2960kB boost:0kB min:3000kB low:3750kB high:4500kB active_anon:4000kB inactive_anon:196000kB active_file:0kB inactive_file:40kB unevictable:0kB writepending:0kB present:262144kB managed:232000kB mlocked:0kB bounce:0kB free_pcp:0kB free_cma:0kB
[1.0] lowmem_reserve[]: 0 0 0 0 0
[1.0] Free swap  = 0kB
[1.0] Total swap = 0kB
[1.0] Tasks state (memory values in pages):
[1.0] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[1.0] [     20]     0    20     3000      500    40960        0             0 small
[1.0] [    300]  1000   300    60000    48600   400000        0             0 hog
[1.0] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=hog,pid=300,uid=1000
[1.0] Out of memory: Killed process 300 (hog) total-vm:240000kB, anon-rss:194000kB, file-rss:400kB, shmem-rss:0kB, UID:1000 pgtables:400kB oom_score_adj:0
)";

TEST(SimulatedKill, TheModelKillsTooAndTakesTheSameVictim) {
  const SimulatedKill kill = simulated(kSmall);
  EXPECT_EQ(kill.not_simulated, "");
  EXPECT_TRUE(kill.agrees());
  EXPECT_EQ(kill.held_log, Bytes(int64_t{194000} * 1024));
  EXPECT_NEAR(static_cast<double>(kill.held.count()), 194000.0 * 1024, 4.0 * (1 << 20));
  EXPECT_THAT(sentences(kSmall, kill),
              AllOf(Contains(StartsWith("The model kills, too, on the host of the report")),
                    Contains("It takes the same victim, hog (pid 300)."), Not(Contains(HasSubstr("disagrees")))));
}

TEST(SimulatedKill, WhatWouldHaveHelpedDoesAndABitLessDoesNot) {
  const SimulatedKill kill = simulated(kSmall);
  std::vector<std::string> words;
  for (const SimulatedKill::Change& change : kill.changes) {
    EXPECT_TRUE(change.proven) << change.words;
    EXPECT_THAT(change.words, HasSubstr("is not enough: oom_kill"));
    EXPECT_THAT(change.proof, StartsWith("proven: "));
    words.push_back(change.words);
  }
  EXPECT_THAT(words, AllOf(Contains(StartsWith("memory=")), Contains(StartsWith("swap="))));
  EXPECT_THAT(sentences(kSmall, kill), Contains(HasSubstr("the log cannot know. For another 18.9 MiB")));
}

TEST(SimulatedKill, AskerAndVictimMayBeTwo) {
  const std::string log =
      replaced(replaced(kSmall, "hog invoked", "small invoked"), "PID: 300 Comm: hog", "PID: 20 Comm: small");
  const SimulatedKill kill = simulated(log);
  EXPECT_TRUE(kill.agrees());
  EXPECT_EQ(kill.held_log, Bytes((int64_t{194000} + 2000) * 1024)) << "both take their memory";
}

TEST(SimulatedKill, WhereTheLogsFiguresDoNotExplainItTheTextSaysSo) {
  // 60 MB more were free: nothing that the report shows was short.
  const std::string log = replaced(replaced(kSmall, "free:2960kB", "free:62960kB"), "present:262144kB managed:232000kB",
                                   "present:322144kB managed:292000kB");
  const SimulatedKill kill = simulated(log);
  EXPECT_FALSE(kill.agrees());
  EXPECT_THAT(sentences(log, kill), Contains(HasSubstr("The simulation disagrees with the log")));
}

TEST(SimulatedKill, AnotherVictimIsSaid) {
  // The table gives `small` an oom_score_adj that outweighs all: the kernel would not have taken hog.
  const std::string log =
      replaced(kSmall, "500    40960        0             0 small", "500    40960        0          1000 small");
  const SimulatedKill kill = simulated(log);
  EXPECT_TRUE(kill.kills);
  EXPECT_FALSE(kill.same_victim);
  EXPECT_THAT(sentences(log, kill),
              Contains(StartsWith("The simulation disagrees with the log about the victim: it takes small (pid 20)")));
}

TEST(SimulatedKill, OfAGroupIsSimulatedInAGroup) {
  const SimulatedKill kill = simulated(kMemcg54);
  EXPECT_TRUE(kill.agrees()) << kill.not_simulated;
  ASSERT_FALSE(kill.changes.empty());
  for (const SimulatedKill::Change& change : kill.changes) EXPECT_THAT(change.words, StartsWith("memory."));
  EXPECT_THAT(sentences(kMemcg54, kill), AllOf(Contains(HasSubstr("in the group as the report has it")),
                                               Contains(StartsWith("Around the group a host"))));
}

TEST(SimulatedKill, WhatCannotBePlayedIsSaid) {
  const auto why = [](const std::string& log) { return simulated(log).not_simulated; };
  EXPECT_THAT(why(replaced(kSmall, "order=0", "order=3")), HasSubstr("8 pages in one piece"));
  EXPECT_THAT(why(replaced(kSmall, "order=0", "order=-1")), HasSubstr("by hand"));
  EXPECT_THAT(why(replaced(kSmall, "gfp_mask=0x140dca", "gfp_mask=0x140dc4")), HasSubstr("a device's"));
  EXPECT_THAT(why(replaced(kSmall, "Node 0 DMA32 free", "Node 0 Lost free")), HasSubstr("zone"));
  EXPECT_THAT(why(kSmall.substr(0, kSmall.find("[1.0] Out of memory"))), HasSubstr("who was killed"));
  const SimulatedKill none = simulated(replaced(kSmall, "order=0", "order=3"));
  EXPECT_THAT(none.changes, IsEmpty());
  EXPECT_THAT(sentences(kSmall, none), Contains(StartsWith("Not simulated: ")));
}

}  // namespace
}  // namespace oomcast::oomlog
