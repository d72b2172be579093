// The model learns where the guest wants its memory and threads, be it that this machine refuses.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {
namespace {

using trace::EventKind;
using trace::PolicyMode;

constexpr uint64_t kFifthNode = 1 << 5, kBytes = 4 << 20;

class Settings : public testing::Test {
 protected:
  void SetUp() override {
    const std::string alone = output_of({guest("sets_policies")});
    const auto summary =
        record_guest(sink, {"/bin/sh", "-c", "ulimit -S -d 8000000; exec " + guest("sets_policies") + " > " + kOut});
    ASSERT_TRUE(summary.ok()) << summary.error().message;
    EXPECT_EQ(summary->exit_code, 0);
    EXPECT_EQ(content(), alone) << "the guest gets the kernel's own answers";
  }

  std::vector<trace::Event> all(EventKind kind) const {
    std::vector<trace::Event> found;
    for (const trace::Event& event : sink.events)
      if (event.kind == kind) found.push_back(event);
    return found;
  }

  RecordingSink sink;

 private:
  const std::string kOut = testing::TempDir() + "oomcast-settings." + std::to_string(::getpid());
  std::string content() const {
    std::string text;
    if (FILE* file = std::fopen(kOut.c_str(), "r")) {
      for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
      std::fclose(file);
    }
    return text;
  }
  std::string output_of(const std::vector<std::string>& command) const {
    EXPECT_EQ(std::system((command.front() + " > " + kOut).c_str()), 0);
    return content();
  }
};

TEST_F(Settings, PoliciesOfThreadsAndRangesAreReportedAsAskedFor) {
  const auto policies = all(EventKind::kSetPolicy);
  ASSERT_EQ(policies.size(), 3u) << "a mask that cannot be read is no policy";
  EXPECT_EQ(policies[0].address, kFifthNode);
  EXPECT_EQ(policies[0].flags, static_cast<uint8_t>(PolicyMode::kBind));
  EXPECT_EQ(policies[1].address, 1u);
  EXPECT_EQ(policies[1].flags, static_cast<uint8_t>(PolicyMode::kInterleave));
  EXPECT_EQ(policies[2].address, 0u);
  EXPECT_EQ(policies[2].flags, static_cast<uint8_t>(PolicyMode::kDefault));
  const auto ranges = all(EventKind::kBindRange);
  ASSERT_EQ(ranges.size(), 1u) << "a range that begins in mid-page is refused everywhere";
  EXPECT_EQ(ranges[0].bytes, kBytes);
  EXPECT_EQ(ranges[0].argument, kFifthNode);
  EXPECT_EQ(ranges[0].flags, static_cast<uint8_t>(PolicyMode::kBind));
  const auto homes = all(EventKind::kHomeNode);
  ASSERT_EQ(homes.size(), 1u);
  EXPECT_EQ(homes[0].address, ranges[0].address);
  EXPECT_EQ(homes[0].argument, 5u);
}

TEST_F(Settings, AffinityIsReportedOfTheThreadThatItIsFor) {
  const auto affinities = all(EventKind::kAffinity);
  ASSERT_EQ(affinities.size(), 3u);
  EXPECT_EQ(affinities[0].address, 1u);
  EXPECT_EQ(affinities[0].tid, affinities[0].pid);
  EXPECT_EQ(affinities[1].address, uint64_t{1} << 60) << "a CPU that is not here may be there";
  EXPECT_EQ(affinities[2].address, uint64_t{1} << 60 | 1);
  EXPECT_EQ(affinities[2].pid, affinities[0].pid);
  EXPECT_NE(affinities[2].tid, affinities[2].pid);
}

TEST_F(Settings, AdviceOnHugePagesAndLimitsAreReported) {
  const auto advice = all(EventKind::kAdviseHuge);
  ASSERT_EQ(advice.size(), 2u);
  EXPECT_EQ(advice[0].bytes, kBytes);
  EXPECT_EQ(advice[0].flags, trace::kHugePages);
  EXPECT_EQ(advice[1].bytes, kBytes / 2);
  EXPECT_EQ(advice[1].flags, 0);
  const auto disabled = all(EventKind::kThpDisable);
  ASSERT_EQ(disabled.size(), 1u);
  EXPECT_EQ(disabled[0].address, 1u);
  std::vector<std::pair<uint64_t, uint64_t>> limits;
  for (const trace::Event& event : all(EventKind::kLimit)) limits.emplace_back(event.address, event.argument);
  const std::vector<std::pair<uint64_t, uint64_t>> expected{{2, 8000000ull << 10}, {2, 7ull << 30}, {9, 9ull << 40}};
  EXPECT_EQ(limits, expected) << "the shell's, then the program's own";
}

TEST_F(Settings, APolicyComesBeforeTheTouchesThatItIsFor) {
  const auto ranges = all(EventKind::kBindRange);
  ASSERT_FALSE(ranges.empty());
  bool bound = false;
  int touches = 0;
  for (const trace::Event& event : sink.events) {
    bound |= event.kind == EventKind::kBindRange;
    if (event.kind == EventKind::kTouch && event.address >= ranges[0].address &&
        event.address < ranges[0].address + kBytes) {
      EXPECT_TRUE(bound);
      ++touches;
    }
  }
  EXPECT_GT(touches, 0);
}

}  // namespace
}  // namespace oomcast::record
