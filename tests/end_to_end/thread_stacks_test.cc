// What the library needs to sample the stacks of many threads is not taken for memory of the program.
#include <gtest/gtest.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

class ThreadStacks : public EndToEnd {};

TEST_F(ThreadStacks, OfSixtyThreadsTakeNothingFromTheForecast) {
  const auto footprint_with = [this](const std::string& option) {
    const Finished finished =
        run(OOMCAST_BINARY_DIR "/tests/guests/guest_threads_allocate", "--quiet --set vm.thp_enabled=never " + option);
    EXPECT_EQ(finished.status, 0) << finished.err;
    return report()["app"]["footprint_peak_bytes"].get<int64_t>();
  };
  const int64_t without = footprint_with("--stack-sample 0"), with = footprint_with("--stack-sample 4K");
  EXPECT_EQ(report()["sites"][0]["kind"], "heap") << "stacks were sampled";
  EXPECT_LT(with - without, 4 << 20) << "256 KiB for each thread would be 15 MiB";
}

// At the fork another thread may be inside libunwind, with a lock that nobody releases in the child.
TEST_F(ThreadStacks, AChildThatIsForkedBesideThemDoesNotWaitForEver) {
  const Finished finished = run(OOMCAST_BINARY_DIR "/tests/guests/guest_forks_beside_threads",
                                "--quiet --set vm.thp_enabled=never --stack-sample 1K");
  EXPECT_EQ(finished.status, 0) << finished.status << " children were lost\n" << finished.err;
}

}  // namespace
}  // namespace oomcast::end_to_end
