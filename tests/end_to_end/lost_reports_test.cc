// Signals, closed and full files, and processes that are left behind: the guest is left alone and the report is
// written.
#include <gmock/gmock.h>
#include <oomcast_paths.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class LostReports : public EndToEnd {};

/// Python that blocks all signals and can await one of them.
constexpr const char* kAwaits =
    "import os, signal\n"
    "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n"
    "def got(s, patience=60): return signal.sigtimedwait([s], patience) is not None\n";

TEST_F(LostReports, ASignalToOomcastReachesTheProgram) {
  std::ofstream(at("guest.py")) << kAwaits
                                << "for s in list(range(1, 32)) + [signal.SIGRTMIN + 3, signal.SIGRTMAX]:\n"
                                   "  if s in (4, 5, 7, 8, 9, 11, 17, 18, 19, 20, 21, 22, 31): continue\n"
                                   "  os.kill(os.getppid(), s)\n"
                                   "  if not got(s): print('lost', s)\n"
                                   "print('all'); os._exit(5)\n";
  for (const char* how : {"", "--tracker userfaultfd"}) {
    Finished finished = run("python3 guest.py", std::string("--quiet ") + how);
    EXPECT_EQ(finished.out, "all\n") << finished.err;
    EXPECT_EQ(finished.status, 5);
    EXPECT_TRUE(has_report());
    fs::remove(at("oomcast.report.json"));
  }
}

TEST_F(LostReports, ASignalToTheProcessGroupReachesTheProgramOnce) {
  // A real-time signal is queued: each one counts. The SIGUSR1 to oomcast comes back after all that was passed on
  // before it.
  std::ofstream(at("guest.py")) << kAwaits
                                << "rt = signal.SIGRTMIN + 1\n"
                                   "for s in (rt, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):\n"
                                   "  count = 0\n"
                                   "  for i in range(20):\n"
                                   "    os.kill(0, s)\n"
                                   "    while got(s, 0): count += 1\n"
                                   "    os.kill(os.getppid(), signal.SIGUSR1); got(signal.SIGUSR1)\n"
                                   "    while got(s, 0): count += 1\n"
                                   "  print(int(s), count)\n";
  Finished finished = sh("setsid -w $OOMCAST run --host vm-1g --quiet -- python3 guest.py");
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_THAT(finished.out, testing::EndsWith(" 20\n15 20\n1 20\n2 20\n"));
  EXPECT_TRUE(has_report());
}

TEST_F(LostReports, SignalsWhileTheReportIsWrittenDoNotStopIt) {
  Finished finished =
      sh("$OOMCAST run --host vm-1g --quiet -- sh -c 'exit 4' & pid=$!\n"
         "while kill -TERM $pid 2>/dev/null; do :; done; wait $pid; echo $?");
  // The shell may have been struck before it could exit; what counts is that oomcast was not.
  if (finished.out == "143\n" && !has_report()) GTEST_SKIP() << "the signal came before the program was started";
  EXPECT_TRUE(has_report()) << finished.out << finished.err;
}

TEST_F(LostReports, AReaderOfStderrThatLeavesChangesNothing) {
  Finished finished =
      sh("{ $OOMCAST run --host vm-1g --log-level debug --report r.json -- sh -c 'exit 6'; echo $? >status; } 2>&1 | "
         "head -c 1 >/dev/null; cat status");
  EXPECT_EQ(finished.out, "6\n");
  EXPECT_TRUE(has_report("r.json"));
}

TEST_F(LostReports, ClosedStandardStreamsAreNotTakenForFiles) {
  for (const char* closed : {"2>&-", ">&- 2>&-", "<&- >&- 2>&-"}) {
    Finished finished =
        sh(std::string(
               "cat >lists.sh <<'END'\nfor n in 0 1 2; do test -e /proc/$$/fd/$n && echo $n >>$1; done; exit 6\nEND\n"
               "sh lists.sh native ") +
           closed + "\n$OOMCAST run --host vm-1g --trace t.trace --report r.json -- sh lists.sh watched " + closed +
           "; echo $?; $OOMCAST replay t.trace --report again.json");
    EXPECT_EQ(finished.out, "6\n") << closed;
    EXPECT_EQ(content(at("r.json")), content(at("again.json"))) << closed;
    EXPECT_EQ(content(at("watched")), content(at("native"))) << "the program finds them closed: " << closed;
    fs::remove(at("watched"));
    fs::remove(at("native"));
  }
}

TEST_F(LostReports, AFileSizeLimitIsTheProgramsOwn) {
  Finished finished = sh("ulimit -S -f 1; $OOMCAST run --host vm-1g --quiet -- sh -c 'ulimit -f; exit 6'");
  EXPECT_EQ(finished.status, 6) << finished.err;
  EXPECT_EQ(finished.out, "1\n");
  EXPECT_TRUE(has_report());
}

TEST_F(LostReports, AFileSizeLimitThatCannotBeRaisedIsSaid) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to drop privileges";
  if (sh("setpriv --reuid=65534 --clear-groups test -r $OOMCAST").status != 0)
    GTEST_SKIP() << "the build tree is not readable for others";
  Finished finished =
      sh("ulimit -f 1; setpriv --reuid=65534 --clear-groups $OOMCAST run --host vm-1g --quiet --report r.json -- true");
  EXPECT_EQ(finished.status, 2) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("r.json: File too large"));
  EXPECT_FALSE(has_report("r.json"));
}

