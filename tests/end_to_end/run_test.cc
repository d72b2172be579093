// A real program runs as if oomcast were not there, and gives a report that keeps to its contract.
#include <gmock/gmock.h>
#include <oomcast_paths.h>

#include "tests/end_to_end/oomcast_run.h"
#include "tests/report/schema_check.h"

namespace oomcast::end_to_end {
namespace {

using testing::HasSubstr;

class Run : public EndToEnd {};

/// False where this machine allows no tracker at all; then a forecast is rightly withheld.
bool tracked(const Json& report) { return report["coverage"]["tracker"] != "none"; }

TEST_F(Run, OutputAndStatusAreTheProgramsOwn) {
  Finished finished = run("sh -c 'echo out; echo err >&2; exit 7'", "--quiet");
  EXPECT_EQ(finished.status, 7);
  EXPECT_EQ(finished.out, "out\n");
  EXPECT_EQ(finished.err, "err\n");
  EXPECT_EQ(report()["exit"].dump(), R"({"code":7,"signal":null})");
}

TEST_F(Run, TheLogNamesHowEachProcessIsWatchedAndHowItEnds) {
  const Finished logged = run("sh -c 'true; /bin/true'", "--quiet --log-level info");
  EXPECT_EQ(logged.status, 0);
  if (!tracked(report())) GTEST_SKIP() << "no tracker can run here";
  EXPECT_THAT(logged.err, HasSubstr("(sh) is watched by "));
  EXPECT_THAT(logged.err, HasSubstr("has ended: status 0"));
  EXPECT_EQ(run("true", "--quiet").err, "");
}

TEST_F(Run, TheReportKeepsToTheSchema) {
  ASSERT_EQ(run(kReads300M).status, 0);
  EXPECT_THAT(schema_violations(report().dump()), testing::IsEmpty());
}

TEST_F(Run, SeesTheMemoryThatAProgramReadsInto) {
  ASSERT_EQ(run(kReads300M).status, 0);
  Json r = report();
  if (!tracked(r)) GTEST_SKIP() << "no tracker can run here: " << r["coverage"]["caveats"].dump();
  EXPECT_NEAR(r["coverage"]["ratio"].get<double>(), 1.0, 0.03);
  EXPECT_NEAR(r["app"]["footprint_peak_bytes"].get<double>(), 300e6 * 1.048576, 10e6);
  EXPECT_EQ(r["verdict"], "fits");
}

TEST_F(Run, AHostThatIsTooSmallGivesAnOomKillAndFailsTheGate) {
  Finished finished = run("dd if=/dev/zero of=/dev/null bs=1100M count=1 status=none",
                          "--set vm.overcommit_memory=1 --fail-on oom_kill");
  Json r = report();
  if (!tracked(r)) GTEST_SKIP() << "no tracker can run here";
  EXPECT_EQ(finished.status, 3);
  EXPECT_EQ(r["verdict"], "oom_kill");
  EXPECT_EQ(r["oom_kills"][0]["victim"]["comm"], "dd");
  EXPECT_EQ(r["exit"]["code"], 0) << "on-oom is continue: the program itself runs to its end";
  EXPECT_THAT(finished.err, HasSubstr("OOM KILL"));
}

TEST_F(Run, OneRequestBeyondRamAndSwapIsRefused) {
  ASSERT_EQ(run("dd if=/dev/zero of=/dev/null bs=1100M count=1 status=none").status, 0);
  Json r = report();
  if (!tracked(r)) GTEST_SKIP() << "no tracker can run here";
  ASSERT_EQ(r["verdict"], "alloc_refused") << r.dump(1);
  EXPECT_THAT(r["first"]["alloc_refused"]["why"].get<std::string>(), HasSubstr("vm.overcommit_memory=0"));
}

TEST_F(Run, OnOomKillEndsTheProgramForReal) {
  Finished finished =
      run("dd if=/dev/zero of=/dev/null bs=1100M count=1 status=none", "--set vm.overcommit_memory=1 --on-oom kill");
  Json r = report();
  if (!tracked(r)) GTEST_SKIP() << "no tracker can run here";
  EXPECT_EQ(finished.status, 137);
  EXPECT_EQ(r["exit"]["signal"], 9);
}

TEST_F(Run, AGuestKilledBySigkillStillGivesAReportThatSaysSo) {
  Finished finished = run("sh -c 'kill -9 $$'");
  EXPECT_EQ(finished.status, 137);
  EXPECT_EQ(report()["exit"].dump(), R"({"code":null,"signal":9})");
  EXPECT_THAT(finished.err, HasSubstr("signal 9 (SIGKILL)"));
}

TEST_F(Run, AGuestOutlivesARecorderThatIsKilled) {
  Finished finished =
      sh("$OOMCAST run --host " + std::string(kHost) +
         " -- sh -c 'sleep 2; dd if=/dev/zero of=/dev/null bs=50M count=1 status=none && echo alive > marker' & "
         "sleep 1; kill -9 $!; wait $!; n=0; while [ ! -s marker ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done; "
         "cat marker");
  EXPECT_EQ(finished.out, "alive\n");
  EXPECT_TRUE(nothing_written());
}

TEST_F(Run, WithoutPrivilegeTheProgramRunsAndTheReportSaysWhatIsMissing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to drop privileges";
  constexpr const char* kDrop = "setpriv --reuid=65534 --regid=65534 --clear-groups ";
  if (sh(std::string(kDrop) + "$OOMCAST --version").status != 0)
    GTEST_SKIP() << "the build tree is not readable for others";
  Finished finished = sh(std::string(kDrop) + "$OOMCAST run --host " + kHost + " -- sh -c 'echo fine; exit 5'");
  EXPECT_EQ(finished.status, 5) << finished.err;
  EXPECT_EQ(finished.out, "fine\n");
  Json r = report();
  if (!tracked(r)) {
    EXPECT_THAT(r["coverage"]["caveats"].dump(), testing::ContainsRegex("sudo|sysctl|chmod|setcap"));
  }
}

TEST_F(Run, QuietSaysNothing) { EXPECT_EQ(run("true", "--quiet").err, ""); }

TEST_F(Run, PidInTheReportName) {
  ASSERT_EQ(run("sh -c 'echo $$ > pid'", "--report r.%p.json").status, 0);
  std::string pid = content(at("pid"));
  EXPECT_TRUE(has_report("r." + pid.substr(0, pid.size() - 1) + ".json"));
}

TEST_F(Run, TheLibraryAloneDoesTheSame) {
  Finished finished = sh(std::string("export OOMCAST_HOST=") + kHost +
                         " OOMCAST_REPORT=$PWD/alone.json OOMCAST_OPTIONS=--quiet\nLD_PRELOAD=$LIBRARY " + kReads300M +
                         "\nn=0; while [ ! -s alone.json ] && [ $n -lt 200 ]; do sleep 0.1; n=$((n+1)); done");
  EXPECT_EQ(finished.status, 0) << finished.err;
  Json r = report("alone.json");
  EXPECT_EQ(r["schema"], "oomcast.report.v1");
  if (tracked(r)) {
    EXPECT_GT(r["app"]["footprint_peak_bytes"].get<int64_t>(), 290'000'000);
  }
}

TEST_F(Run, TheMachineAtHandIsAHostToo) {
  Finished finished = sh("$OOMCAST run -- true");
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_EQ(report()["host"]["name"], "this");
}

}  // namespace
}  // namespace oomcast::end_to_end
