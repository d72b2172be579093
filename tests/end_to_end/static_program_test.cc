// A program that LD_PRELOAD does not reach runs as it would alone, and its memory is forecast from what the kernel says
// of it.
#include <gmock/gmock.h>

#include <string>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double kMiB = 1 << 20;
const std::string kWorker = std::string(OOMCAST_BINARY_DIR) + "/tests/guests/guest_static_worker";
const std::string kDynamicWorker = std::string(OOMCAST_BINARY_DIR) + "/tests/guests/guest_dynamic_worker";

class StaticPrograms : public EndToEnd {
 protected:
  double mib(const char* key) { return report()["app"][key].get<double>() / kMiB; }
};

TEST_F(StaticPrograms, KeepTheirOutputAndStatusAndAreForecast) {
  const Finished finished = run(kWorker + " say=hello touch=300 sleep=100 say=bye exit=5", "-q");
  EXPECT_EQ(finished.status, 5) << finished.err;
  EXPECT_EQ(finished.out, "hello\nbye\n");
  EXPECT_EQ(finished.err, "");
  EXPECT_NEAR(mib("footprint_peak_bytes"), 300, 6);
  const Json coverage = report()["coverage"];
  EXPECT_EQ(coverage["tracker"], "userfaultfd");
  EXPECT_GE(coverage["ratio"].get<double>(), 0.98);
  EXPECT_LE(coverage["ratio"].get<double>(), 1.02);
  EXPECT_THAT(coverage["caveats"].dump(), HasSubstr("did not load the capture library"));
  EXPECT_EQ(report()["exit"]["code"], 5);
}

TEST_F(StaticPrograms, WhatTheyTouchBeforeTheyEndFillsTheTargetToo) {
  for (int i = 0; i < 5; ++i) {
    sh("$OOMCAST run -q --prove 0 --host vm-8g -- " + kWorker + " touch=64");  // ends between two polls
    EXPECT_GE(mib("footprint_peak_bytes"), report()["coverage"]["tracked_bytes"].get<double>() / kMiB - 1);
  }
}

TEST_F(StaticPrograms, AreKilledInTheModelAndForReal) {
  EXPECT_EQ(run(kWorker + " touch=200 sleep=200", "-q --cgroup memory.max=64M").status, 0);
  EXPECT_EQ(report()["verdict"], "oom_kill");
  EXPECT_EQ(run(kWorker + " touch=200 sleep=20000", "-q --cgroup memory.max=64M --on-oom kill").status, 128 + SIGKILL);
  EXPECT_EQ(report()["exit"]["signal"], SIGKILL);
  EXPECT_EQ(run(kWorker + " kill", "-q").status, 128 + SIGKILL) << "of its own";
}

TEST_F(StaticPrograms, WhatNeedsHooksIsSaidNotFaked) {
  EXPECT_EQ(run(kWorker + " touch=8 exit=3", "-q --present-host --on-refuse enomem --tracker wp-async").status, 3);
  const std::string caveats = report()["coverage"]["caveats"].dump();
  EXPECT_THAT(caveats, HasSubstr("--present-host"));
  EXPECT_THAT(caveats, HasSubstr("--on-refuse enomem"));
  EXPECT_THAT(caveats, HasSubstr("--tracker wp-async"));
  EXPECT_EQ(run(kWorker + " touch=8 exit=3", "-q").status, 3);
  EXPECT_THAT(report()["coverage"]["caveats"].dump(), Not(HasSubstr("Left out")));
}

TEST_F(StaticPrograms, AreKilledWhereTheSameProgramWithTheLibraryIs) {
  const auto killed_at = [&](const std::string& guest) {
    EXPECT_EQ(run(guest, "-q --cgroup memory.max=24M").status, 0);
    EXPECT_EQ(report()["verdict"], "oom_kill") << guest;
    return report()["oom_kills"][0]["app_footprint_bytes"].get<double>() / kMiB;
  };
  EXPECT_NEAR(killed_at(kWorker + " touch=64"), killed_at(kDynamicWorker + " touch=64"), 0.25);
}

TEST_F(StaticPrograms, InThePollingPhaseNoTouchOfTheirsIsHeld) {
  sh("$OOMCAST run -q --prove 0 --host vm-8g -- " + kWorker + " touch=24 sleep=100");
  EXPECT_EQ(report()["coverage"]["tracker"], "pagemap");
}

TEST_F(StaticPrograms, ARecorderThatIsKilledAtAnyTimeTakesNobodyWithIt) {
  // The recorder is killed at ten times, from the program's first instruction to where it has touched half of its
  // memory.
  const Finished finished =
      sh("for ms in 000 002 005 010 020 040 070 100 200 300; do\n"
         "  $OOMCAST run -q --prove 0 --host vm-1g -- " +
         kWorker +
         " touch=32 sleep=200 touch=32 say=done >said.$ms 2>/dev/null & r=$!\n"
         "  until pid=$(pgrep -P $r guest_static_w) || [ ! -e /proc/$r ]; do sleep 0.002; done\n"
         "  sleep 0.$ms; kill -KILL $r; wait $r 2>/dev/null\n"
         "  while [ -n \"$pid\" ] && [ -e /proc/$pid ]; do sleep 0.02; done\n"
         "  cat said.$ms\n"
         "done");
  std::string expected;
  for (int i = 0; i < 10; ++i) expected += "done\n";
  EXPECT_EQ(finished.out, expected);
}

TEST_F(StaticPrograms, AScriptOfAStaticInterpreterIsOne) {
  sh("printf '#!" + kWorker + " touch=24\\n' > script && chmod +x script");
  EXPECT_EQ(run("./script sleep=300 exit=6", "-q").status, 6);
  EXPECT_GE(mib("footprint_peak_bytes"), 24);
}

TEST_F(StaticPrograms, ASignalReachesThem) {
  const Finished finished =
      sh("$OOMCAST run -q --prove 0 --host vm-1g -- " + kWorker + " touch=8 sleep=60000 & recorder=$!\n" +
         "until pgrep -P $recorder >/dev/null || [ ! -e /proc/$recorder ]; do sleep 0.05; done\n"
         "sleep 0.3; kill -TERM $recorder; wait $recorder");
  EXPECT_EQ(finished.status, 128 + SIGTERM) << finished.err;
  EXPECT_EQ(report()["exit"]["signal"], SIGTERM);
}

}  // namespace
}  // namespace oomcast::end_to_end
