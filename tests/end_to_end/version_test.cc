// The commit that --version names: that of the checkout at hand, read in each build and written only when it changes.
#include <gmock/gmock.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::HasSubstr;

/// A project of one file, named as the build names its own: what report/commit.cmake says of it.
class BuiltCommit : public EndToEnd {
 protected:
  void SetUp() override {
    fs::create_directory(at("source"));
    if (sh("cmake --version && git --version").status != 0) GTEST_SKIP() << "no cmake or no git on PATH";
  }
  std::string written(const std::string& more = "") const {
    EXPECT_EQ(
        sh("cmake -DSOURCE=$PWD/source -DOUT=$PWD/commit.cc " + more + " -P " OOMCAST_SOURCE_DIR "/report/commit.cmake")
            .status,
        0)
        << content(at("err"));
    return content(at("commit.cc"));
  }
  void git(const std::string& words) const {
    const Finished done = sh("unset GIT_DIR GIT_WORK_TREE\ncd source && git -c user.name=n -c user.email=e " + words);
    ASSERT_EQ(done.status, 0) << done.err;
  }
  std::string head() const { return sh("git -C source rev-parse --short=12 HEAD | tr -d '\\n'").out; }
};

TEST_F(BuiltCommit, IsUnknownOutsideAGitCheckoutUnlessThePackagerSaysIt) {
  EXPECT_THAT(written(), HasSubstr("\"unknown\""));
  EXPECT_THAT(written("-DCOMMIT=0123456789ab"), HasSubstr("\"0123456789ab\""));
  EXPECT_THAT(written("'-DCOMMIT=\"; broken'"), HasSubstr("\"unknown\""));
}

TEST_F(BuiltCommit, FollowsTheCheckout) {
  git("init -q .");
  std::ofstream(at("source/file")) << "one\n";
  git("add file");
  git("commit -q -m one");
  const std::string first = head();
  EXPECT_THAT(written(), HasSubstr("\"" + first + "\""));
  std::ofstream(at("source/file")) << "two\n";
  EXPECT_THAT(written(), HasSubstr("\"" + first + "-dirty\""));
  git("tag v1");
  git("commit -q -a -m two");
  EXPECT_NE(head(), first);
  EXPECT_THAT(written(), HasSubstr("\"" + head() + "\"")) << "a tag takes no part";
}

TEST_F(BuiltCommit, CompilesNothingWhileItStaysTheSame) {
  written();
  const auto before = fs::last_write_time(at("commit.cc")) - std::chrono::hours(1);
  fs::last_write_time(at("commit.cc"), before);
  written();
  EXPECT_EQ(fs::last_write_time(at("commit.cc")), before);
}

TEST_F(BuiltCommit, IgnoresTheRepositoryAroundATarball) {
  ASSERT_EQ(sh("git init -q . && git -c user.name=n -c user.email=e commit -q --allow-empty -m outer").status, 0);
  EXPECT_THAT(written(), HasSubstr("\"unknown\""));
}

}  // namespace
}  // namespace oomcast::end_to_end
