// A recorded run is forecast again as it was forecast live, and elsewhere.
#include <gmock/gmock.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

class Replay : public EndToEnd {
 protected:
  /// A program that allocates, forks, frees and uses files.
  static constexpr const char* kPython =
      "python3 -c 'import subprocess; a=[bytes(1000) for i in range(60000)]; subprocess.run([\"true\"]); del a; "
      "b=bytearray(30<<20); open(\"f\",\"wb\").write(b)'";

  void expect_same_report(const std::string& again = "again.json") const {
    EXPECT_EQ(content(at("oomcast.report.json")), content(at(again)));
  }
};

TEST_F(Replay, OnTheSameHostIsTheLiveReportByteForByte) {
  ASSERT_EQ(run(kPython, "--trace t.trace").status, 0);
  Finished again = sh("$OOMCAST replay t.trace --report again.json");
  EXPECT_EQ(again.status, 0);
  expect_same_report();
  EXPECT_THAT(again.err, HasSubstr("forecast for vm-1g"));
  ASSERT_EQ(sh("$OOMCAST replay t.trace --host vm-1g --report named.json").status, 0);
  expect_same_report("named.json");
}

TEST_F(Replay, UnderPressureToo) {
  // 90 MiB of Python objects under a limit of 64 MiB: reclaim, swap, and references to what was evicted.
  ASSERT_EQ(run("python3 -c 'a=[bytes(1000) for i in range(90000)]; [x[0] for x in a]'",
                "--set swap[0].size=1G --cgroup memory.max=64M --trace t.trace --quiet")
                .status,
            0);
  Json live = report();
  ASSERT_EQ(sh("$OOMCAST replay t.trace --prove 0 --quiet --report again.json").status, 0);
  if (live["coverage"]["tracker"] != "userfaultfd") GTEST_SKIP() << "no tracker can run here";
  EXPECT_EQ(live["verdict"], "direct_reclaim");
  EXPECT_GT(live["counters"]["pswpout"], 0);
  expect_same_report();
}

TEST_F(Replay, ARedisUnderLoadToo) {
  if (sh("command -v redis-server redis-cli").status != 0) GTEST_SKIP() << "no redis";
  Finished live =
      sh("$OOMCAST run --host vm-1g --trace t.trace -- redis-server --port 0 --unixsocket $PWD/s --save '' "
         "--appendonly no --enable-debug-command yes --daemonize no >/dev/null & "
         "for i in $(seq 100); do redis-cli -s s ping >/dev/null 2>&1 && break; sleep 0.1; done; "
         "redis-cli -s s debug populate 50000 key 500 >/dev/null; redis-cli -s s shutdown nosave; wait $!");
  ASSERT_EQ(live.status, 0) << live.err;
  ASSERT_EQ(sh("$OOMCAST replay t.trace --report again.json").status, 0);
  expect_same_report();
}

TEST_F(Replay, OnASmallerHostTheVerdictIsThatHosts) {
  ASSERT_EQ(run(kReads300M, "--trace t.trace").status, 0);
  EXPECT_EQ(report()["verdict"], "fits");
  if (report()["coverage"]["tracker"] == "none") GTEST_SKIP() << "no tracker can run here";
  Finished small =
      sh("$OOMCAST replay t.trace --set memory=256M --set swap[0].size=64M --set vm.overcommit_memory=1 "
         "--fail-on oom_kill");
  EXPECT_EQ(small.status, 3) << small.err;
  EXPECT_EQ(report()["verdict"], "oom_kill");
  EXPECT_EQ(report()["basis"]["verdict"]["rests_on"], "extrapolated");
}

TEST_F(Replay, OptionsOfTheRecordingAreTheDefaults) {
  ASSERT_EQ(run("true", "--oom-score-adj 300 --trace t.trace").status, 0);
  ASSERT_EQ(sh("$OOMCAST replay t.trace").status, 0);
  EXPECT_EQ(report()["app"]["processes"][0]["oom_score_adj"], 300);
  ASSERT_EQ(sh("$OOMCAST replay t.trace --oom-score-adj -5").status, 0);
  EXPECT_EQ(report()["app"]["processes"][0]["oom_score_adj"], -5);
}

TEST_F(Replay, ARecorderThatWasKilledLeavesATraceToReplay) {
  sh("$OOMCAST run --host vm-1g --trace t.trace -- sh -c 'dd if=/dev/zero of=/dev/null bs=50M count=1 2>/dev/null; "
     "sleep 2; kill -9 "
     "$PPID; sleep 0.2'");
  EXPECT_FALSE(has_report());
  Finished again = sh("$OOMCAST replay t.trace");
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.err, StartsWith("oomcast: INCOMPLETE: the trace ends in the middle of the recording"));
  EXPECT_THAT(report()["coverage"]["incomplete"].dump(), HasSubstr("ends in the middle of the recording"));
  EXPECT_GE(report()["app"]["touched_bytes"], 50 << 20);
  EXPECT_TRUE(report()["verdict"].is_null()) << "what was not recorded may not fit";
  EXPECT_EQ(sh("$OOMCAST replay t.trace --fail-on oom_kill").status, 3) << "no gate turns green on half a run";
  EXPECT_THAT(sh("$OOMCAST sweep t.trace --vary memory=1G..2G").out, StartsWith("INCOMPLETE: "));
}

