// Each cause has its sentence. The sentences are those of real simulations; the golden is what a person approved.
#include "report/words/why.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/report/golden.h"
#include "tests/report/simulated_runs.h"

namespace oomcast::report {
namespace {

using namespace oomcast::literals;
using sim::Outcome;
using simulated::grows_to;
using simulated::locks_and_grows_to;
using support::HostBuilder;
using support::Program;
using testing::HasSubstr;
using testing::IsEmpty;

HostBuilder generous() { return HostBuilder().node(128_MiB).set("vm.overcommit_memory", 1); }

std::string line(const std::string& name, const std::optional<sim::Incident>& incident) {
  return name + ": " + (incident ? why_text(*incident) : "(never)") + "\n";
}

std::string firsts(const Outcome& outcome) {
  return line("kswapd_wake", outcome.kswapd_wake) + line("kswapd_scan", outcome.kswapd_scan) +
         line("direct_reclaim", outcome.direct_reclaim) + line("swap_out", outcome.swap_out) +
         "oom_kill: " + why_first_kill_text(outcome) + "\ndiverged: " + diverged_text(outcome) +
         "\nhalted: " + halted_text(outcome) + "\n";
}

sim::Options protected_program() {
  sim::Options options;
  options.oom_score_adj = -1000;
  return options;
}

TEST(Why, EachCauseHasItsSentence) {
  std::string all;
  const auto add = [&](const char* title, const std::string& text) {
    all += "# " + std::string(title) + "\n" + text + "\n";
  };
  add("out of memory", firsts(simulated::oom().outcome));
  add("swap", firsts(simulated::swap_thrash().outcome));
  add("panic_on_oom", firsts(simulated::run(generous().set("vm.panic_on_oom", 1).build(), grows_to(40'000)).outcome));
  add("nobody may be killed",
      firsts(simulated::run(generous().build(), grows_to(40'000), protected_program()).outcome));
  add("a group at its limit", firsts(simulated::run(generous().limit(16_MiB).build(), grows_to(8'000)).outcome));
  add("a group that may not swap",
      firsts(simulated::run(generous().swap(64_MiB).limit(16_MiB).set("vm.swappiness", 0).build(), grows_to(8'000))
                 .outcome));
  add("a group in which all is locked",
      firsts(simulated::run(generous().swap(64_MiB).limit(16_MiB).build(), locks_and_grows_to(8'000)).outcome));
  add("a group in which nobody may be killed",
      firsts(simulated::run(generous().limit(16_MiB).build(), grows_to(8'000), protected_program()).outcome));
  expect_golden(all, "whys.txt");
}

TEST(Why, EachRefusalHasItsSentence) {
  const auto refused = [](int64_t mode, auto play) {
    const Outcome outcome =
        simulated::run(HostBuilder().node(128_MiB).tmpfs("/dev/shm", 4_MiB).set("vm.overcommit_memory", mode).build(),
                       [&](sim::Simulation& s) {
                         Program p(s, 812, "redis-server");
                         play(p);
                       })
            .outcome;
    return line("alloc_refused", outcome.alloc_refused) + "diverged: " + diverged_text(outcome) + "\n";
  };
  constexpr uint64_t kRlimitData = 2, kRlimitAs = 9;
  std::string all;
  all += refused(0, [](Program& p) { p.map(0, 1'000'000); });
  all += refused(2, [](Program& p) { p.map(0, 30'000); });
  all += refused(2, [](Program& p) {
    p.map(0, 12'000);
    p.fork(900);
  });
  all += refused(1, [](Program& p) {
    p.limit(kRlimitAs, (4_MiB).count());
    p.map(0, 2'000);
  });
  all += refused(1, [](Program& p) {
    p.limit(kRlimitData, (4_MiB).count());
    p.map(0, 2'000);
  });
  for (const bool mapped : {false, true})
    all += refused(1, [mapped](Program& p) {
      p.mount(1, "/dev/shm");
      p.file_on_mount(7, 1);
      if (mapped) {
        p.map_file(0, 1'025, 7, trace::kWritable);
        p.touch(0, 1'025);
      } else {
        p.write_file(7, 0, 1'025);
      }
    });
  expect_golden(all, "refusals.txt");
}

TEST(Why, APageThatTheModelCannotNumberIsACaveat) {
  const Outcome outcome = simulated::run(generous().build(), [](sim::Simulation& s) {
                            Program p(s, 812);
                            p.touch(uint64_t{1} << 41, 10);
                          }).outcome;
  EXPECT_THAT(model_caveats(outcome),
              testing::ElementsAre(HasSubstr("process 812 used memory or a part of a file beyond 4 PiB")));
  EXPECT_THAT(model_caveats(simulated::fits().outcome), IsEmpty());
}

TEST(Why, AFaultThatTheAuditorFindsIsCalledInternal) {
  Outcome outcome;
  outcome.audit_faults = {{17, "page 3 is on two lists"}};
  EXPECT_THAT(model_caveats(outcome),
              testing::ElementsAre("internal: the audit after event 17 found that page 3 is on two lists"));
}

TEST(Why, SwapThatMayNotBeUsedComesBeforeWhatIsLocked) {
  sim::OomKill kill = simulated::run(generous().limit(16_MiB).build(), grows_to(8'000)).outcome.oom_kills.at(0);
  kill.shortage.locked = kill.incident.group->max;
  EXPECT_THAT(why_text(kill), HasSubstr("are locked (mlock)"));
  kill.shortage.swap_free = 1000_pages;
  kill.shortage.swappiness = 0;
  EXPECT_THAT(why_text(kill), HasSubstr("vm.swappiness is 0"));
}

TEST(Why, LimitsOfVersion1GoByTheirOwnNames) {
  sim::OomKill kill = simulated::run(generous().limit(16_MiB).build(), grows_to(8'000)).outcome.oom_kills.at(0);
  kill.incident.group->v1 = true;
  EXPECT_THAT(why_text(kill), HasSubstr("is at its memory.limit_in_bytes of 4,096 pages (16.0 MiB)"));
  kill.shortage.swap_free = 1000_pages;
  kill.shortage.swappiness = 0;
  EXPECT_THAT(why_text(kill), HasSubstr("memory.swappiness of the group is 0"));
  kill.shortage.swap_free = 0_pages;
  kill.incident.group->at_memsw = true;
  kill.incident.group->memsw_max = 5120_pages;
  EXPECT_THAT(
      why_text(kill),
      HasSubstr("memory.memsw.limit_in_bytes of 5,120 pages (20.0 MiB) of memory and swap together and nothing"));
  kill.end = sim::OomEnd::kNobody;
  kill.kill_disabled = true;
  EXPECT_THAT(why_text(kill), HasSubstr("memory.oom_control of the group forbids to kill"));
}

TEST(Why, FewerFutileRoundsSayWhyTheKernelDidNotGoOn) {
  sim::OomKill kill = simulated::oom().outcome.oom_kills.at(0);
  kill.futile_rounds = 17;
  EXPECT_THAT(why_text(kill), testing::StartsWith("reclaim found nothing in 17 rounds; no swap is free; node 0"));
  kill.futile_rounds = 1;
  EXPECT_THAT(why_text(kill),
              testing::StartsWith("reclaim found nothing in 1 round, and what is left to reclaim would not lift"));
}

}  // namespace
}  // namespace oomcast::report