TEST_F(LostReports, AFullDiskIsSaidAndNothingIsLeftBehind) {
  Finished finished = run("true", "--quiet --report /dev/full");
  EXPECT_EQ(finished.status, 2);
  EXPECT_THAT(finished.err, HasSubstr("report: /dev/full: No space left on device"));
  EXPECT_TRUE(nothing_written());
}

TEST_F(LostReports, WhoIsLeftBehindIsSaidFirstAndNotWaitedFor) {
  Finished finished = run("sh -c 'sleep 60 & while [ \"$(cat /proc/$!/comm)\" != sleep ]; do :; done; echo $!'");
  EXPECT_EQ(finished.status, 0);
  EXPECT_THAT(finished.err, StartsWith("oomcast: INCOMPLETE: processes still running: 1 (sleep (pid "));
  EXPECT_EQ(report()["coverage"]["still_running"][0],
            "sleep (pid " + finished.out.substr(0, finished.out.find('\n')) + ")");
  sh("kill " + finished.out);
}

TEST_F(LostReports, ADaemonThatLetsGoAtOnceIsKnownToo) {
  for (const char* how : {"", "--tracker userfaultfd"}) {
    Finished finished = run(OOMCAST_BINARY_DIR "/tests/guests/guest_becomes_daemon", how);
    EXPECT_EQ(finished.status, 0);
    EXPECT_THAT(finished.err, StartsWith("oomcast: INCOMPLETE: processes still running: 1 (guest_becomes_d"));
    Finished waited = run(OOMCAST_BINARY_DIR "/tests/guests/guest_becomes_daemon", std::string("--wait ") + how);
    EXPECT_THAT(waited.err, StartsWith("oomcast: forecast for"));
    EXPECT_GE(report()["app"]["footprint_peak_bytes"].get<double>(), 24 << 20);
    EXPECT_TRUE(report()["coverage"]["still_running"].empty());
  }
}

TEST_F(LostReports, ARecorderThatTheLibraryHasStartedIsNotLeftBehindByTheProgram) {
  const std::string attached =
      "OOMCAST_HOST=vm-1g OOMCAST_REPORT=r.json LD_PRELOAD=$LIBRARY sh -c 'exit 3'; echo $?\n"
      "for i in $(seq 1200); do [ -s r.json ] && exit 0; sleep 0.05; done; echo 'no report'";
  for (const char* how : {"", "OOMCAST_OPTIONS=--wait "}) {
    EXPECT_EQ(sh(how + attached).out, "3\n") << how;
    ASSERT_TRUE(has_report("r.json")) << how;
    EXPECT_EQ(report("r.json")["coverage"]["still_running"].dump(), "[]") << how;
    EXPECT_EQ(report("r.json")["exit"]["code"], 3) << how;
    fs::remove(at("r.json"));
  }
}

TEST_F(LostReports, WaitingEndsWithASignal) {
  const std::string begin =
      "$OOMCAST run --wait --host vm-1g --report r.json -- sh -c 'echo $$ >shell; setsid GUEST & echo $! >child' & "
      "pid=$!\n"
      "until test -s child && ! kill -0 $(cat shell) 2>/dev/null; do :; done\n";
  auto with = [&](std::string guest) { return std::string(begin).replace(begin.find("GUEST"), 5, guest); };
  Finished ended = sh(with("sleep 60") +
                      "kill -TERM $pid; wait $pid; echo $?; "
                      "for i in $(seq 100); do grep -qs 'State:.[^ZX]' /proc/$(cat child)/status || exit 0; sleep 0.1; "
                      "done; echo lives");
  EXPECT_EQ(ended.out, "0\n") << "the daemon was sent the signal and has ended";
  // The shell may say "Terminated" first.
  EXPECT_THAT(ended.err, AllOf(HasSubstr("oomcast: forecast for"), testing::Not(HasSubstr("INCOMPLETE"))));
  fs::remove(at("child"));
  Finished left = sh(with("sh -c \"trap : TERM; echo ready >ready; while :; do sleep 0.1; done\"") +
                     "until test -s ready; do :; done; kill -TERM $pid; while kill -TERM $pid 2>/dev/null; do sleep "
                     "0.05; done; wait $pid; echo $?; kill -KILL $(cat child) && echo lives");
  EXPECT_EQ(left.out, "0\nlives\n") << "a second signal ends the waiting, not the daemon";
  EXPECT_THAT(left.err, HasSubstr("oomcast: INCOMPLETE: processes still running: "));
}

TEST_F(LostReports, WithTheLibraryAloneAMistakeIsSaidOnTheProgramsStderr) {
  const std::string preloaded = "OOMCAST_REPORT=r.json LD_PRELOAD=$LIBRARY sh -c 'exit 3'";
  Finished host = sh("OOMCAST_HOST=no-such-host " + preloaded);
  EXPECT_EQ(host.status, 3);
  EXPECT_THAT(host.err, AllOf(StartsWith("oomcast: "), HasSubstr("no-such-host")));
  Finished options = sh("OOMCAST_OPTIONS=--no-such-option " + preloaded);
  EXPECT_EQ(options.status, 3);
  EXPECT_THAT(options.err, StartsWith("oomcast: OOMCAST_OPTIONS: "));
  EXPECT_EQ(sh("OOMCAST_HOST=vm-1g " + preloaded).err, "");
}

}  // namespace
}  // namespace oomcast::end_to_end
