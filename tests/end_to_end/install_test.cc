// What `cmake --install` puts down is complete, and works from there.
#include <gmock/gmock.h>
#include <oomcast_paths.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

class Install : public EndToEnd {
 protected:
  void SetUp() override {
    Finished finished = sh("cmake --install " OOMCAST_BINARY_DIR " --prefix $PWD/usr");
    if (finished.status == 127) GTEST_SKIP() << "no cmake on PATH";
    ASSERT_EQ(finished.status, 0) << finished.err;
  }
  fs::path library() const {
    for (const auto& entry : fs::recursive_directory_iterator(at("usr")))
      if (entry.path().filename() == "liboomcast.so") return entry.path();
    return {};
  }
};

TEST_F(Install, PutsCommandLibrarySchemasAndManPage) {
  for (const char* name :
       {"usr/bin/oomcast", "usr/share/man/man1/oomcast.1", "usr/share/oomcast/schema/oomcast.report.v1.json",
        "usr/share/oomcast/schema/oomcast.host.v1.json", "usr/share/bash-completion/completions/oomcast",
        "usr/share/zsh/site-functions/_oomcast", "usr/share/doc/oomcast/copyright", "usr/share/doc/oomcast/SECURITY.md",
        "usr/share/doc/oomcast/examples/service/systemd/oomcast-attach@.service"})
    EXPECT_TRUE(fs::exists(at(name))) << name;
  EXPECT_EQ(library().parent_path().filename(), "oomcast") << "not among the libraries that programs link with";
}

TEST_F(Install, TheInstalledCommandRuns) {
  Finished finished =
      sh("usr/bin/oomcast run --quiet --host " + std::string(kHost) + " -- sh -c 'echo ${LD_PRELOAD%% *}'");
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_EQ(finished.out, fs::canonical(library()).string() + "\n")
      << "must preload its own library, not the build tree's";
  EXPECT_EQ(report()["verdict"], "fits");
}

TEST_F(Install, TheInstalledLibraryFindsTheInstalledCommand) {
  Finished finished =
      sh("export OOMCAST_REPORT=$PWD/alone.json OOMCAST_HOST=" + std::string(kHost) +
         "\nLD_PRELOAD=" + library().string() +
         " /bin/true\nn=0; while [ ! -s alone.json ] && [ $n -lt 200 ]; do sleep 0.1; n=$((n+1)); done");
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_EQ(report("alone.json")["schema"], "oomcast.report.v1");
}

}  // namespace
}  // namespace oomcast::end_to_end
