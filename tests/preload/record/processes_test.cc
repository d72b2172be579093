// A program is followed through forks, shared memory, daemons and children that do not say hello.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {
namespace {

using trace::EventKind;
constexpr double kMiB = 1 << 20;

class Processes : public testing::Test {
 protected:
  void SetUp() override {
    if (!probe().userfaultfd) GTEST_SKIP() << "no userfaultfd here";
  }
  Result<trace::CaptureSummary> record(std::vector<std::string> command, bool wait_for_all = false,
                                       bool begin_in_polling_phase = false) {
    RecordOptions options;
    options.begin_in_polling_phase = begin_in_polling_phase;
    sink.headroom = begin_in_polling_phase ? 1 << 24 : 1 << 20;
    options.command = std::move(command);
    options.wait_for_all = wait_for_all;
    return run(options, sink);
  }
  RecordingSink sink;
};

class CopiesAfterAFork : public Processes, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Far, CopiesAfterAFork, testing::Bool());

TEST_P(CopiesAfterAFork, AreFedOnceByWhoeverWrote) {
  ASSERT_EQ(record({guest("shares_memory")}, false, GetParam())->exit_code, 0);
  uint32_t child = 0;
  std::set<std::pair<uint32_t, uint64_t>> touched;
  uint64_t copied = 0;
  for (const trace::Event& e : sink.events) {
    if (e.kind == EventKind::kFork) child = static_cast<uint32_t>(e.address);
    if (e.kind != EventKind::kTouch || (e.flags & trace::kWrite) == 0) continue;
    // A touch in the child of a page that the parent had touched is a copy.
    for (uint64_t at = e.address; at < e.address + e.bytes; at += 4096) {
      if (child != 0 && e.pid == child && touched.contains({sink.events.front().pid, at}) &&
          (e.flags & trace::kPresent) == 0)
        ++copied;
      touched.insert({e.pid, at});
    }
  }
  EXPECT_NEAR(static_cast<double>(copied) * 4096 / kMiB, 4, 0.3);  // and a few pages of stack and libc
}

TEST_F(Processes, SharedMemoryIsReportedOnceAndCountedAsTheKernelDoes) {
  const auto summary = record({guest("shares_memory")});
  ASSERT_TRUE(summary.ok());
  std::map<uint32_t, uint64_t> shared_bytes;
  uint64_t start = 0, file = 0;
  for (const trace::Event& e : sink.events) {
    if (e.kind == EventKind::kFileInMemory && (e.flags & trace::kNameless) != 0 && file == 0) file = e.address;
    if (e.kind == EventKind::kMapFile && e.bytes == file) start = e.address;
    if (e.kind == EventKind::kTouch && start != 0 && e.address >= start && e.address < start + (32u << 20))
      shared_bytes[e.pid] += e.bytes;
  }
  EXPECT_NE(file, 0u) << "it is a file to the sink, of which each process maps what it uses";
  ASSERT_EQ(shared_bytes.size(), 2u);
  EXPECT_GE(shared_bytes[sink.events.front().pid], 16u << 20);
  EXPECT_LE(shared_bytes[sink.events.front().pid], 17u << 20);
  EXPECT_LT(peak_error_percent(summary.value()), 1)
      << "tracked " << summary->tracked_peak_bytes << ", resident " << summary->rss_peak_bytes;
}

// What a shell's child does between fork and exec is nothing worth a hello; what it becomes is.
TEST_F(Processes, AChildThatExecsAtOnceIsOneProgramNotTwo) {
  const auto summary = record({"/bin/sh", "-c", "/bin/true; /bin/true; exit 3"}, false, true);
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 3);
  EXPECT_EQ(sink.count(EventKind::kFork), 0u);
  EXPECT_EQ(sink.count(EventKind::kProcessStart), 3u);
  EXPECT_EQ(sink.count(EventKind::kExit), 3u);
  const uint32_t shell = sink.events.front().pid;
  for (const trace::Event& e : sink.events)
    if (e.kind == EventKind::kProcessStart) {
      EXPECT_EQ(e.address, e.pid == shell ? 0 : shell);
    }
}

TEST_F(Processes, AChildThatWorksSaysHelloBeforeItIsFound) {
  const auto summary = record({guest("worker")}, false, true);
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(sink.count(EventKind::kFork), 2u);
}

TEST_F(Processes, AChildWithoutForkHandlersIsFound) {
  const auto summary = record({guest("forks_by_hand")});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 0);
  EXPECT_EQ(sink.count(EventKind::kFork), 1u);
  EXPECT_GE(summary->tracked_peak_bytes, 16u << 20);
}

TEST_F(Processes, AStaticChildIsFound) {
  const auto summary = record({"/bin/sh", "-c", guest("static_sleeper") + " & wait"});
  ASSERT_TRUE(summary.ok());
  EXPECT_GE(summary->tracked_peak_bytes, 8u << 20);
}

/// A program that no library reaches, although LD_PRELOAD is in its environment. Needs no userfaultfd.
class StaticProgram : public Processes {
 protected:
  void SetUp() override {}
  Result<trace::CaptureSummary> work(std::vector<std::string> words, bool begin_in_polling_phase = false) {
    words.insert(words.begin(), guest("static_worker"));
    return record(std::move(words), false, begin_in_polling_phase);
  }
  /// Bytes that the process has written for the first time; of all processes if `pid` is 0.
  uint64_t touched_by(uint32_t pid) const {
    uint64_t bytes = 0;
    for (const trace::Event& e : sink.events)
      if (e.kind == EventKind::kTouch && (pid == 0 || e.pid == pid) && (e.flags & trace::kWrite) != 0) bytes += e.bytes;
    return bytes;
  }
};

