// Memory that is locked, populated and moved by many threads: the program ends as it does alone, however its touches
// are seen.
#include <gmock/gmock.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

struct Way {
  const char* name;
  const char* options;
  bool held;  // each touch, where the machine allows it
};

class LockedMemory : public EndToEnd, public testing::WithParamInterface<Way> {};

TEST_P(LockedMemory, ThatIsMovedHangsNoThread) {
  const std::string guest = std::string(OOMCAST_BINARY_DIR) + "/tests/guests/guest_locks_and_moves";
  const Finished alone = sh(guest);
  const Finished under = sh("$OOMCAST run --quiet " + std::string(GetParam().options) + " -- " + guest);
  if (under.err.find("tracker") != std::string::npos && !has_report()) GTEST_SKIP() << under.err;
  EXPECT_EQ(under.status, alone.status) << under.err;
  EXPECT_EQ(under.out, alone.out);
  const Json r = report();
  EXPECT_NEAR(r["coverage"]["ratio"].get<double>(), 1.0, 0.1);
  if (GetParam().held && r["coverage"]["tracker"] == "userfaultfd" && ::geteuid() == 0)
    EXPECT_THAT(r["coverage"]["caveats"].dump(), testing::HasSubstr("mremap() of locked memory"));
}

INSTANTIATE_TEST_SUITE_P(Ways, LockedMemory,
                         testing::Values(Way{"Polled", "--host vm-8g", false},
                                         Way{"HeldFromTheStart", "--host vm-8g --tracker userfaultfd", true},
                                         Way{"NearTheLimits", "--host vm-1g", true},
                                         Way{"OnATinyHost", "--host tiny-256m", true},
                                         Way{"WpAsync", "--host vm-8g --tracker wp-async", false},
                                         Way{"Pagemap", "--host vm-8g --tracker pagemap", false}),
                         [](const auto& way) { return std::string(way.param.name); });

}  // namespace
}  // namespace oomcast::end_to_end
