// A sweep on a real Slurm: its tasks are killed and lost, and the result is that of one machine.
#include <gmock/gmock.h>

#include <memory>

#include "tests/end_to_end/oomcast_run.h"
#include "tests/end_to_end/slurm_cluster.h"

namespace oomcast::end_to_end {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Slurm : public EndToEnd {
 protected:
  void SetUp() override {
    if (const std::string problem = SlurmCluster::problem(); !problem.empty()) GTEST_SKIP() << problem;
    cluster_ = std::make_unique<SlurmCluster>();
    ASSERT_TRUE(cluster_->is_up()) << content(cluster_->folder() / "log/munged.out")
                                   << content(cluster_->folder() / "log/slurmctld.log");
    ASSERT_EQ(run(kReads300M, "--trace t.trace --quiet").status, 0);
  }

  std::string sweep(const std::string& options) const {
    return "SLURM_CONF=" + (cluster_ ? cluster_->configuration() : "") +
           " $OOMCAST sweep t.trace --set vm.overcommit_memory=1 --vary memory=256M..740M:4M " + options;
  }
  std::string on_slurm(const std::string& options) const { return sweep("--parts parts --engine slurm " + options); }
  fs::path part(int number, int parts) const {
    char name[40];
    std::snprintf(name, sizeof name, "parts/part-%04d-of-%04d.jsonl", number, parts);
    return at(name);
  }

  /// Ends the process of that part by SIGKILL as soon as there is one; false: the part was there before.
  bool kill_task(int number, int parts) const {
    const std::string word = "--part=" + std::to_string(number) + "/" + std::to_string(parts);
    for (int i = 0; i < 60000 && !fs::exists(part(number, parts)); ++i) {
      std::error_code failed;
      for (const auto& entry : fs::directory_iterator("/proc", failed)) {
        const std::string command = content(entry.path() / "cmdline");
        if (command.find(std::string(1, '\0') + word + '\0') == std::string::npos ||
            command.find(directory_.string()) == std::string::npos)
          continue;
        ::kill(std::atoi(entry.path().filename().c_str()), SIGKILL);
        return !fs::exists(part(number, parts));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }

  std::unique_ptr<SlurmCluster> cluster_;
};

TEST_F(Slurm, GivesTheSweepOfOneMachine) {
  const Finished table = sh(sweep("--html whole.html"));
  ASSERT_EQ(table.status, 0) << table.err;
  const Finished merged = sh(on_slurm("--split 5 --html merged.html"));
  EXPECT_EQ(merged.status, 0) << merged.err;
  EXPECT_EQ(merged.out, table.out);
  EXPECT_EQ(content(at("merged.html")), content(at("whole.html")));
  for (int number = 1; number <= 5; ++number) EXPECT_TRUE(fs::exists(part(number, 5))) << number;
  EXPECT_EQ(sh(on_slurm("--json")).out, sh(sweep("--json")).out) << "from the parts that are there";
}

TEST_F(Slurm, ATaskThatIsKilledIsRunAgain) {
  const std::string whole = sh(sweep("")).out;
  std::thread killer([this] { EXPECT_TRUE(kill_task(2, 3)); });
  const Finished merged = sh(on_slurm("--split 3"));
  killer.join();
  EXPECT_EQ(merged.status, 0) << merged.err;
  EXPECT_THAT(merged.err, HasSubstr("the task of part 2 has ended without a result; it is submitted again"));
  EXPECT_EQ(merged.out, whole);
}

TEST_F(Slurm, WhatIsMissingIsNamedAndOnlyThatIsRun) {
  const std::string whole = sh(sweep("")).out;
  ASSERT_EQ(sh(on_slurm("--split 4")).status, 0);
  fs::remove(part(2, 4));
  fs::resize_file(part(3, 4), fs::file_size(part(3, 4)) / 2);
  const Finished merged = sh(sweep("--parts parts --merge"));
  EXPECT_EQ(merged.status, 2);
  EXPECT_THAT(merged.err, AllOf(HasSubstr("part 2 of 4 is missing"), HasSubstr("part 3 of 4 is cut off")));
  const auto first = fs::last_write_time(part(1, 4)), last = fs::last_write_time(part(4, 4));
  fs::remove(at("parts/part-1.log"));
  const Finished again = sh(on_slurm(""));
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(again.out, whole);
  EXPECT_EQ(fs::last_write_time(part(1, 4)), first);
  EXPECT_EQ(fs::last_write_time(part(4, 4)), last);
  EXPECT_FALSE(fs::exists(at("parts/part-1.log"))) << "no task for a part that is there";
}

TEST_F(Slurm, ASecondCallWaitsForTheTasksOfTheFirst) {
  // A node that takes no work: what was submitted is still there when the second call asks.
  cluster_->asked("scontrol update nodename=node state=drain reason=test");
  const Finished first = sh(on_slurm("--split 3 --no-wait"));
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(first.out, "");
  EXPECT_THAT(first.err, HasSubstr("3 of 3 parts submitted, 0 there"));
  EXPECT_THAT(sh(on_slurm("--split 3 --no-wait")).err, HasSubstr("0 of 3 parts submitted, 0 there"));
  // Another folder or another sweep has tasks of its own.
  EXPECT_THAT(sh(sweep("--parts more --engine slurm --split 3 --no-wait")).err, HasSubstr("3 of 3 parts submitted"));
  cluster_->asked("scontrol update nodename=node state=resume");
  const Finished second = sh(on_slurm("--split 3"));
  EXPECT_EQ(second.status, 0) << second.err;
  EXPECT_EQ(second.out, sh(sweep("")).out);
}

TEST_F(Slurm, ATaskThatCannotSucceedIsGivenUpWithItsLastWords) {
  cluster_->asked("scontrol update nodename=node state=drain reason=test");
  // The recording is gone when the tasks begin, as one that is not on a shared filesystem.
  std::thread remover([this] {
    for (int i = 0; i < 6000 && cluster_->asked("squeue --noheader --array --format=%K") != "1\n2\n"; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    fs::rename(at("t.trace"), at("moved.trace"));
    cluster_->asked("scontrol update nodename=node state=resume");
  });
  const Finished finished = sh(on_slurm("--split 2"));
  remover.join();
  EXPECT_EQ(finished.status, 2);
  EXPECT_EQ(finished.out, "");
  EXPECT_THAT(finished.err,
              AllOf(HasSubstr("part 1 of 2 is lost: its task has ended twice without a result; the end of "
                              "parts/part-1.log: oomcast: sweep: trace: t.trace: No such file or directory"),
                    HasSubstr("part 2 of 2 is lost"), HasSubstr("the same call again runs them once more")));
  fs::rename(at("moved.trace"), at("t.trace"));
  EXPECT_EQ(sh(on_slurm("--split 2")).out, sh(sweep("")).out);
}

}  // namespace
}  // namespace oomcast::end_to_end
