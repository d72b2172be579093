// Reads OOM reports in the forms of several kernels, with the prefixes that logs put before them, whole and damaged.
#include "report/oomlog/parse_oom_report.h"

#include <gmock/gmock.h>

#include "tests/report/oomlog/logs.h"

namespace oomcast::oomlog {
namespace {

using testing::HasSubstr;

OomReport parsed(const std::string& log, std::optional<int> nth = std::nullopt) {
  auto report = parse_oom_report(log, "kern.log", nth);
  EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().message);
  return report.ok() ? std::move(report).value() : OomReport{};
}

std::string with_prefix(const std::string& log, const std::string& prefix) {
  std::string out;
  for (size_t at = 0; at < log.size();) {
    const size_t end = log.find('\n', at);
    out += prefix + log.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

TEST(ParseOomReport, ReadsAllPartsOf61) {
  const OomReport report = parsed(kHost61);
  EXPECT_EQ(report.request.comm, "collector");
  EXPECT_EQ(report.request.pid, 4711);
  EXPECT_EQ(report.request.gfp_mask, 0x140dca);
  EXPECT_EQ(report.request.order, 0);
  EXPECT_EQ(report.kernel_release, "6.1.0-18-amd64");
  EXPECT_EQ(report.mem_info.get("inactive_anon"), 410000);
  EXPECT_EQ(report.mem_info.get("pagetables"), 1800);
  ASSERT_EQ(report.zones.size(), 2u);
  EXPECT_EQ(report.zones[1].kb.get("boost"), 4000);
  EXPECT_EQ(report.zones[0].lowmem_reserve[3], 1800);
  EXPECT_EQ(report.zones[1].free_blocks[2], 2250);
  ASSERT_EQ(report.nodes.size(), 1u);
  EXPECT_EQ(report.nodes[0].kb.get("anon_thp"), 800000);
  EXPECT_EQ(report.total_swap_kb, 0);
  ASSERT_EQ(report.tasks.size(), 4u);
  EXPECT_EQ(report.tasks[2].comm, "big one (x)");
  EXPECT_EQ(report.tasks[2].table_pages, 600);
  EXPECT_EQ(report.constraint, "CONSTRAINT_NONE");
  ASSERT_TRUE(report.killed);
  EXPECT_EQ(report.killed->comm, "big one (x)");
  EXPECT_EQ(report.killed->anon_rss_kb, 1199000);
  EXPECT_EQ(report.unread_tasks, 0);
}

TEST(ParseOomReport, ReadsRhel7ThroughRsyslog) {
  const OomReport report = parsed(kHostRhel7);
  EXPECT_EQ(report.kernel_release, "3.10.0-1127.8.2.el7.x86_64");
  EXPECT_EQ(report.request.mems_allowed, "0-1");
  EXPECT_EQ(report.mem_info.get("slab_reclaimable"), 5000);
  EXPECT_EQ(report.tasks.at(1).table_pages, 4000);
  EXPECT_EQ(report.tasks.at(1).swap_entries, 200000);
  ASSERT_TRUE(report.chosen);
  EXPECT_EQ(report.chosen->score, 780);
  ASSERT_TRUE(report.killed);
  EXPECT_EQ(report.killed->comm, "store");
  EXPECT_EQ(report.killed->uid, 997);
}

TEST(ParseOomReport, ReadsACgroup) {
  const OomReport report = parsed(kMemcg54);
  ASSERT_TRUE(report.memcg);
  EXPECT_EQ(report.memcg->path, "/pods/pod1");
  EXPECT_EQ(report.memcg->task_path, "/pods/pod1/abc");
  EXPECT_EQ(report.memcg->memory->failcnt, 1412);
  EXPECT_TRUE(report.memcg->memory_and_swap->unlimited());
  EXPECT_EQ(report.memcg->stat_bytes.get("anon"), 500000000);
}

TEST(ParseOomReport, ReadsTheStatLineOfOldCgroups) {
  const OomReport report = parsed(
      "a invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0\nTask in /x:y/1 killed as a result of limit of "
      "/x:y\n"
      "memory: usage 4096kB, limit 4096kB, failcnt 8\nMemory cgroup stats for /x:y: cache:4KB rss:0KB swap:0KB\n"
      "Memory cgroup stats for /x:y/1: cache:0KB rss:4000KB swap:0KB\nMemory cgroup out of memory: Kill process 5 (a) "
      "score 900 or sacrifice child\n"
      "Killed process 5 (a) total-vm:9000kB, anon-rss:3900kB, file-rss:10kB\n");
  ASSERT_TRUE(report.memcg);
  EXPECT_EQ(report.memcg->path, "/x:y");
  EXPECT_EQ(report.memcg->task_path, "/x:y/1");
  EXPECT_EQ(report.memcg->stat_bytes.get("rss"), 4000 * 1024);
  EXPECT_EQ(report.killed->anon_rss_kb, 3900);
}

TEST(ParseOomReport, ReadsTheColumnsOf612) {
  const OomReport report = parsed(
      "a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
      "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name\n"
      "[      7]     0     7      900      600      500       90        10    40960        3           -17 a b\n");
  ASSERT_EQ(report.tasks.size(), 1u);
  EXPECT_EQ(report.tasks[0].rss_anon, 500);
  EXPECT_EQ(report.tasks[0].table_pages, 10);
  EXPECT_EQ(report.tasks[0].oom_score_adj, -17);
  EXPECT_EQ(report.tasks[0].comm, "a b");
}

TEST(ParseOomReport, PrefixesOfLogsDoNotMatter) {
  for (const char* prefix : {"", "Nov 29 18:00:01 box kernel: ", "2026-11-29T18:00:01.123456+00:00 box kernel: ",
                             "kernel: ", "<4>", "kern  :warn  : ", "> ", "[Sun Nov 29 18:00:01 2026] ", "[   C0] "}) {
    const OomReport report = parsed(with_prefix(kHost61, prefix));
    EXPECT_EQ(report.tasks.size(), 4u) << prefix;
    EXPECT_EQ(report.zones.size(), 2u) << prefix;
    EXPECT_EQ(report.request.comm, "collector") << prefix;
    EXPECT_EQ(report.mem_info.get("active_file"), 120) << prefix;
  }
}

TEST(ParseOomReport, TheLastKillIsTheDefault) {
  const std::string both = kHostRhel7 + "Mar  3 04:06:00 db2 kernel: something else\n" + kHost61;
  EXPECT_EQ(parsed(both).killed->pid, 4700);
  EXPECT_EQ(parsed(both).of, 2);
  EXPECT_EQ(parsed(both, 1).killed->pid, 1200);
  EXPECT_THAT(parse_oom_report(both, "kern.log", 3).error().message, HasSubstr("holds 2 kills"));
}

TEST(ParseOomReport, AGroupThatIsKilledWholeIsOneKill) {
  const OomReport report = parsed(kMemcg54 +
                                  "[  311.6] Tasks in /pods/pod1 are going to be killed due to memory.oom.group set\n"
                                  "[  311.7] Memory cgroup out of memory: Killed process 6300 (pause) total-vm:800kB, "
                                  "anon-rss:4kB, file-rss:0kB, shmem-rss:0kB\n");
  EXPECT_EQ(report.of, 1);
  EXPECT_EQ(report.killed->pid, 6363);
  ASSERT_EQ(report.also_killed.size(), 1u);
  EXPECT_EQ(report.also_killed[0].pid, 6300);
}

TEST(ParseOomReport, ALostBeginningLeavesAPartialReport) {
  const OomReport report = parsed(kHost61.substr(kHost61.find("[  812.100360]")));
  EXPECT_FALSE(report.has_header);
  EXPECT_TRUE(report.zones.empty());
  EXPECT_EQ(report.tasks.size(), 4u);
  EXPECT_EQ(report.killed->pid, 4700);
}

TEST(ParseOomReport, EveryCutIsReadWithoutACrash) {
  for (const std::string* log : {&kHost61, &kHostRhel7, &kMemcg54})
    for (size_t length = 0; length < log->size(); length += 37) {
      (void)parse_oom_report(log->substr(0, length), "kern.log", std::nullopt);
      (void)parse_oom_report(log->substr(length), "kern.log", std::nullopt);
    }
}

TEST(ParseOomReport, LinesOfOtherCpusInBetweenAreSkipped) {
  std::string mixed;
  for (const char c : kHost61) {
    mixed += c;
    if (c == '\n') mixed += "[  812.100399] usb 1-1: device not accepting address 5, error -71\n";
  }
  const OomReport report = parsed(mixed + "[  813.2] printk: 12 messages suppressed.\n");
  EXPECT_EQ(report.tasks.size(), 4u);
  EXPECT_EQ(report.zones.size(), 2u);
  EXPECT_EQ(report.suppressed, 12);
}

TEST(ParseOomReport, WhatIsNoLogIsOneClearError) {
  const auto message = [](const std::string& text) {
    return parse_oom_report(text, "x", std::nullopt).error().message;
  };
  EXPECT_THAT(message(""), HasSubstr("is empty"));
  EXPECT_THAT(message(std::string("LPKSHHRH\0\0\0", 11)), HasSubstr("is not text"));
  EXPECT_THAT(message("[ 1.0] Linux version 6.1\n"), HasSubstr("no OOM report"));
}

}  // namespace
}  // namespace oomcast::oomlog
