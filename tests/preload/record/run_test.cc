// A program runs as it would alone, and its memory is seen as the kernel counts it.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <vector>

#include "preload/ring/protocol.h"
#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {
namespace {

using trace::EventKind;

class Run : public testing::Test {
 protected:
  void SetUp() override {
    if (!probe().userfaultfd) GTEST_SKIP() << "no userfaultfd here";
  }
  RecordingSink sink;
};

TEST_F(Run, SeesMemoryThatTheKernelTouchesForTheProgram) {
  const auto summary = record_guest(sink, {guest("read_fresh")});
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_TRUE(summary->exited);
  EXPECT_EQ(summary->exit_code, 0);
  EXPECT_EQ(summary->tracker, "userfaultfd");
  EXPECT_GE(sink.written_bytes(), 8u << 20);
  EXPECT_LT(peak_error_percent(summary.value()), 3);
}

TEST_F(Run, OneLargeRequestIsReportedAsOneHoweverItIsMet) {
  // Now and then a scan of the mappings comes between the kernel's answer and the hook's report.
  const auto summary = record_guest(sink, {guest("large_requests")});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 0);
  uint64_t whole = 0;
  for (const trace::Event& e : sink.events) {
    EXPECT_FALSE(e.kind == EventKind::kMap && e.bytes == ring::kFoundPieceBytes) << "in pieces";
    whole += e.kind == EventKind::kMap && e.bytes >= uint64_t{100} << 20 && e.bytes < uint64_t{101} << 20;
  }
  EXPECT_EQ(whole, 3000u);
}

TEST_F(Run, WhatComesBackInTheSamePlaceIsHeldAgain) {
  // The program runs on once the recorder has read the unmap event, so the place may be in use again before the
  // recorder has forgotten the old mapping.
  ASSERT_TRUE(record_guest(sink, {guest("frees_mappings")}).ok());
  const auto touched = std::count_if(sink.events.begin(), sink.events.end(), [](const trace::Event& e) {
    return e.kind == EventKind::kTouch && (e.flags & trace::kWrite) && !(e.flags & trace::kPresent);
  });
  EXPECT_GT(touched, 1950);
}

TEST_F(Run, CountsZeroesWrittenAsTouches) {
  const auto summary = record_guest(sink, {guest("zero_fill")});
  ASSERT_TRUE(summary.ok());
  EXPECT_NEAR(static_cast<double>(sink.written_bytes()), 16.0 * (1 << 20), 0.03 * 16 * (1 << 20));
}

TEST_F(Run, MemoryThatWasReadFirstIsWrittenInWindowsAndCountedToThePage) {
  const auto summary = record_guest(sink, {guest("reads_first")});
  ASSERT_TRUE(summary.ok());
  constexpr uint64_t kWritten = 4096 - 4096 / 7;
  EXPECT_GE(sink.written_bytes() / 4096, kWritten);
  EXPECT_LE(sink.written_bytes() / 4096, kWritten + 40);  // and the C library's own few
  // It stops at each seventh page, but not at each page.
  EXPECT_LT(sink.count(EventKind::kTouch), kWritten / 2);
}

TEST_F(Run, DoesNotCountPrefilledPagesOfAWalkThatStopped) {
  const auto summary = record_guest(sink, {guest("sparse")});
  ASSERT_TRUE(summary.ok());
  EXPECT_GT(summary->resolution_pages, 1u);
  std::set<uint64_t> pages;
  for (const trace::Event& e : sink.events)
    if (e.kind == EventKind::kTouch && !(e.flags & trace::kPresent))
      for (uint64_t at = e.address; at < e.address + e.bytes; at += 4096) pages.insert(at);
  EXPECT_GE(pages.size(), 100u);
  EXPECT_LT(pages.size(), 130u);  // the hundred, and the C library's own few
}

// A scan registers what /proc said some time ago. Where it splits a mapping that has come since, mremap() fails.
TEST_F(Run, MemoryMappedBehindOurBackCanBeMovedAtAnyTime) {
  for (int i = 0; i < 3; ++i) {
    const auto summary = record_guest(sink, {guest("maps_by_hand")});
    ASSERT_TRUE(summary.ok());
    EXPECT_EQ(summary->exit_code, 0);
  }
}

TEST_F(Run, ADownwardWalkIsPrefilledToo) {
  const auto summary = record_guest(sink, {guest("downwards")});
  ASSERT_TRUE(summary.ok());
  EXPECT_GT(summary->resolution_pages, 16u);
  EXPECT_NEAR(static_cast<double>(sink.written_bytes()), 16.0 * (1 << 20), 0.03 * 16 * (1 << 20));
}

