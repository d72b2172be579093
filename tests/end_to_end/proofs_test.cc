// What a report suggests was simulated on the recording of the run, and holds when the program is run again.
#include <gmock/gmock.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::HasSubstr;

class Proofs : public EndToEnd {
 protected:
  static constexpr const char* kPython = "python3 -c 'a=[bytes(1000) for i in range(60000)]'";

  /// The suggestion of the report's oom_kill finding that was simulated for this setting.
  Json simulated(const std::string& setting, const std::string& name = "oomcast.report.json") const {
    const Json all = report(name);
    for (const Json& finding : all["findings"]) {
      if (finding["id"] != "oom_kill") continue;
      for (const Json& each : finding["try"])
        for (const Json& word : each["settings"])
          if (word.get<std::string>().starts_with(setting + "=")) return each;
    }
    ADD_FAILURE() << "nothing was simulated for " << setting << ": " << report(name)["findings"].dump(1);
    return {};
  }
};

TEST_F(Proofs, TheProvenLimitHoldsWhenItIsRunAgainAndTheOneBelowDoesNot) {
  const Finished first = run(kPython, "--cgroup memory.max=40M --prove 60");
  if (report()["coverage"]["tracker"] != "userfaultfd") GTEST_SKIP() << "no tracker can run here";
  const Json limit = simulated("cgroup.memory.max");
  ASSERT_EQ(limit["proven"], true);
  EXPECT_THAT(first.err, HasSubstr("memory.max="));
  EXPECT_THAT(first.err, HasSubstr("[proven: "));
  const std::string word = limit["settings"][0];
  run(kPython, "--cgroup " + word.substr(std::string("cgroup.").size()) + " --report enough.json --quiet");
  EXPECT_NE(report("enough.json")["verdict"], "oom_kill");
  // A MiB below what was not enough: the next run needs a little more or less.
  const int64_t below = limit["below"].get<int64_t>() - (1 << 20);
  run(kPython, "--cgroup memory.max=" + std::to_string(below) + " --report below.json --quiet");
  EXPECT_EQ(report("below.json")["verdict"], "oom_kill");
}

TEST_F(Proofs, AReplayProvesWhatTheRunHasProven) {
  run(kPython, "--cgroup memory.max=40M --prove 60 --trace t.trace --quiet");
  ASSERT_EQ(sh("$OOMCAST replay t.trace --prove 60 --quiet --report again.json").status, 0);
  EXPECT_EQ(content(at("oomcast.report.json")), content(at("again.json")));
}

TEST_F(Proofs, WithoutTimeNothingIsProvenAndTheReportSaysWhy) {
  run(kPython, "--cgroup memory.max=40M --prove 0");
  const Json all = report();
  EXPECT_EQ(all["proofs"]["simulated"], 0);
  EXPECT_THAT(all["proofs"]["not_possible"].get<std::string>(), HasSubstr("--prove 0"));
  for (const Json& finding : all["findings"])
    for (const Json& each : finding["try"]) EXPECT_TRUE(each["proven"].is_null());
}

}  // namespace
}  // namespace oomcast::end_to_end
