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
  EXPECT_EQ(coverage["tracker"], "pagemap");
  EXPECT_GE(coverage["ratio"].get<double>(), 0.98);
  EXPECT_LE(coverage["ratio"].get<double>(), 1.02);
  EXPECT_THAT(coverage["caveats"].dump(), HasSubstr("did not load the capture library"));
  EXPECT_EQ(report()["exit"]["code"], 5);
}

TEST_F(StaticPrograms, AreKilledInTheModelAndForReal) {
  EXPECT_EQ(run(kWorker + " touch=200 sleep=200", "-q --cgroup memory.max=64M").status, 0);
  EXPECT_EQ(report()["verdict"], "oom_kill");
  EXPECT_EQ(run(kWorker + " touch=200 sleep=20000", "-q --cgroup memory.max=64M --on-oom kill").status, 128 + SIGKILL);
  EXPECT_EQ(report()["exit"]["signal"], SIGKILL);
  EXPECT_EQ(run(kWorker + " kill", "-q").status, 128 + SIGKILL) << "of its own";
}

TEST_F(StaticPrograms, WhatNeedsHooksIsSaidNotFaked) {
  EXPECT_EQ(run(kWorker + " touch=8 exit=3", "-q --present-host --on-refuse enomem --tracker userfaultfd").status, 3);
  const std::string caveats = report()["coverage"]["caveats"].dump();
  EXPECT_THAT(caveats, HasSubstr("--present-host"));
  EXPECT_THAT(caveats, HasSubstr("--on-refuse enomem"));
  EXPECT_THAT(caveats, HasSubstr("--tracker userfaultfd"));
  EXPECT_EQ(run(kWorker + " touch=8 exit=3", "-q").status, 3);
  EXPECT_THAT(report()["coverage"]["caveats"].dump(), Not(HasSubstr("Left out")));
}

TEST_F(StaticPrograms, AScriptOfAStaticInterpreterIsOne) {
  sh("printf '#!" + kWorker + " touch=24\\n' > script && chmod +x script");
  EXPECT_EQ(run("./script sleep=300 exit=6", "-q").status, 6);
  EXPECT_GE(mib("footprint_peak_bytes"), 24);
}

TEST_F(StaticPrograms, ASignalReachesThem) {
  const Finished finished =
      sh("$OOMCAST run -q --prove 0 --host vm-1g -- " + kWorker + " touch=8 sleep=60000 & recorder=$!\n" +
         "until pgrep -P $recorder >/dev/null; do sleep 0.05; done; sleep 0.3; kill -TERM $recorder; wait $recorder");
  EXPECT_EQ(finished.status, 128 + SIGTERM) << finished.err;
  EXPECT_EQ(report()["exit"]["signal"], SIGTERM);
}

}  // namespace
}  // namespace oomcast::end_to_end
