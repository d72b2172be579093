// The example workflows and tests in report/gates/examples do what they promise: their commands are run as they stand.
#include <gmock/gmock.h>
#include <yaml-cpp/yaml.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// A project that took over all examples, with oomcast on the PATH.
class GateExamples : public EndToEnd {
 protected:
  GateExamples() {
    for (const auto& entry : fs::directory_iterator(OOMCAST_SOURCE_DIR "/report/gates/examples"))
      fs::copy(entry.path(), at(entry.path().filename().string()));
  }
  YAML::Node workflow(const std::string& name) const { return YAML::Load(content(at(name))); }

  /// Runs the commands of a step as a CI system does, in a shell that stops at the first failure. `mib`: how much the
  /// program takes.
  Finished step(const std::string& commands, int mib) const {
    std::ofstream(at("step.sh")) << "set -e\n" << commands << "\n";
    return sh("export PATH=$(dirname $OOMCAST):/usr/bin:$PATH CFLAGS=-DMIB=" + std::to_string(mib) +
              " TARGET=vm-1g GITHUB_STEP_SUMMARY=summary.md\nsh step.sh");
  }
};

TEST_F(GateExamples, TheGithubWorkflowPassesWhileTheProgramKeepsItsBudget) {
  int commands = 0;
  for (const auto& one : workflow("github.yml")["jobs"]["memory"]["steps"]) {
    if (!one["run"]) continue;
    Finished finished = step(one["run"].as<std::string>(), 40);
    EXPECT_EQ(finished.status, 0) << one["name"] << finished.out << finished.err;
    ++commands;
  }
  EXPECT_EQ(commands, 4);
  EXPECT_THAT(content(at("oomcast.xml")), AllOf(HasSubstr("<testcase"), Not(HasSubstr("<failure"))));
  EXPECT_THAT(content(at("summary.md")), HasSubstr("| app.footprint_peak_bytes | ok |"));
}

TEST_F(GateExamples, TheGithubWorkflowFailsAtItsCheckWhenTheProgramGrows) {
  std::string failed;
  for (const auto& one : workflow("github.yml")["jobs"]["memory"]["steps"]) {
    if (!one["run"]) continue;
    Finished finished = step(one["run"].as<std::string>(), 100);
    if (finished.status == 0) continue;
    failed += one["name"].as<std::string>();
    EXPECT_THAT(finished.out, HasSubstr("::error title=oomcast app.footprint_peak_bytes::"));
  }
  EXPECT_EQ(failed, "Check the budget");
  EXPECT_THAT(content(at("oomcast.xml")), HasSubstr("<failure"));
}

TEST_F(GateExamples, TheGitlabJobFailsWhenTheProgramGrowsOrIsWorseThanMain) {
  const auto run_job = [&](int mib) {
    Finished finished;
    for (const auto& line : workflow("gitlab-ci.yml")["memory"]["script"])
      if (finished = step(line.as<std::string>(), mib); finished.status != 0) break;
    for (const auto& line : workflow("gitlab-ci.yml")["memory"]["after_script"])
      EXPECT_EQ(step(line.as<std::string>(), mib).status, 0);
    return finished;
  };
  EXPECT_EQ(run_job(30).status, 0);
  fs::rename(at("run1.json"), at("main.json"));
  EXPECT_THAT(run_job(50).out, HasSubstr("app.footprint_peak_bytes"));  // within the budget, but worse than main
  EXPECT_EQ(run_job(50).status, 1);
  fs::remove(at("main.json"));
  EXPECT_EQ(run_job(50).status, 0);
  EXPECT_EQ(run_job(100).status, 1);
}

TEST_F(GateExamples, TheCtestFailsWhenTheProgramGrows) {
  const std::string build =
      "cmake -S . -B b -DCMAKE_C_FLAGS=$CFLAGS >/dev/null && cmake --build b >/dev/null && cd b && ctest";
  EXPECT_EQ(step(build, 40).status, 0);
  Finished grown = step(build, 100);
  EXPECT_NE(grown.status, 0);
  EXPECT_THAT(grown.out, AllOf(HasSubstr("fill_memory (Failed)"), Not(HasSubstr("fill_memory_run (Failed)"))));
}

TEST_F(GateExamples, ThePytestFailsWhenTheProgramGrows) {
  if (sh("/usr/bin/python3 -m pytest --version").status != 0)
    GTEST_SKIP() << "no pytest here; on Debian: python3-pytest";
  const std::string build = "cc $CFLAGS -o fill fill.c && python3 -m pytest -q -p no:cacheprovider test_memory.py";
  EXPECT_EQ(step(build, 40).status, 0);
  Finished grown = step(build, 100);
  EXPECT_EQ(grown.status, 1);
  EXPECT_THAT(grown.out, HasSubstr("FAILED  app.footprint_peak_bytes"));
}

}  // namespace
}  // namespace oomcast::end_to_end
