// A sweep that is run in parts, by hand or as an Indexed Job would, gives what one machine gives.
#include <gmock/gmock.h>
#include <yaml-cpp/yaml.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class Fleet : public EndToEnd {
 protected:
  void SetUp() override {
    ASSERT_EQ(run("dd if=/dev/zero of=/dev/null bs=50M count=1 status=none", "--trace t.trace --quiet").status, 0);
    fs::create_directory(at("hosts"));
    ASSERT_EQ(sh("for size in 96M 1G; do $OOMCAST host show vm-1g --json | sed \"s/vm-1g/box-$size/\" "
                 ">hosts/box-$size.json; done; sed -i 's/\"memory\": \"1G\"/\"memory\": \"96M\"/' hosts/box-96M.json")
                  .status,
              0);
  }
  /// Three sizes of two hosts: six rows.
  static std::string sweep(const std::string& options) {
    return "$OOMCAST sweep t.trace --hosts hosts --set vm.overcommit_memory=1 --vary memory=48M,64M,1G " + options;
  }
};

TEST_F(Fleet, PartsRunByHandMergeToTheSweepOfOneMachine) {
  const Finished table = sh(sweep("--html whole.html"));
  ASSERT_EQ(table.status, 0) << table.err;
  EXPECT_EQ(lines(table.out) >= 7, true) << table.out;
  const std::string json = sh(sweep("--json")).out;
  for (const char* part : {"3/4", "1/4", "4/4", "2/4"}) {
    const Finished one = sh(sweep("--parts parts --part " + std::string(part)));
    EXPECT_EQ(one.status, 0) << one.err;
    EXPECT_EQ(one.out, "");
    EXPECT_THAT(one.err, HasSubstr("wrote parts/part-000"));
  }
  const Finished merged = sh(sweep("--parts parts --merge --html merged.html"));
  EXPECT_EQ(merged.status, 0) << merged.err;
  EXPECT_EQ(merged.out, table.out);
  EXPECT_EQ(sh(sweep("--parts parts --merge --json")).out, json);
  EXPECT_EQ(content(at("merged.html")), content(at("whole.html")));
}

TEST_F(Fleet, APartThatIsThereIsNotRunAgain) {
  ASSERT_EQ(sh(sweep("--parts parts --part 1/2")).status, 0);
  const auto written = fs::last_write_time(at("parts/part-0001-of-0002.jsonl"));
  const Finished again = sh(sweep("--parts parts --part 1/2"));
  EXPECT_EQ(again.status, 0);
  EXPECT_THAT(again.err, HasSubstr("part 1/2 is there already"));
  EXPECT_EQ(fs::last_write_time(at("parts/part-0001-of-0002.jsonl")), written);
}

TEST_F(Fleet, LostHalfWrittenAndForeignPartsAreNamedEach) {
  for (const char* part : {"1/4", "3/4", "4/4"})
    ASSERT_EQ(sh(sweep("--parts parts --part " + std::string(part))).status, 0);
  ASSERT_EQ(sh(sweep("--parts others --oom-score-adj 7 --part 4/4")).status, 0);
  fs::rename(at("others/part-0004-of-0004.jsonl"), at("parts/part-0004-of-0004.jsonl"));
  fs::resize_file(at("parts/part-0003-of-0004.jsonl"), 700);
  const Finished merged = sh(sweep("--parts parts --merge --html no.html"));
  EXPECT_EQ(merged.status, 2);
  EXPECT_EQ(merged.out, "");
  EXPECT_FALSE(fs::exists(at("no.html")));
  EXPECT_THAT(merged.err, AllOf(HasSubstr("part 2 of 4 is missing"), HasSubstr("part 3 of 4 is cut off after"),
                                HasSubstr("part 4 of 4 is of another sweep"), HasSubstr("3 parts are not there")));
  EXPECT_EQ(lines(merged.err), 4) << merged.err;
  // A part that is cut off is made again; a part of another sweep is not overwritten.
  EXPECT_EQ(sh(sweep("--parts parts --part 3/4")).status, 0);
  EXPECT_EQ(sh(sweep("--parts parts --part 4/4")).status, 2);
}

