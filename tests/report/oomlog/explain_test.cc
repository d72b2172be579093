// Explains kills: each sentence rests on a figure of the log, and what the log lacks is listed.
#include "report/oomlog/explain.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "report/oomlog/facts.h"
#include "report/oomlog/parse_oom_report.h"
#include "tests/report/oomlog/logs.h"

namespace oomcast::oomlog {
namespace {

using testing::HasSubstr;
using testing::Not;

OomReport parsed(const std::string& log) { return parse_oom_report(log, "kern.log", std::nullopt).value(); }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// The sentences of one section in one line.
std::string section(const std::string& log, const std::string& key) {
  std::string all;
  for (const Section& one : explain(parsed(log)).sections)
    if (one.key == key)
      for (const std::string& sentence : one.sentences) all += sentence + " ";
  return all;
}

TEST(Explain, SaysWhoAskedAndWhatWasShort) {
  EXPECT_THAT(section(kHost61, "asked"), HasSubstr("collector (pid 4711) asked for one page (order 0, 4.0 KiB)"));
  EXPECT_THAT(section(kHost61, "short"), HasSubstr("node 0 zone DMA32 had 41.8 MiB free; its marks are min 47.5 MiB"));
  EXPECT_THAT(section(kHost61, "short"), HasSubstr("5.7 MiB too little"));
}

TEST(Explain, ComputesPointsAsTheKernelDoes) {
  const Scores scores = scores_of(parsed(kHost61));
  ASSERT_EQ(scores.most_first.size(), 3u);
  EXPECT_EQ(scores.most_first[0].points, 300000 + 600);
  EXPECT_EQ(scores.most_first[2].points, 1400 + 27 - 250 * ((524158 - 25318) / 1000));
  EXPECT_EQ(scores.unkillable, 1);
  EXPECT_THAT(section(kHost61, "victim"), HasSubstr("Next would be collector (pid 4711), 100,250 points"));
}

TEST(Explain, BeforeKernel59NobodyHasLessThanOnePoint) {
  const Scores scores = scores_of(parsed(kMemcg54));
  EXPECT_EQ(scores.most_first.back().task->comm, "pause");
  EXPECT_EQ(scores.most_first.back().points, 1);
}

TEST(Explain, SaysWhyNothingCouldGoToSwap) {
  EXPECT_THAT(section(kHost61, "reclaimable"), HasSubstr("there was no swap"));
  EXPECT_THAT(section(kHostRhel7, "reclaimable"), HasSubstr("swap was full: 0 B free of 1.00 GiB"));
  EXPECT_THAT(section(replaced(kHostRhel7, "Free swap  = 0kB", "Free swap  = 900000kB"), "reclaimable"),
              HasSubstr("swap had room"));
  EXPECT_THAT(section(replaced(kHost61, "Total swap = 0kB", "lost"), "missing"),
              HasSubstr("Swap: the line 'Total swap' is missing"));
}

TEST(Explain, ACgroupsKillIsNotTheHosts) {
  EXPECT_THAT(section(kMemcg54, "short"), HasSubstr("The limit of cgroup /pods/pod1 was reached"));
  EXPECT_THAT(section(kMemcg54, "help"), HasSubstr("A limit above 512.0 MiB"));
  EXPECT_THAT(section(kMemcg54, "missing"), HasSubstr("The host"));
}

TEST(Explain, ALargePieceWantsCompactionNotMemory) {
  std::string log = replaced(kHost61, "order=0", "order=4");
  log = replaced(log, "DMA32 free:42800kB", "DMA32 free:142800kB");
  EXPECT_THAT(section(log, "short"), HasSubstr("none of it in pieces of order 4"));
  EXPECT_THAT(section(log, "help"), HasSubstr("Larger free pieces"));
}

TEST(Explain, ANodeThatWasNotAllowedIsNamed) {
  std::string log = replaced(kHostRhel7, "mems_allowed=0-1", "mems_allowed=0");
  log = replaced(log, "Normal free:14120kB", "Normal free:914120kB");
  EXPECT_THAT(section(log, "short"),
              HasSubstr("node 1 zone Normal had 892.7 MiB free, which this request could not use"));
  EXPECT_THAT(section(log, "help"), HasSubstr("other nodes"));
}

TEST(Explain, LeakedSlabAndLockedMemoryAreNamed) {
  EXPECT_THAT(section(replaced(kHost61, "slab_unreclaimable:9000", "slab_unreclaimable:209000"), "help"),
              HasSubstr("slabtop"));
  EXPECT_THAT(section(replaced(kHost61, "unevictable:0 dirty:3", "unevictable:90000 dirty:3"), "reclaimable"),
              HasSubstr("never reclaimed"));
}

TEST(Explain, AVictimThatHadFewerPointsIsExplained) {
  const std::string log = replaced(kHostRhel7, "Killed process 1200 (store)", "Killed process 9912 (loader)");
  EXPECT_THAT(section(log, "victim"), HasSubstr("killed a child of it instead"));
}

TEST(Explain, ALostBeginningIsSaid) {
  const std::string log = kHost61.substr(kHost61.find("[  812.100360]"));
  EXPECT_THAT(section(log, "missing"), HasSubstr("Who asked"));
  EXPECT_THAT(section(log, "missing"), HasSubstr("Which zone was short"));
  EXPECT_EQ(section(log, "asked"), "");
}

TEST(Explain, NamesCannotDriveTheTerminal) {
  const std::string log = replaced(kHost61, "collector invoked", "coll\x1b[31mor invoked");
  EXPECT_THAT(explanation_text(explain(parsed(log))), Not(HasSubstr("\x1b")));
}

TEST(Explain, JsonHoldsTheFigures) {
  const OomReport report = parsed(kHost61);
  const auto json = nlohmann::json::parse(explanation_json(report, explain(report), nullptr));
  EXPECT_EQ(json["schema"], "oomcast.explain.v1");
  EXPECT_EQ(json["victim"]["anon_rss_bytes"], 1199000 * 1024);
  EXPECT_EQ(json["zones"][1]["needed_bytes"], 48600 * 1024);
  EXPECT_EQ(json["candidates"][0]["points"], 300600);
  EXPECT_TRUE(json["cgroup"].is_null());
}

}  // namespace
}  // namespace oomcast::oomlog