TEST_F(StaticProgram, IsSeenFromItsStartToItsEnd) {
  for (const bool polling_phase : {false, true}) {
    const auto summary = work({"touch=48", "sleep=100", "exit=7"}, polling_phase);
    ASSERT_TRUE(summary.ok()) << summary.error().message;
    EXPECT_TRUE(summary->exited);
    EXPECT_EQ(summary->exit_code, 7);
    EXPECT_GE(summary->tracked_peak_bytes, 48u << 20);
    EXPECT_LT(peak_error_percent(summary.value()), 2);
    EXPECT_EQ(summary->tracker, polling_phase || !probe().userfaultfd ? "pagemap" : "userfaultfd");
    EXPECT_THAT(summary->caveats, testing::Contains(testing::HasSubstr("did not load the capture library")));
  }
}

TEST_F(StaticProgram, ASignalThatEndsItIsReported) {
  const auto summary = work({"touch=8", "sleep=60", "kill"});
  ASSERT_TRUE(summary.ok());
  EXPECT_FALSE(summary->exited);
  EXPECT_EQ(summary->exit_signal, SIGKILL);
  EXPECT_GE(summary->tracked_peak_bytes, 8u << 20);
}

TEST_F(StaticProgram, WhatItFreesBetweenTwoScansCountsInThePeak) {
  const auto summary = work({"touch=256", "free", "exit=0"});
  ASSERT_TRUE(summary.ok());
  EXPECT_GE(summary->tracked_peak_bytes, 240u << 20) << "by samples of the kernel's counts";
}

TEST_F(StaticProgram, ItsChildrenAreFoundByForkAndCountOnce) {
  const auto summary = work({"touch=24", "sleep=60", "fork", "touch=16", "sleep=300", "exit=4"});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 4);
  EXPECT_EQ(sink.count(EventKind::kFork), 1u);
  EXPECT_EQ(sink.count(EventKind::kExit), 2u);
  EXPECT_LT(touched_by(sink.events.front().pid), 26u << 20);
  EXPECT_NEAR(static_cast<double>(touched_by(0)) / kMiB, 40, 2) << "what they share was touched once";
}

TEST_F(StaticProgram, AnotherProgramInItsPlaceBeginsWithNothing) {
  const auto summary = work({"touch=32", "sleep=100", "exec", "touch=8", "sleep=200", "exit=3"});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 3);
  EXPECT_EQ(sink.count(EventKind::kExec), 1u);
  EXPECT_NEAR(static_cast<double>(touched_by(sink.events.front().pid)) / kMiB, 40, 1);
  EXPECT_LT(summary->tracked_peak_bytes, 34u << 20) << "the first program's memory is gone";
}

TEST_F(StaticProgram, AProgramThatItBecomesMayLoadTheLibrary) {
  const auto summary = work({"touch=32", "sleep=100", "exec=" + guest("exit_code"), "0"});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(sink.count(EventKind::kExec), 1u);
  EXPECT_LT(summary->tracked_peak_bytes, 34u << 20);
  EXPECT_GE(touched_by(sink.events.front().pid), 32u << 20);
}

TEST_F(StaticProgram, OneInBetweenIsLeftBehindToo) {
  const std::string worker = guest("static_worker"), sh = "/bin/sh";
  const auto summary = record({sh, "-c", "exec " + worker + " touch=32 sleep=100 exec=" + sh + " -c 'exit 6'"});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 6);
  EXPECT_EQ(sink.count(EventKind::kExec), 2u) << "into the static program and out of it";
  EXPECT_LT(summary->tracked_peak_bytes, 35u << 20);
}

TEST_F(Processes, ADaemonIsFollowedToItsEndWhenAskedFor) {
  const auto summary = record({guest("becomes_daemon")}, true);
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 0);
  EXPECT_GE(summary->tracked_peak_bytes, 24u << 20);
  EXPECT_EQ(sink.count(EventKind::kExit), 3u);
}

TEST_F(Processes, ADaemonOutlivesTheRunOtherwise) {
  const auto summary = record({guest("becomes_daemon")});
  ASSERT_TRUE(summary.ok());
  EXPECT_LT(summary->tracked_peak_bytes, 8u << 20);
  ASSERT_EQ(summary->still_running.size(), 1u);
  EXPECT_THAT(summary->still_running[0], testing::StartsWith("guest_becomes_d (pid "));
}

TEST_F(Processes, OomScoreAdjIsReportedAsTheProgramSetsIt) {
  ASSERT_EQ(record({guest("changes_oom_score_adj")})->exit_code, 0);
  bool reported = false;
  for (const trace::Event& e : sink.events)
    reported |= e.kind == EventKind::kOomScoreAdj && static_cast<int64_t>(e.address) == 321;
  EXPECT_TRUE(reported);
}

TEST_F(Processes, EveryWayToAllocateIsSeen) {
  const auto summary = record({guest("entry_points")});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 0);
  EXPECT_LT(peak_error_percent(summary.value()), 1)
      << "tracked " << summary->tracked_peak_bytes << ", resident " << summary->rss_peak_bytes;
}

TEST_F(Processes, AChildThatASignalHandlerForksGoesOnInTheInterruptedHook) {
  const auto summary = record({guest("forks_in_signals")});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 0);
}

TEST_F(Processes, AThreadMayUnmapWhereItsNumberWasWritten) {
  const auto summary = record({guest("moves_its_pthread_t")});
  ASSERT_TRUE(summary.ok());
  EXPECT_TRUE(summary->exited && summary->exit_code == 0) << summary->exit_signal;
}

}  // namespace
}  // namespace oomcast::record
