// The model learns what the guest locks, as this machine grants it, and before it is faulted in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "preload/record/kernel/proc_maps.h"
#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {
namespace {

using trace::Event;
using trace::EventKind;

constexpr uint64_t kBytes = 1 << 20, kPageBytes = 4096;

class Locks : public testing::TestWithParam<uint64_t> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs to lock more than RLIMIT_MEMLOCK";
    const std::string out = testing::TempDir() + "oomcast-locks." + std::to_string(::getpid());
    sink.headroom = GetParam();
    const std::string alone = text_of(guest("locks_memory") + " > " + out, out);
    RecordOptions options;
    options.command = {"/bin/sh", "-c", "exec " + guest("locks_memory") + " > " + out};
    const auto summary = run(options, sink);
    ASSERT_TRUE(summary.ok()) << summary.error().message;
    EXPECT_EQ(text_of("true", out), alone) << "the guest gets the kernel's own answers";
    ::unlink(out.c_str());
    for (const Event& event : sink.events)
      if (event.kind == EventKind::kLock || event.kind == EventKind::kLockAll) locks.push_back(event);
  }
  static std::string text_of(const std::string& command, const std::string& path) {
    EXPECT_EQ(std::system(command.c_str()), 0);
    return read_whole_path(path);
  }
  uint64_t touched_before_its_lock(const Event& lock) const {
    uint64_t touched = 0;
    for (const Event& event : sink.events) {
      if (event.kind == lock.kind && event.address == lock.address) break;
      if (event.kind == EventKind::kTouch && event.address >= lock.address && event.address < lock.address + lock.bytes)
        touched += event.bytes;
    }
    return touched;
  }

  RecordingSink sink;
  std::vector<Event> locks;
};

TEST_P(Locks, AreReportedAsTheKernelGrantedThem) {
  std::vector<std::pair<uint64_t, int>> reported;
  for (const Event& lock : locks) reported.emplace_back(lock.bytes, lock.flags);
  using testing::Pair;
  EXPECT_THAT(reported, testing::ElementsAre(Pair(kBytes, trace::kLocked), Pair(kBytes / 2, 0),
                                             Pair(kBytes, trace::kLocked | trace::kLockOnFault),
                                             Pair(kBytes, trace::kLocked), Pair(0, trace::kLockFuture), Pair(0, 0)))
      << "a refused lock is not reported";
}

TEST_P(Locks, AreReportedBeforeWhatTheyFaultIn) {
  ASSERT_GE(locks.size(), 4u);
  EXPECT_EQ(locks[0].address % kPageBytes, 0u);
  EXPECT_EQ(touched_before_its_lock(locks[0]), 0u);
  EXPECT_EQ(touched_before_its_lock(locks[3]), 0u);
}

INSTANTIATE_TEST_SUITE_P(PolledAndHeld, Locks, testing::Values(uint64_t{1} << 20, uint64_t{0}));

}  // namespace
}  // namespace oomcast::record