TEST_F(Run, AGrowingHeapTakesFewFaultsAndStacksOnlyWhereItGrows) {
  const auto summary = record_guest(sink, {guest("heap_growth")});
  ASSERT_TRUE(summary.ok());
  EXPECT_LT(peak_error_percent(summary.value()), 3);
  int touches = 0, stacks = 0;
  for (const trace::Event& e : sink.events) {
    touches += e.kind == EventKind::kTouch && !(e.flags & trace::kPresent);
    stacks += e.kind == EventKind::kAlloc;
  }
  EXPECT_LT(touches, 16 * 256 / 8);
  EXPECT_GT(stacks, 100);   // one each 64 KiB of fresh memory
  EXPECT_LT(stacks, 1000);  // of 400 MB allocated
}

TEST_F(Run, AFallingBreakHoldsNoThreadAndWhatGrowsAgainIsTouchedAgain) {
  const auto summary = record_guest(sink, {guest("heap_falls")});
  ASSERT_TRUE(summary.ok());
  constexpr double kRound = 8192 * 2000;
  EXPECT_NEAR(static_cast<double>(summary->tracked_peak_bytes), kRound, 0.05 * kRound);
  EXPECT_NEAR(static_cast<double>(sink.written_bytes()), 3 * kRound, 0.05 * 3 * kRound);
  uint64_t freed = 0;
  for (const trace::Event& e : sink.events)
    if (e.kind == EventKind::kUnmap) freed += e.bytes;
  EXPECT_GT(static_cast<double>(freed), 2.9 * kRound);
  // The break falls 12,000 times. If the userfaultfd reported each fall, each would wait for the recorder.
  EXPECT_LT(sink.count(EventKind::kUnmap), 2000u);
}

TEST_F(Run, AProgramFindsNoDescriptorOfOursOpen) {
  const std::string listing = testing::TempDir() + "/oomcast-descriptors." + std::to_string(::getpid());
  // Also without standard input: what the recorder opens for a moment would get its number.
  for (const std::string& command : {"exec " + guest("lists_descriptors") + " > " + listing,
                                     "exec " + guest("lists_descriptors") + " <&- > " + listing}) {
    const auto found = [&] {
      std::ifstream in(listing);
      return std::string(std::istreambuf_iterator<char>(in), {});
    };
    // What this test itself was started with is inherited either way.
    ASSERT_EQ(std::system(("/bin/sh -c '" + command + "'").c_str()), 0);
    const std::string natively = found();
    ASSERT_NE(natively.find("exec'ed: "), std::string::npos);
    for (const char* tracker : {"userfaultfd", "wp-async", "pagemap"})
      for (const bool polling : {true, false}) {
        RecordingSink alone;
        RecordOptions options;
        options.command = {"/bin/sh", "-c", command};
        options.tracker = tracker;
        options.begin_in_polling_phase = polling;
        if (!run(options, alone).ok()) continue;  // not allowed here
        EXPECT_EQ(found(), natively) << tracker << (polling ? ", polling phase" : ", exact phase");
        EXPECT_GT(alone.count(EventKind::kAlloc), 32u) << "no stack was taken: what that opens was not seen";
      }
  }
  ::unlink(listing.c_str());
}

TEST_F(Run, AHeapThatIsOnlyReadIsNotFilled) {
  const auto summary = record_guest(sink, {guest("reads_heap")});
  ASSERT_TRUE(summary.ok());
  EXPECT_LT(summary->rss_peak_bytes, 2u << 20);
  EXPECT_LT(summary->tracked_peak_bytes, 2u << 20);
}

TEST_F(Run, FollowsThreadsAndTheirArenas) {
  const auto summary = record_guest(sink, {guest("threads")});
  ASSERT_TRUE(summary.ok());
  EXPECT_LT(peak_error_percent(summary.value()), 3);
  EXPECT_GE(summary->tracked_peak_bytes, 32u << 20);
}

TEST_F(Run, AForkedChildIsPartOfTheHost) {
  const auto summary = record_guest(sink, {guest("fork_writes")});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 5);
  EXPECT_EQ(sink.count(EventKind::kFork), 1u);
  EXPECT_EQ(sink.count(EventKind::kExit), 2u);
  EXPECT_GE(summary->tracked_peak_bytes, 32u << 20);  // the child's copy-on-write view of 8 MiB included, as in RssAnon
  EXPECT_LT(peak_error_percent(summary.value()), 3);
}

TEST_F(Run, SurvivesAProgramThatClosesAllDescriptors) {
  const auto summary = record_guest(sink, {guest("closes_descriptors")});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 0);
  EXPECT_GE(summary->tracked_peak_bytes, 16u << 20);
}

TEST_F(Run, ExecOfAShellsLastCommandKeepsThePid) {
  const auto summary = record_guest(sink, {"/bin/sh", "-c", "exec " + guest("exit_code") + " 9"});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 9);
  EXPECT_EQ(sink.count(EventKind::kExec), 1u);
  EXPECT_EQ(sink.count(EventKind::kProcessStart), 1u);
}

