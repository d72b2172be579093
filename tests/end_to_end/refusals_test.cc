// What cannot work is said in one line, with the documented status, before anything runs, and leaves no file.
#include <gmock/gmock.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class Refusals : public EndToEnd {
 protected:
  void expect_refused(const Finished& finished, int status, const std::string& word) const {
    EXPECT_EQ(finished.status, status);
    EXPECT_THAT(finished.err, AllOf(StartsWith("oomcast: "), HasSubstr(word)));
    EXPECT_EQ(lines(finished.err), 1) << finished.err;
    EXPECT_EQ(finished.out, "");
    EXPECT_TRUE(nothing_written());
    EXPECT_FALSE(fs::exists(at("started")));
  }
};

TEST_F(Refusals, AProgramThatDoesNotExist) { expect_refused(run("no-such-program"), 127, "no-such-program"); }

TEST_F(Refusals, AFileThatIsNotExecutable) {
  std::ofstream(at("plain")) << "text";
  expect_refused(run("./plain"), 126, "plain");
}

TEST_F(Refusals, ABinaryForAnotherProcessor) {
  fs::copy_file("/bin/true", at("foreign"));
  std::fstream file(at("foreign"), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(18).put(40).put(0);  // e_machine: 32-bit ARM
  file.close();
  expect_refused(run("./foreign"), 126, "another kind of processor");
}

TEST_F(Refusals, ASetuidBinary) {
  fs::copy_file("/bin/true", at("suid"));
  if (::chown(at("suid").c_str(), 65534, 65534) != 0)
    GTEST_SKIP() << "needs root to make a setuid binary of somebody else";
  fs::permissions(at("suid"),
                  fs::perms::set_uid | fs::perms::owner_all | fs::perms::others_exec | fs::perms::group_exec);
  expect_refused(run("./suid"), 126, "setuid");
}

TEST_F(Refusals, AHostThatDoesNotExist) {
  expect_refused(sh("$OOMCAST run --host no-such-host -- touch started"), 2, "no-such-host");
}

TEST_F(Refusals, AMalformedHost) {
  std::ofstream(at("host.json")) << "{\"nodes\": [";
  expect_refused(sh("$OOMCAST run --host host.json -- touch started"), 2, "host.json");
}

TEST_F(Refusals, AnUnknownFieldOfTheHost) {
  expect_refused(run("touch started", "--set vm.swapiness=0"), 2, "vm.swapiness");
}
TEST_F(Refusals, AnUnknownCgroupFile) {
  expect_refused(run("touch started", "--cgroup memory.maximum=1G"), 2, "memory.maximum");
}
TEST_F(Refusals, ANodeThatTheHostDoesNotHave) {
  expect_refused(run("touch started", "--cpu-node 7"), 2, "--cpu-node 7");
}
TEST_F(Refusals, AnUnwritableReport) {
  expect_refused(run("touch started", "--report /proc/oomcast.json"), 2, "/proc/oomcast.json");
}
TEST_F(Refusals, AReportInADirectoryThatIsNotThere) {
  expect_refused(run("touch started", "--report no/r.json"), 2, "no/r.json");
}
TEST_F(Refusals, NoProgram) { expect_refused(sh("$OOMCAST run"), 2, "no program"); }

}  // namespace
}  // namespace oomcast::end_to_end
