// Explains the kills of the model: what its dmesg says is read back, and gives the numbers that the model had.
#include <gmock/gmock.h>

#include "model/sim/simulation.h"
#include "report/oomlog/explain.h"
#include "report/oomlog/facts.h"
#include "report/oomlog/host_of.h"
#include "report/oomlog/parse_oom_report.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"

namespace oomcast::oomlog {
namespace {

using support::HostBuilder;
using support::Program;
using namespace oomcast::literals;

constexpr uint64_t kPages = 16384;

sim::OomKill first_kill(const host::HostSpec& host) {
  sim::Simulation model(host, {});
  Program program(model, 100);
  program.map(0, 4 * kPages);
  program.touch(0, 2 * kPages);
  sim::Outcome outcome = model.finish();
  EXPECT_FALSE(outcome.oom_kills.empty());
  return outcome.oom_kills.empty() ? sim::OomKill{} : outcome.oom_kills.front();
}

OomReport read_back(const sim::OomKill& kill) {
  std::string log;
  for (const std::string& line : kill.dmesg) log += "[   12.345678] " + line + "\n";
  return parse_oom_report(log, "dmesg", std::nullopt).value();
}

void expect_the_same(const sim::OomKill& kill) {
  const OomReport report = read_back(kill);
  ASSERT_TRUE(report.killed);
  EXPECT_EQ(report.killed->pid, kill.victim.pid);
  EXPECT_EQ(report.killed->comm, kill.victim.comm);
  EXPECT_EQ(report.killed->anon_rss_kb, kill.victim.rss_anon.count() * 4);
  EXPECT_EQ(report.unread_tasks, 0);
  const Scores scores = scores_of(report);
  for (const Score& score : scores.most_first) {
    for (const sim::OomCandidate& candidate : kill.candidates)
      if (candidate.pid == score.task->pid) {
        EXPECT_EQ(score.points, candidate.points) << candidate.comm;
      }
  }
}

TEST(RoundTrip, AHostsKillGivesBackItsNumbers) {
  for (const int swap_mib : {0, 16}) {
    HostBuilder builder = HostBuilder().plain_node(Pages(kPages)).set("vm.overcommit_memory", 1);
    if (swap_mib > 0) builder.swap(Bytes(int64_t{swap_mib} << 20));
    const host::HostSpec host = builder.build();
    const sim::OomKill kill = first_kill(host);
    ASSERT_FALSE(kill.dmesg.empty());
    expect_the_same(kill);
    const OomReport report = read_back(kill);
    EXPECT_EQ(report.total_swap_kb, host.total_swap().count() * 4);
    ASSERT_FALSE(report.zones.empty());
    EXPECT_EQ(report.zones.back().kb.get("managed"), host.nodes[0].zones.back().managed.count() * 4);
    const auto again = host_of(report, "dmesg");
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(again->nodes[0].managed(), host.nodes[0].managed());
  }
}

TEST(RoundTrip, ACgroupsKillGivesBackItsLimit) {
  const sim::OomKill kill =
      first_kill(HostBuilder().plain_node(Pages(kPages)).limit(8_MiB).set("vm.overcommit_memory", 1).build());
  ASSERT_FALSE(kill.dmesg.empty());
  expect_the_same(kill);
  const OomReport report = read_back(kill);
  ASSERT_TRUE(report.memcg && report.memcg->memory);
  EXPECT_EQ(report.memcg->memory->limit_kb, 8192);
}

}  // namespace
}  // namespace oomcast::oomlog