TEST_F(Fleet, AHostThatChangedMeanwhileIsNamed) {
  for (const char* part : {"1/2", "2/2"}) ASSERT_EQ(sh(sweep("--parts parts --part " + std::string(part))).status, 0);
  ASSERT_EQ(sh("sed -i 's/\"swappiness\": [0-9]*/\"swappiness\": 1/' hosts/box-96M.json").status, 0);
  EXPECT_THAT(sh(sweep("--parts parts --merge")).err,
              HasSubstr("part 2 of 2 was made when its hosts were described otherwise"));
  ASSERT_EQ(sh("rm parts/*; " + sweep("--parts parts --part 1/2") + " && " + sweep("--parts parts --part 2/2")).status,
            0);
  EXPECT_EQ(sh(sweep("--parts parts --merge")).status, 0);
}

TEST_F(Fleet, AnIndexedJobRunsThePartsFromItsManifest) {
  const Finished manifest = sh(sweep("--parts parts --engine k8s --split 3 --image oomcast:test"));
  ASSERT_EQ(manifest.status, 0) << manifest.err;
  const YAML::Node job = YAML::Load(manifest.out), spec = job["spec"];
  const YAML::Node container = spec["template"]["spec"]["containers"][0];
  EXPECT_EQ(container["image"].as<std::string>(), "oomcast:test");
  // As a kubelet would, without one: the shell of the image, the index of the pod, the folder that is mounted.
  std::ofstream(at("pod.sh")) << container["args"][0].as<std::string>() << "\n";
  for (int index = 0; index < spec["completions"].as<int>(); ++index) {
    const Finished pod =
        sh("PATH=$(dirname $OOMCAST):$PATH JOB_COMPLETION_INDEX=" + std::to_string(index) + " sh pod.sh");
    EXPECT_EQ(pod.status, 0) << pod.err;
  }
  EXPECT_EQ(sh(sweep("--parts parts --merge")).out, sh(sweep("")).out);
}

TEST_F(Fleet, MistakesAreOneLineAndNothingIsWritten) {
  for (const char* options :
       {"--part 1/2", "--parts parts", "--parts parts --part 3/2", "--parts parts --part 1/7", "--parts parts --part 1",
        "--parts parts --part 1/2 --merge", "--parts parts --part 1/2 --json", "--parts parts --merge",
        "--parts parts --no-wait --merge", "--host vm-1g", "--parts t.trace --part 1/2", "--engine slurm",
        "--parts parts --engine k8s --split 99", "--parts /nowhere/parts --engine k8s --hosts /nowhere"}) {
    const Finished finished = sh(sweep(options));
    EXPECT_EQ(finished.status, 2) << options;
    EXPECT_THAT(finished.err, StartsWith("oomcast: sweep: ")) << options;
    EXPECT_EQ(lines(finished.err), 1) << finished.err;
    EXPECT_FALSE(fs::exists(at("parts/part-0001-of-0002.jsonl"))) << options;
  }
  EXPECT_THAT(sh("$OOMCAST sweep t.trace --vary memroy=1G,2G --parts parts --engine k8s").err, HasSubstr("memroy"))
      << "found before a task is asked to";
  EXPECT_THAT(sh("$OOMCAST sweep t.trace --host this --vary memory=1G,2G --parts parts --part 1/2").err,
              HasSubstr("'this' is another machine for each part"));
}

TEST_F(Fleet, WithoutSlurmItsPackageIsNamed) {
  const Finished finished = sh("mkdir bin; PATH=$PWD/bin; " + sweep("--parts parts --engine slurm"));
  EXPECT_EQ(finished.status, 2);
  EXPECT_THAT(finished.err, AllOf(HasSubstr("squeue: No such file or directory"), HasSubstr("slurm-client")));
}

}  // namespace
}  // namespace oomcast::end_to_end
