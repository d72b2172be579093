// Memory that is a file counts as memory: each way into tmpfs, a memfd, a segment or shared memory, and each way out.
#include <gmock/gmock.h>

#include <string>
#include <tuple>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

constexpr int64_t kMiB = 1 << 20;

class MemoryFiles : public EndToEnd {
 protected:
  /// guest_memory_files WAY END MIB on a target of 1 GiB without swap.
  void record(const std::string& arguments, const std::string& options) {
    const Finished finished =
        run(OOMCAST_BINARY_DIR "/tests/guests/guest_memory_files " + arguments, "--quiet " + options);
    ASSERT_EQ(finished.status, 0) << arguments << "\n" << finished.err;
  }
  int64_t footprint_mib() const { return (report()["app"]["footprint_peak_bytes"].get<int64_t>() + kMiB / 2) / kMiB; }
};

using Way = std::tuple<const char*, const char*>;
class EachWay : public MemoryFiles, public testing::WithParamInterface<Way> {};

INSTANTIATE_TEST_SUITE_P(IntoATmpfs, EachWay,
                         testing::Combine(testing::Values("write", "pwrite", "writev", "stdio", "copy", "sendfile",
                                                          "splice", "fallocate", "mmap", "memfd", "memfd_mmap",
                                                          "anonymous", "segment"),
                                          testing::Values("", "--tracker pagemap ")));

TEST_P(EachWay, IsSwapBackedMemoryThatCountsOnceAndKillsAGroupWithoutSwap) {
  const auto [way, options] = GetParam();
  record(std::string(way) + " stay 64", options);
  EXPECT_GE(footprint_mib(), 64);
  EXPECT_LE(footprint_mib(), 72);
  EXPECT_EQ(report()["verdict"], "fits");
  record(std::string(way) + " stay 64", std::string(options) + "--cgroup memory.max=40M --cgroup memory.swap.max=0");
  EXPECT_EQ(report()["verdict"], "oom_kill");
  EXPECT_EQ(report()["oom_kills"][0]["scope"], "cgroup");
  EXPECT_TRUE(report()["counters"]["memcg"]["memory.stat"]["shmem"].is_number());
}

TEST_P(EachWay, IsFreeAgainOnceNobodyNamesMapsOrHasIt) {
  const auto [way, options] = GetParam();
  record(std::string(way) + " gone 64", options);
  EXPECT_GE(footprint_mib(), 64);
  EXPECT_LE(footprint_mib(), 74) << "64 MiB of its own follow when the file is gone";
}

class Tail : public MemoryFiles, public testing::WithParamInterface<std::tuple<const char*, const char*>> {};
INSTANTIATE_TEST_SUITE_P(OfAMapping, Tail,
                         testing::Combine(testing::Values("anonymous munmap", "mmap munmap", "segment munmap",
                                                          "memfd_mmap munmap", "anonymous stay", "memfd_mmap cut",
                                                          "anonymous exec"),
                                          testing::Values("", "--tracker pagemap ", "--cgroup memory.max=210M ")));

// The last pages are touched a moment before they are given back; the third target is so short that touches are held.
TEST_P(Tail, OfTheMemoryIsSeenInEveryRun) {
  const auto [arguments, options] = GetParam();
  for (int turn = 0; turn < 5; ++turn) {
    record(std::string(arguments) + " 200", options);
    EXPECT_GE(footprint_mib(), 200);
    EXPECT_LE(footprint_mib(), 208);
    EXPECT_LE(report()["coverage"]["ratio"].get<double>(), 1.05);
  }
}

TEST_F(MemoryFiles, SwapTakesThem) {
  std::ofstream(at("host.json"))
      << R"({"schema":"oomcast.host.v1","kernel":"6.1","name":"swaps","nodes":[{"managed":"1G","free":"800M","cpus":[0,1]}],"swap":[{"size":"256M"}]})";
  const Finished finished = sh("$OOMCAST run --quiet --host host.json --cgroup memory.max=64M -- " OOMCAST_BINARY_DIR
                               "/tests/guests/guest_memory_files write stay 100");
  ASSERT_EQ(finished.status, 0) << finished.err;
  EXPECT_EQ(report()["verdict"], "direct_reclaim");
  EXPECT_GT(report()["counters"]["pswpout"], 0);
  EXPECT_GE(footprint_mib(), 100);
}

}  // namespace
}  // namespace oomcast::end_to_end