TEST_F(Replay, AFullDiskEndsTheTraceNotTheRun) {
  Finished finished = run("sh -c 'echo out; exit 4'", "--trace /dev/full");
  EXPECT_EQ(finished.status, 4);
  EXPECT_EQ(finished.out, "out\n");
  EXPECT_THAT(finished.err, HasSubstr("trace: /dev/full: No space left on device"));
  EXPECT_THAT(report()["coverage"]["caveats"].dump(), HasSubstr("the trace ends there"));
}

TEST_F(Replay, WhatIsNotATraceIsNamedAndNothingIsWritten) {
  std::ofstream(at("t.trace")) << "hello";
  for (const char* line : {"$OOMCAST replay t.trace", "$OOMCAST replay none.trace",
                           "$OOMCAST sweep t.trace --vary memory=1G..2G", "$OOMCAST replay"}) {
    Finished finished = sh(line);
    EXPECT_EQ(finished.status, 2) << line;
    EXPECT_THAT(finished.err, AllOf(StartsWith("oomcast: "), AnyOf(HasSubstr("trace"), HasSubstr("TRACE")))) << line;
    EXPECT_EQ(lines(finished.err), 1) << finished.err;
    EXPECT_TRUE(nothing_written());
  }
}

TEST_F(Replay, ATraceThatCannotBeWrittenStopsTheRunBeforeItStarts) {
  Finished finished = run("touch started", "--trace no-such-directory/t.trace");
  EXPECT_EQ(finished.status, 2);
  EXPECT_THAT(finished.err, HasSubstr("no-such-directory/t.trace"));
  EXPECT_FALSE(fs::exists(at("started")));
}

TEST_F(Replay, ASweepFindsTheSmallestHost) {
  ASSERT_EQ(run(kReads300M, "--trace t.trace --quiet").status, 0);
  if (report()["coverage"]["tracker"] == "none") GTEST_SKIP() << "no tracker can run here";
  Finished table = sh("$OOMCAST sweep t.trace --set vm.overcommit_memory=1 --vary memory=256M..1G");
  EXPECT_EQ(table.status, 0) << table.err;
  EXPECT_GE(lines(table.out), 1 + 3) << table.out;  // and a line on what * means, where a row has one
  EXPECT_THAT(table.out, HasSubstr("256M    oom_kill"));
  EXPECT_THAT(table.out, HasSubstr("1G      fits"));
  Json rows = Json::parse(sh("$OOMCAST sweep t.trace --set vm.overcommit_memory=1 --vary memory=512M,1G --json").out);
  EXPECT_EQ(rows["rows"].size(), 2u);
  EXPECT_EQ(rows["rows"][1]["verdict"], "fits");
}

TEST_F(Replay, TheSmallestLimitIsFoundAndHandedOver) {
  Finished found = sh("$OOMCAST fit --host vm-1g --as systemd -- python3 -c 'x = bytearray(60 << 20)'");
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_THAT(found.err, testing::HasSubstr("just below   memory.max = "));
  EXPECT_THAT(found.out, testing::StartsWith("[Service]\nMemoryMax=")) << "ready for a file";
  EXPECT_FALSE(fs::exists(at("oomcast.report.json"))) << "the run that was recorded has no report of its own";
}

TEST_F(Replay, AProgramThatSizesItselfByItsLimitIsRecordedNearTheAnswer) {
  std::ofstream(at("sizes_itself.py")) << "try: limit = open('/sys/fs/cgroup/memory.max').read().strip()\n"
                                          "except OSError: limit = 'max'\n"
                                          "mib = 300 if limit == 'max' else min(300, int(limit) // 2 >> 20)\n"
                                          "x = bytearray(mib + 50 << 20)\n";
  Finished found = sh("$OOMCAST fit --host vm-4g --json -- /usr/bin/python3 sizes_itself.py");
  ASSERT_EQ(found.status, 0) << found.err;
  // Half of the limit, 50 MiB and some that the interpreter has: twice 50 and some. Without a limit it takes 350 MiB.
  const Json fit = Json::parse(found.out);
  EXPECT_GT(fit["recordings"], 2);
  EXPECT_GE(fit["smallest"], 100 << 20);
  EXPECT_LE(fit["smallest"], 140 << 20);
}

TEST_F(Replay, FitNeedsATraceOrAProgram) {
  EXPECT_EQ(sh("$OOMCAST fit").status, 2);
  EXPECT_EQ(sh("$OOMCAST fit nowhere.trace").status, 2);
  EXPECT_EQ(sh("$OOMCAST fit --for memroy -- true").status, 2);
}

}  // namespace
}  // namespace oomcast::end_to_end
