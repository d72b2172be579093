// Kills that people have published, of kernels 3.10 to 6.15, shortened and without names of machines and people: each
// was once read wrongly somewhere, or is of a form of its own.
#include <gmock/gmock.h>
#include <oomcast_paths.h>

#include "report/oomlog/explain.h"
#include "report/oomlog/facts.h"
#include "report/oomlog/parse_oom_report.h"
#include "report/whole_file.h"

namespace oomcast::oomlog {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

OomReport log(const std::string& name, std::optional<int> nth = std::nullopt) {
  const auto text = report::read_whole_file(std::string(OOMCAST_SOURCE_DIR) + "/tests/data/oomlogs/" + name + ".log");
  EXPECT_TRUE(text) << name;
  auto report = parse_oom_report(text.value(), name, nth);
  EXPECT_TRUE(report) << report.error().message;
  return std::move(report).value();
}
std::string explained(const OomReport& report) { return explanation_text(explain(report)); }

TEST(PublicLogs, AGroupThatNamesItsVictimAgainHasKilledItOnce) {
  const OomReport report = log("cgroup-oom-group-6.12");
  EXPECT_THAT(report.also_killed, IsEmpty());
  EXPECT_THAT(report.group_killed, HasSubstr("cri-containerd-1.scope"));
  EXPECT_THAT(explained(report), Not(HasSubstr("1 more")));
}

TEST(PublicLogs, APanicOfAnotherKindIsNotTheOomKillers) {
  const OomReport report = log("host-tmpfs-6.15");
  EXPECT_FALSE(report.panicked);
  EXPECT_THAT(explained(report), AllOf(HasSubstr("no victim in the log"),
                                       HasSubstr("Shared memory and tmpfs, 11.86 GiB"), Not(HasSubstr("panicked"))));
}

TEST(PublicLogs, AdviceNeedsSomethingToCompareWith) {
  const OomReport report = log("host-cut-4.4");
  EXPECT_TRUE(report.zones.empty());
  EXPECT_EQ(report.killed->pid, 3026);
  EXPECT_THAT(explained(report), AllOf(HasSubstr("More swap than 4.00 GiB"), Not(HasSubstr("slabtop")),
                                       Not(HasSubstr("tmpfs")), Not(HasSubstr("balloon"))));
}

TEST(PublicLogs, OneZoneWithEnoughServesARequest) {
  EXPECT_THAT(explained(log("host-order-1-5.11")),
              AllOf(HasSubstr("1.87 GiB of it in pieces"), Not(HasSubstr("fragmented")),
                    Not(HasSubstr("To serve this one request"))))
      << "all that was free had come back when the report was written";
  EXPECT_THAT(explained(log("host-order-2-4.5")),
              AllOf(HasSubstr("none of it in pieces of order 2"), HasSubstr("firefox (pid 4331)")))
      << "a kernel without NUMA on x86-64";
  EXPECT_THAT(explained(log("host-6.11")), HasSubstr("the zone that was nearest to enough lacked 7.5 MiB"));
}

TEST(PublicLogs, HighMemoryIsNotForTheKernelsOwn) {
  const OomReport report = log("host-without-numa-6.6");
  ASSERT_EQ(report.zones.size(), 2u) << "a kernel without NUMA names no node";
  const auto states = zone_states(report);
  EXPECT_TRUE(states[0].usable);
  EXPECT_EQ(states[0].needed_kb, 10428) << "of the columns DMA, Normal, HighMem, Movable the second one counts";
  EXPECT_FALSE(states[1].usable);
}

TEST(PublicLogs, TwoKillsOfAGroupAreTwo) {
  EXPECT_FALSE(log("two-cgroup-kills-3.10").killed) << "the second one is cut off";
  const OomReport first = log("two-cgroup-kills-3.10", 1);
  EXPECT_EQ(first.killed->pid, 28438);
  EXPECT_EQ(first.chosen->pid, 24572) << "a thread of it was chosen";
  EXPECT_EQ(first.memcg->memory_and_swap->limit_kb, 1048576);
}

TEST(PublicLogs, CountersOfGroupsAreReadInBothForms) {
  EXPECT_EQ(log("cgroup-5.2").memcg->stat_bytes.get("rss"), int64_t{516948} * 1024);
  EXPECT_EQ(log("cgroup-5.4").memcg->stat_bytes.get("anon"), 1062739968);
  EXPECT_EQ(log("cgroup-5.4").killed->comm, "stress");
}

}  // namespace
}  // namespace oomcast::oomlog
