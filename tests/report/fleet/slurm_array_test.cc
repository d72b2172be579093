// Slurm is asked for one job array, and its answers are understood, be they good or bad.
#include "report/fleet/slurm_array.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace oomcast::report {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

/// Stands in for sbatch and squeue.
struct FakeSlurm {
  CommandResult answer;
  std::vector<std::vector<std::string>> asked;
  CommandRunner runner() {
    return [this](const std::vector<std::string>& words) -> Result<CommandResult> {
      asked.push_back(words);
      return answer;
    };
  }
};

SlurmTask task() {
  return {"oomcast-1", "/home/u", "/home/u/50%", {"/opt/oomcast", "sweep", "it's.trace", "--part=@PART@/9"}, 2};
}

TEST(SlurmArray, SubmitsOneArrayOfTheParts) {
  FakeSlurm slurm{{0, "17\n", ""}, {}};
  SlurmArray array(task(), slurm.runner());
  ASSERT_TRUE(array.submit({1, 3, 4, 5}).ok());
  ASSERT_EQ(slurm.asked.size(), 1u);
  const auto& words = slurm.asked.front();
  EXPECT_EQ(words.front(), "sbatch");
  EXPECT_THAT(words, Contains("--array=1,3-5"));
  EXPECT_THAT(words, Contains("--job-name=oomcast-1"));
  EXPECT_THAT(words, Contains("--chdir=/home/u"));
  EXPECT_THAT(words, Contains("--output=/home/u/50%%/part-%a.log"));
  EXPECT_THAT(words, Contains("--cpus-per-task=2"));
  EXPECT_THAT(words.back(),
              "--wrap=exec '/opt/oomcast' 'sweep' 'it'\\''s.trace' '--part='\"$SLURM_ARRAY_TASK_ID\"'/9'");
}

TEST(SlurmArray, KnowsWhichPartsSlurmHas) {
  FakeSlurm slurm{{0, "3|PENDING|Resources\n4|PENDING|Resources\n", ""}, {}};
  SlurmArray array(task(), slurm.runner());
  auto queued = array.queued();
  ASSERT_TRUE(queued.ok());
  EXPECT_THAT(queued->parts, ElementsAre(3u, 4u));
  EXPECT_EQ(queued->waiting_for, "Resources");
  slurm.answer.out = "3|RUNNING|None\n4|PENDING|Resources\n";
  EXPECT_EQ(array.queued()->waiting_for, "");
  slurm.answer.out = "3|PENDING|None\n";
  EXPECT_EQ(array.queued()->waiting_for, "") << "Slurm has not scheduled it yet";
  slurm.answer.out = "";
  EXPECT_TRUE(array.queued()->parts.empty());
}

TEST(SlurmArray, SaysWhatSlurmSays) {
  FakeSlurm slurm{{1, "", "sbatch: error: Batch job submission failed: Invalid job array specification\nmore\n"}, {}};
  SlurmArray array(task(), slurm.runner());
  auto submitted = array.submit({1});
  ASSERT_FALSE(submitted.ok());
  EXPECT_THAT(submitted.error().message, HasSubstr("Invalid job array specification"));
  EXPECT_THAT(submitted.error().message, HasSubstr("try a smaller --split"));
  EXPECT_EQ(submitted.error().message.find('\n'), std::string::npos);
  EXPECT_FALSE(array.queued().ok());
}

TEST(SlurmArray, AnAnswerThatIsNoneIsAnError) {
  for (const char* out : {"N/A|PENDING|None\n", "3\n", "|||\n", "3x|RUNNING|None\n", "\n"}) {
    FakeSlurm slurm{{0, out, ""}, {}};
    EXPECT_FALSE(SlurmArray(task(), slurm.runner()).queued().ok()) << out;
  }
}

TEST(SlurmArray, WithoutSlurmTheCommandAndThePackageAreNamed) {
  const CommandRunner none = [](const std::vector<std::string>& words) -> Result<CommandResult> {
    return Error{words[0] + ": No such file or directory"};
  };
  auto queued = SlurmArray(task(), none).queued();
  ASSERT_FALSE(queued.ok());
  EXPECT_THAT(queued.error().message, HasSubstr("squeue: No such file or directory; "));
  EXPECT_THAT(queued.error().message, HasSubstr("slurm-client"));
}

TEST(ShellLine, QuotesWhatAShellWouldTake) { EXPECT_EQ(shell_line({"a b", "$x;`y`", ""}, "1"), "'a b' '$x;`y`' ''"); }

}  // namespace
}  // namespace oomcast::report
