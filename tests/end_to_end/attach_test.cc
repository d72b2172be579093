// `oomcast attach`: a program that runs already is forecast, and does not notice.
#include <gmock/gmock.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::HasSubstr;

constexpr double kMiB = 1 << 20;
const std::string kWorker = std::string(OOMCAST_BINARY_DIR) + "/tests/guests/guest_static_worker";

class Attach : public EndToEnd {
 protected:
  /// A worker that has done its `words` waits in the background; then the line, in which $pid is the worker's. The
  /// worker's own status comes to the end of stdout.
  Finished beside(const std::string& words, const std::string& line, const std::string& how_it_ends = "kill $pid") {
    return sh(kWorker + " " + words + " >worker.out & pid=$!\n" +
              "until grep -q ready worker.out; do sleep 0.05; done\n" + line + "\nstatus=$?\n" + how_it_ends +
              "\nwait $pid; echo worker $?; exit $status");
  }
  const std::string attach = "$OOMCAST attach $pid --host vm-1g --prove 0 ";
};

TEST_F(Attach, WhatWasThereAndWhatComesIsForecastAndTheProgramRunsOn) {
  const Finished finished = beside("touch=100 say=ready sleep=500 touch=50 sleep=60000", attach + "--for 2");
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_EQ(finished.out, "worker 143\n") << "the worker ran until the SIGTERM";
  EXPECT_THAT(finished.err, HasSubstr("there already and count as touched at second 0"));
  EXPECT_THAT(finished.err, HasSubstr("let go of, it runs on"));
  EXPECT_EQ(finished.err.find("INCOMPLETE"), std::string::npos);
  const Json r = report();
  EXPECT_NEAR(r["app"]["footprint_peak_bytes"].get<double>() / kMiB, 150, 3);
  EXPECT_NEAR(r["coverage"]["attached"]["resident_bytes"].get<double>() / kMiB, 100, 52);
  EXPECT_EQ(r["coverage"]["attached"]["processes"], 1);
  EXPECT_EQ(r["coverage"]["attached"]["detached"], true);
  EXPECT_TRUE(r["exit"]["code"].is_null());
  EXPECT_TRUE(r["exit"]["signal"].is_null());
  EXPECT_THAT(r["command"][0].get<std::string>(), HasSubstr("guest_static_worker"));
}

TEST_F(Attach, CtrlCLetsGoAndWritesTheReport) {
  for (const char* signal : {"INT", "TERM"}) {
    const Finished finished =
        beside("touch=20 say=ready sleep=60000",
               "setsid " + attach +
                   "-q & r=$!\nuntil grep -q -s SigBlk:.*[1-9a-f] /proc/$r/status && "
                   "ls -l /proc/$r/fd 2>/dev/null | grep -q signalfd; do sleep 0.05; done; sleep 0.3\nkill -" +
                   std::string(signal) + " $r; wait $r");
    EXPECT_EQ(finished.status, 0) << finished.err;
    EXPECT_EQ(finished.out, "worker 143\n");
    EXPECT_GE(report()["app"]["footprint_peak_bytes"].get<double>() / kMiB, 20);
  }
}

TEST_F(Attach, ARecorderThatIsKilledTakesNobodyWithIt) {
  const Finished finished = beside("touch=20 say=ready sleep=3000 touch=5 exit=6",
                                   attach + "-q & r=$!\nsleep 1; kill -KILL $r; wait $r", "true");
  EXPECT_EQ(finished.status, 137);
  EXPECT_EQ(finished.out, "worker 6\n");
}

TEST_F(Attach, ItsTouchesAreHeldIfThatIsAskedForAndItRunsOnAlikeAfterwards) {
  const std::string held = attach + "--hold-touches -q ";
  const Finished finished = beside("touch=20 say=ready sleep=3000 touch=30 sleep=60000", held + "--for 6");
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_EQ(finished.out, "worker 143\n");
  const auto did_not_stop =
      testing::AllOf(HasSubstr("no userfaultfd could be opened"), HasSubstr(std::strerror(EBUSY)));
  EXPECT_THAT(report()["coverage"]["caveats"].dump(),
              testing::AnyOf(HasSubstr("a userfaultfd was opened inside of them"), did_not_stop))
      << "on a machine that is too busy its thread does not stop in time";
  EXPECT_NEAR(report()["app"]["footprint_peak_bytes"].get<double>() / kMiB, 50, 2);
  const Finished killed =
      beside("touch=20 say=ready sleep=3000 touch=30 exit=6", held + "& r=$!\nsleep 1; kill -KILL $r; wait $r", "true");
  EXPECT_EQ(killed.status, 137);
  EXPECT_EQ(killed.out, "worker 6\n");
  const Finished ended = beside("touch=20 say=ready sleep=2000 touch=30 exit=6", held + "--for 60", "true");
  EXPECT_EQ(ended.out, "worker 6\n");
  EXPECT_EQ(report()["exit"]["code"], 6);
}

TEST_F(Attach, TheEndOfTheProgramIsTheEndOfTheRun) {
  const Finished finished = beside("touch=20 say=ready sleep=1500 exit=6", attach + "-q --for 60", "true");
  EXPECT_EQ(finished.status, 0) << "attach has no program of its own";
  EXPECT_EQ(finished.out, "worker 6\n");
  EXPECT_EQ(report()["exit"]["code"], 6);
  EXPECT_EQ(report()["coverage"]["attached"]["detached"], false);
}

TEST_F(Attach, ARecordingOfItIsReplayed) {
  beside("touch=100 say=ready sleep=60000", attach + "-q --for 1 --trace t.trace --report live.json");
  EXPECT_EQ(sh("$OOMCAST replay t.trace -q --prove 0").status, 0);
  Json live = report("live.json"), replayed = report();
  EXPECT_EQ(live["app"], replayed["app"]);
  EXPECT_EQ(live["coverage"]["attached"], replayed["coverage"]["attached"]);
  EXPECT_EQ(sh("$OOMCAST replay t.trace -q --prove 0 --cgroup memory.max=50M").status, 0);
  EXPECT_EQ(report()["verdict"], "oom_kill");
}

TEST_F(Attach, EachMistakeIsOneLine) {
  const auto refused = [&](const std::string& line, const char* says) {
    const Finished finished = sh(line);
    EXPECT_EQ(finished.status, 2) << line;
    EXPECT_EQ(lines(finished.err), 1) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(says));
    EXPECT_TRUE(nothing_written());
  };
  refused("$OOMCAST attach 4194304", "no such process");
  refused("exec $OOMCAST attach $$", "oomcast itself");
  refused("sleep 60 & $OOMCAST attach $! --on-oom kill; s=$?; kill $!; exit $s", "not ours to end");
  refused("sleep 60 & $OOMCAST attach $! --host no-such-host; s=$?; kill $!; exit $s", "no-such-host");
  if (fs::exists("/proc/2/status")) refused("$OOMCAST attach 2", "kernel thread");
  if (sh("setpriv --reuid=65534 --regid=65534 --clear-groups test -x $OOMCAST").status == 0)
    refused("sleep 60 & setpriv --reuid=65534 --regid=65534 --clear-groups $OOMCAST attach $!; s=$?; kill $!; exit $s",
            "not permitted");
}

}  // namespace
}  // namespace oomcast::end_to_end
