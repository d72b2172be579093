// Do the smaller verbs answer?
#include <gmock/gmock.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::HasSubstr;

class Command : public EndToEnd {};

TEST_F(Command, Version) { EXPECT_THAT(sh("$OOMCAST --version").out, testing::StartsWith("oomcast ")); }

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

}  // namespace
}  // namespace oomcast::end_to_end
