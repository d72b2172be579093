// Explains a kernel log as a user does, and forecasts a program for the host of that log.
#include <gmock/gmock.h>

#include "tests/end_to_end/oomcast_run.h"
#include "tests/report/oomlog/logs.h"

namespace oomcast::end_to_end {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Explain : public EndToEnd {
 protected:
  void SetUp() override {
    std::ofstream(at("kern.log")) << oomlog::kHostRhel7 << oomlog::kHost61;
    std::ofstream(at("pod.log")) << oomlog::kMemcg54;
  }
};

TEST_F(Explain, TheLastKillOfALogIsExplained) {
  const Finished last = sh("$OOMCAST explain kern.log");
  EXPECT_EQ(last.status, 0) << last.err;
  EXPECT_THAT(last.out, HasSubstr("Kill 2 of 2"));
  EXPECT_THAT(last.out, HasSubstr("big one (x) (pid 4700) was killed"));
  EXPECT_THAT(sh("$OOMCAST explain kern.log --nth 1").out, HasSubstr("store (pid 1200) was killed"));
  EXPECT_THAT(last.out, HasSubstr("It takes the same victim, big one (x) (pid 4700)."));
  EXPECT_EQ(Json::parse(sh("$OOMCAST explain kern.log --json").out)["victim"]["pid"], 4700);
}

TEST_F(Explain, TheLogMayComeFromAPipe) {
  // A search that its time limit cuts short on a busy machine ends with another size.
  const Finished file = sh("$OOMCAST explain --prove 600 pod.log"),
                 pipe = sh("$OOMCAST explain --prove 600 - <pod.log");
  EXPECT_EQ(pipe.status, 0) << pipe.err;
  EXPECT_EQ(pipe.out, file.out);
}

TEST_F(Explain, TheLogIsAlsoAHost) {
  EXPECT_THAT(sh("$OOMCAST host show kern.log --nth 1").out, HasSubstr("3.10.0-1127.8.2.el7.x86_64"));
  EXPECT_THAT(sh("cat kern.log | $OOMCAST host show /dev/stdin").out, HasSubstr("without pid 4700"));
  ASSERT_EQ(sh("$OOMCAST run --host kern.log --quiet -- true").status, 0);
  const Json report = Json::parse(content(at("oomcast.report.json")));
  EXPECT_EQ(report["host"]["name"], "kern.log");
  EXPECT_EQ(report["verdict"], "fits");
}

TEST_F(Explain, WhatCannotBeDoneIsOneClearLine) {
  for (const char* line : {"$OOMCAST explain none.log", "$OOMCAST explain /dev/null",
                           "$OOMCAST explain kern.log --nth 9", "$OOMCAST host show pod.log",
                           "$OOMCAST host show vm-1g --nth 1", "head -c 100000 /dev/zero | $OOMCAST explain -"}) {
    const Finished finished = sh(line);
    EXPECT_EQ(finished.status, 2) << line;
    EXPECT_EQ(finished.out, "") << line;
    EXPECT_THAT(finished.err, StartsWith("oomcast: ")) << line;
    EXPECT_EQ(lines(finished.err), 1) << line << finished.err;
  }
}

}  // namespace
}  // namespace oomcast::end_to_end
