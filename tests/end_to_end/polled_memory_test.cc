// Memory that is found by scans of page tables: each page counts once, whatever processes share it since a fork,
// whichever thread still runs, and however its mapping came to be.
#include <gmock/gmock.h>

#include <string>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

constexpr double kMiB = 1 << 20;
const std::string kGuests = std::string(OOMCAST_BINARY_DIR) + "/tests/guests/guest_";

double mib(const Json& report, const char* key) { return report["app"][key].get<double>() / kMiB; }

/// On vm-8g these programs stay in the polling phase, in which the default tracker holds no touch.
class PolledMemory : public EndToEnd, public testing::WithParamInterface<const char*> {
 protected:
  Json run_on(const std::string& host, const std::string& guest) {
    const Finished finished = sh("$OOMCAST run --quiet --host " + host + " " + GetParam() + " -- " + kGuests + guest);
    if (!has_report() && finished.err.find("tracker") != std::string::npos) return Json();
    EXPECT_THAT(finished.status, testing::AnyOf(0, 4)) << finished.err;
    return report();
  }
};

TEST_P(PolledMemory, WhatWorkersShareWithTheirServerIsThereOnce) {
  const Json r = run_on("vm-8g --set vm.thp_enabled=never", "forks_after_loading");
  if (r.is_null()) GTEST_SKIP() << "no such tracker here";
  // 48 MiB, and six times one that was copied and two of the worker's own; what libc has is less than a MiB a process.
  EXPECT_GE(mib(r, "footprint_peak_bytes"), 65.5);
  EXPECT_LE(mib(r, "footprint_peak_bytes"), 69);
  EXPECT_LE(mib(r, "touched_bytes"), 66) << "each page once";
}

TEST_P(PolledMemory, AProgramRunsOnWithoutItsFirstThread) {
  const Json r = run_on("vm-8g --set vm.thp_enabled=never", "first_thread_leaves 256");
  if (r.is_null()) GTEST_SKIP() << "no such tracker here";
  EXPECT_EQ(r["exit"]["code"], 4);
  EXPECT_GE(mib(r, "footprint_peak_bytes"), 255);
  EXPECT_GE(r["coverage"]["rss_bytes"].get<double>() / kMiB, 250)
      << "the kernel's count is that of a thread that lives";
  const Json small = run_on("vm-8g --cgroup memory.max=128M", "first_thread_leaves 256");
  EXPECT_EQ(small["verdict"], "oom_kill");
}

TEST_P(PolledMemory, WhatACopyAsksForIsNotItsParents) {
  const Json r = run_on("vm-8g --set vm.thp_enabled=never", "copy_asks");
  if (r.is_null()) GTEST_SKIP() << "no such tracker here";
  EXPECT_EQ(r["exit"]["code"], 4);
  EXPECT_GE(mib(r, "footprint_peak_bytes"), 128);
  EXPECT_LE(mib(r, "footprint_peak_bytes"), 132);
}

TEST_P(PolledMemory, ChildrenWithoutDescriptorsCount) {
  for (const char* limit : {"3", "4", "5"}) {
    const Json r = run_on("vm-8g --set vm.thp_enabled=never", std::string("few_descriptors ") + limit);
    if (r.is_null()) GTEST_SKIP() << "no such tracker here";
    EXPECT_EQ(r["exit"]["code"], 4);
    EXPECT_GE(mib(r, "touched_bytes"), 180) << "three children of 60 MiB";
    EXPECT_LE(mib(r, "touched_bytes"), 200);
    EXPECT_GE(mib(r, "footprint_peak_bytes"), 60);
    EXPECT_LE(mib(r, "footprint_peak_bytes"), 66);
  }
}

TEST_F(PolledMemory, ChildrenThatCannotEvenBeHelpedAreNamed) {
  if (sh("setpriv --reuid=65534 --regid=65534 --clear-groups test -x $OOMCAST").status != 0)
    GTEST_SKIP() << "the build tree is not everybody's, or not root";
  const Finished finished = sh("setpriv --reuid=65534 --regid=65534 --clear-groups $OOMCAST run -q --host vm-8g -- " +
                               kGuests + "few_descriptors 0");
  EXPECT_EQ(finished.status, 4) << finished.err;
  EXPECT_THAT(report()["coverage"]["caveats"].dump(),
              testing::HasSubstr("3 children of the program had no descriptors left"));
}

TEST_P(PolledMemory, AProgramThatIsFoundWhileItIsLoadedHasTouchedItsMemoryOnce) {
  const Json r = run_on("vm-8g --set vm.thp_enabled=never", "touches_while_loaded");
  if (r.is_null()) GTEST_SKIP() << "no such tracker here";
  EXPECT_EQ(r["exit"]["code"], 0);
  EXPECT_GE(mib(r, "touched_bytes"), 24);
  EXPECT_LE(mib(r, "touched_bytes"), 30);
}

TEST_P(PolledMemory, AHeapThatGrowsInStepsGetsNoHugePages) {
  // Slowly; and so that a scan of the mappings meets the last step before libc knows of it.
  for (const char* how : {"", " 500", " 2000", " 0 600"}) {
    // Alone it is 3.2 MiB, with huge pages it would be 52. A scan that another program delays may take a few steps for
    // one, each of 2 MiB then (8.9 and 10.8 MiB were seen): not three times in a row.
    Json r;
    for (int tries = 0; tries < 3; ++tries) {
      r = run_on("vm-8g --set vm.thp_enabled=always", std::string("heap_in_steps") + how);
      if (r.is_null()) GTEST_SKIP() << "no such tracker here";
      if (mib(r, "footprint_peak_bytes") <= 8 && mib(r, "touched_bytes") <= 6) break;
    }
    EXPECT_GE(mib(r, "footprint_peak_bytes"), 3) << how;
    EXPECT_LE(mib(r, "footprint_peak_bytes"), 8) << how;
    EXPECT_LE(mib(r, "touched_bytes"), 6) << how;
  }
}

INSTANTIATE_TEST_SUITE_P(Trackers, PolledMemory,
                         testing::Values("", "--tracker userfaultfd", "--tracker wp-async", "--tracker pagemap"));

}  // namespace
}  // namespace oomcast::end_to_end
