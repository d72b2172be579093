// The small verbs do what their help says: version, doctor, host and check.
#include <gmock/gmock.h>

#include <regex>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::HasSubstr;

class Command : public EndToEnd {};

TEST_F(Command, VersionNamesTheCommit) {
  const std::regex line("oomcast [0-9]+[.][0-9]+[.][0-9]+ \\(commit ([0-9a-f]{12}(-dirty)?|unknown)\\)\n");
  const std::string version = sh("$OOMCAST --version").out;
  EXPECT_TRUE(std::regex_match(version, line)) << version;
}

TEST_F(Command, DoctorNamesATracker) {
  Finished finished = sh("$OOMCAST doctor");
  EXPECT_EQ(finished.status, 0);
  EXPECT_THAT(finished.out, HasSubstr("userfaultfd"));
}

TEST_F(Command, HostListNamesThePresets) { EXPECT_THAT(sh("$OOMCAST host list").out, HasSubstr(kHost)); }

TEST_F(Command, AShownHostCanBePassedBack) {
  ASSERT_EQ(sh(std::string("$OOMCAST host show ") + kHost + " --json > host.json").status, 0);
  Finished again = sh("$OOMCAST host show host.json --json > again.json");
  EXPECT_EQ(again.status, 0) << again.err;
  Json host = Json::parse(content(at("host.json"))), round = Json::parse(content(at("again.json")));
  EXPECT_EQ(host["nodes"], round["nodes"]);
}

TEST_F(Command, ACapturedMachineIsAHost) {
  Finished captured = sh("$OOMCAST host capture box && $OOMCAST host show box");
  EXPECT_EQ(captured.status, 0) << captured.err;
  EXPECT_TRUE(fs::exists(at("box/proc/zoneinfo")));
  EXPECT_THAT(captured.out, HasSubstr("box"));
}

TEST_F(Command, AMachineCapturedInOneFileIsAHost) {
  const Finished captured = sh("$OOMCAST host capture --file box.snapshot && $OOMCAST host show box.snapshot");
  EXPECT_EQ(captured.status, 0) << captured.err;
  EXPECT_THAT(captured.out, HasSubstr("box: kernel"));
  EXPECT_EQ(content(at("box.snapshot")).rfind("\n==> end <==\n"), content(at("box.snapshot")).size() - 13);
  const Finished piped = sh("$OOMCAST host capture --file - | tee copy.snapshot | $OOMCAST host show /dev/stdin");
  EXPECT_EQ(piped.status, 0) << piped.err;
  EXPECT_THAT(piped.out, HasSubstr(": kernel"));
  const Finished cut = sh("head -c 5000 box.snapshot >cut.snapshot; $OOMCAST run --host cut.snapshot -- touch started");
  EXPECT_EQ(cut.status, 2);
  EXPECT_THAT(cut.err, HasSubstr("is missing; the file is cut off, copy it again"));
  EXPECT_FALSE(fs::exists(at("started")));
}

TEST_F(Command, WhatTailPrintsOfTheKernelsFilesIsAHost) {
  const Finished shown =
      sh("tail -n +1 /proc/zoneinfo /proc/meminfo /proc/vmstat /proc/version /proc/sys/vm/swappiness >box.txt && "
         "$OOMCAST host show box.txt");
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("box: kernel"));
}

TEST_F(Command, ARunKeepsTheBaselineMadeFromItAndABiggerOneDoesNot) {
  const std::string python = "python3 -c 'x = bytearray(%)'";
  const auto allocating = [&](const std::string& bytes) {
    return std::string(python).replace(python.find('%'), 1, bytes);
  };
  ASSERT_EQ(run(allocating("20 << 20"), "--report small.json").status, 0);
  ASSERT_EQ(run(allocating("60 << 20"), "--report large.json").status, 0);
  EXPECT_EQ(sh("$OOMCAST check small.json --write-baseline budget.yaml").status, 0);
  EXPECT_EQ(sh("$OOMCAST check small.json --budget budget.yaml").status, 0);
  Finished broken = sh("$OOMCAST check large.json --budget budget.yaml");
  EXPECT_EQ(broken.status, 1) << broken.err;
  EXPECT_THAT(broken.out, HasSubstr("FAILED  app.footprint_peak_bytes"));
  EXPECT_EQ(sh("$OOMCAST diff small.json large.json").status, 1);
  EXPECT_EQ(sh("$OOMCAST diff small.json small.json").status, 0);
}

TEST_F(Command, ABadBudgetIsOneErrorAndNothingIsWritten) {
  ASSERT_EQ(run("true", "--report r.json").status, 0);
  std::ofstream(at("bad.yaml")) << "schema: oomcast.budget.v1\nbudgets:\n  - kye: verdict\n";
  Finished refused = sh("$OOMCAST check r.json --budget bad.yaml --output result.txt");
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("bad.yaml:3: no word 'kye' in a budget; did you mean 'key'?"));
  EXPECT_FALSE(fs::exists(at("result.txt")));
}

}  // namespace
}  // namespace oomcast::end_to_end