TEST_F(Run, AProgramWithoutTheLibraryIsPolled) {
  const auto summary = record_guest(sink, {guest("exec_bare"), "/bin/sleep", "0.2"});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->exit_code, 0);
  EXPECT_FALSE(summary->caveats.empty());
}

TEST_F(Run, AKilledProgramIsReportedAsKilled) {
  const auto summary = record_guest(sink, {"/bin/sh", "-c", "kill -9 $$"});
  ASSERT_TRUE(summary.ok());
  EXPECT_FALSE(summary->exited);
  EXPECT_EQ(summary->exit_signal, SIGKILL);
}

TEST_F(Run, NoMappingIsUnmappedTwice) {
  for (const char* name : {"threads", "frees_mappings"}) {
    RecordingSink recorded;
    ASSERT_TRUE(record_guest(recorded, {guest(name)}).ok());
    std::set<uint64_t> mapped;
    for (const trace::Event& e : recorded.events) {
      if (e.kind != EventKind::kMap && e.kind != EventKind::kUnmap) continue;
      for (uint64_t at = e.address; at < e.address + std::min<uint64_t>(e.bytes, 1 << 26); at += 4096)
        EXPECT_TRUE(e.kind == EventKind::kMap ? mapped.insert(at).second : mapped.erase(at) == 1) << std::hex << at;
    }
    EXPECT_GT(recorded.count(EventKind::kMap), 0u) << name;
    if (name == std::string("frees_mappings")) EXPECT_GT(recorded.count(EventKind::kUnmap), 0u);
  }
}

TEST_F(Run, TouchesComeAfterTheirMapping) {
  ASSERT_TRUE(record_guest(sink, {guest("zero_fill")}).ok());
  std::set<uint64_t> mapped;
  uint64_t touched = 0;
  for (const trace::Event& e : sink.events)
    for (uint64_t at = e.address; at < e.address + std::min<uint64_t>(e.bytes, 1 << 26); at += 4096) {
      if (e.kind == EventKind::kMap) mapped.insert(at);
      if (e.kind == EventKind::kTouch) {
        EXPECT_TRUE(mapped.contains(at)) << std::hex << at;
        ++touched;
      }
    }
  EXPECT_GE(touched, uint64_t{16} << 20 >> 12) << "the guest fills 16 MiB";
}

TEST_F(Run, TheWindowIsOnePageInTheSlowPath) {
  sink.headroom = 0;
  const auto summary = record_guest(sink, {guest("zero_fill")});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->resolution_pages, 1u);
}

TEST_F(Run, WatchedPagesReportTheNextWrite) {
  sink.watch_writes = true;
  sink.headroom = 0;
  ASSERT_TRUE(record_guest(sink, {guest("threads")}).ok());
  EXPECT_GT(sink.count(EventKind::kReference), 0u);
}

TEST_F(Run, SleepIsWaitAndNotCompute) {
  ASSERT_TRUE(record_guest(sink, {"/bin/sleep", "0.5"}).ok());
  uint64_t wait = 0, compute = 0;
  for (const trace::Event& e : sink.events) {
    wait += e.wait_ns;
    compute += e.compute_ns;
  }
  EXPECT_GT(wait, 400'000'000u);
  EXPECT_LT(compute, 100'000'000u);
}

TEST(CheckCommand, SaysWhetherTheProgramWillLoadTheLibrary) {
  const std::string script = testing::TempDir() + "oomcast-static-script";
  std::ofstream(script) << "#!" << guest("static") << " x\n";
  ASSERT_EQ(::chmod(script.c_str(), 0755), 0);
  RecordOptions options;
  options.command = {guest("static")};
  EXPECT_EQ(check_command(options).library, LibraryUse::kIgnores);
  EXPECT_EQ(check_command(options).program, guest("static"));
  options.command = {script};
  EXPECT_EQ(check_command(options).library, LibraryUse::kIgnores) << "its interpreter is static";
  EXPECT_EQ(check_command(options).program, script);
  options.command = {guest("exit_code")};
  EXPECT_EQ(check_command(options).library, LibraryUse::kLoads);
  ::unlink(script.c_str());
}

TEST(CheckCommand, TheDynamicLinkerByItsOwnNamePreloads) {
  for (const char* linker : {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"}) {
    if (::access(linker, X_OK) != 0) continue;
    RecordOptions options;
    options.command = {linker, "/bin/true"};
    EXPECT_EQ(check_command(options).library, LibraryUse::kLoads);
  }
}

TEST(CheckCommand, NamesTheProblem) {
  RecordOptions options;
  options.command = {"/no/such/program"};
  EXPECT_EQ(check_command(options).problem, PreflightProblem::kNotFound);
  options.command = {"/etc/passwd"};
  EXPECT_EQ(check_command(options).problem, PreflightProblem::kNotExecutable);
  options.command = {guest("static")};
  EXPECT_TRUE(check_command(options).ok());
  options.command = {"sh"};
  EXPECT_TRUE(check_command(options).ok());
}

}  // namespace
}  // namespace oomcast::record
