// The three trackers see the same program alike, within what each of them states.
#include "preload/record/tracker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "preload/record/guest/guest_process.h"
#include "preload/record/kernel/page_scan.h"
#include "preload/record/kernel/proc_maps.h"
#include "preload/record/kernel/unique_fd.h"
#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {
namespace {

using trace::EventKind;
constexpr double kMiB = 1 << 20;

/// Some kernels give memory that is only read pages of its own instead of the shared zero page.
bool reads_cost_memory() {
  const size_t bytes = 1 << 20;
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t at = 0; at < bytes; at += 4096) static_cast<void>(static_cast<volatile char*>(memory)[at]);
  UniqueFd pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  uint64_t found = 0;
  const auto start = reinterpret_cast<uint64_t>(memory);
  scan_resident(pagemap.get(), start, start + bytes, [&](uint64_t from, uint64_t to) { found += to - from; });
  ::munmap(memory, bytes);
  return found > bytes / 2;
}

class Tracker : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!choose_tracker(GetParam(), probe()).ok()) GTEST_SKIP() << GetParam() << " is not allowed here";
  }
  Result<trace::CaptureSummary> record(std::vector<std::string> command) {
    RecordOptions options;
    options.command = std::move(command);
    options.tracker = GetParam();
    return run(options, sink);
  }
  /// Unattributed memory, which it had at once by the kernel's counts alone, is left out.
  double bytes_of(EventKind kind) const {
    uint64_t total = 0;
    for (const trace::Event& e : sink.events)
      if (e.kind == kind && e.address < kUnattributedMemory && (kind != EventKind::kTouch || (e.flags & trace::kWrite)))
        total += e.bytes;
    return static_cast<double>(total);
  }
  bool polled() const { return std::string(GetParam()) != "userfaultfd"; }
  RecordingSink sink;
};

// .ci/run asks for it: where touches cannot be held, half of the recorder's tests are skipped, and nobody would notice.
TEST(Machine, HoldsTouchesWhereOomcastRequireTrackerIsSet) {
  if (::getenv("OOMCAST_REQUIRE_TRACKER") == nullptr) return;
  EXPECT_TRUE(probe().userfaultfd) << "no userfaultfd here; 'oomcast doctor' prints the command that allows it";
}

TEST_P(Tracker, SeesWhatTheProgramTouchedAndNotWhatItOnlyRead) {
  const auto summary = record({guest("touch_free_fork")});
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_EQ(summary->exit_code, 0);
  EXPECT_EQ(summary->tracker, GetParam());
  // 32 + 32 by the first walk, 16 by the child, 8 by the last; 64 that were only read are no memory, unless this kernel
  // gives them pages and no question came before.
  const double read = polled() && reads_cost_memory() ? 64 : 0;
  EXPECT_NEAR(bytes_of(EventKind::kTouch) / kMiB, 88 + read, 88 * 0.03);
  // The most at once: 64 before the unmap, or 24 in parent and child each and 16 in the child.
  EXPECT_NEAR(static_cast<double>(summary->tracked_peak_bytes) / kMiB, 64 + 2 * read, 64 * 0.03);
  EXPECT_LT(peak_error_percent(summary.value()), 3);
}

TEST_P(Tracker, SeesWhatWasFreed) {
  ASSERT_TRUE(record({guest("touch_free_fork")}).ok());
  uint64_t unmapped = 0, dropped = 0;
  std::ostringstream pieces;
  for (size_t i = 0; i < sink.events.size(); ++i) {
    const trace::Event& e = sink.events[i];
    if (e.kind == EventKind::kUnmap && e.bytes >= 8u << 20) unmapped += e.bytes;
    // A poll may meet the pages of the unmapped piece when they have gone and the mapping has not been missed yet.
    const auto unmaps_it = [&](const trace::Event& later) {
      return later.kind == EventKind::kUnmap && later.pid == e.pid && later.address <= e.address &&
             e.address + e.bytes <= later.address + later.bytes;
    };
    if (e.kind != EventKind::kAdviseDontneed ||
        std::any_of(sink.events.begin() + static_cast<ptrdiff_t>(i), sink.events.end(), unmaps_it))
      continue;
    dropped += e.bytes;
    pieces << " process " << e.pid << ": " << e.bytes / 4096 << " pages at " << std::hex << e.address << std::dec;
  }
  EXPECT_GE(unmapped, 32u << 20);
  EXPECT_GE(static_cast<double>(dropped) / kMiB, 7.5);
  EXPECT_LE(static_cast<double>(dropped) / kMiB, 8.5) << pieces.str();
}

TEST_P(Tracker, FollowsTheForkedChild) {
  ASSERT_TRUE(record({guest("touch_free_fork")}).ok());
  EXPECT_EQ(sink.count(EventKind::kFork), 1u);
  EXPECT_EQ(sink.count(EventKind::kExit), 2u);
}

TEST_P(Tracker, StatesItsResolution) {
  const auto summary = record({guest("touch_free_fork")});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->resolution_ns > 0, polled());
  EXPECT_EQ(summary->caveats.empty() || summary->caveats[0].find("polled (tracker") == std::string::npos, !polled());
}

TEST_P(Tracker, WatchedPagesReportTheNextWriteUnlessThePagemapIsAll) {
  sink.watch_writes = true;
  ASSERT_TRUE(record({guest("rewrites")}).ok());
  EXPECT_EQ(sink.count(EventKind::kReference) > 0, std::string(GetParam()) != "pagemap");
}

INSTANTIATE_TEST_SUITE_P(Run, Tracker, testing::Values("userfaultfd", "wp-async", "pagemap"), [](const auto& one) {
  std::string name = one.param;
  std::erase(name, '-');
  return name;
});

TEST(ChooseTracker, PrefersFaultsThenProtectionThenPolling) {
  Capabilities allowed;
  EXPECT_EQ(choose_tracker("", allowed).value(), TrackerKind::kPagemap);
  allowed.event_remap = allowed.event_remove = allowed.event_unmap = allowed.thread_id = true;
  allowed.wp_async = allowed.pagemap_scan = true;
  EXPECT_EQ(choose_tracker("", allowed).value(), TrackerKind::kWpAsync);
  EXPECT_FALSE(choose_tracker("userfaultfd", allowed).ok());
  allowed.userfaultfd = true;
  EXPECT_EQ(choose_tracker("", allowed).value(), TrackerKind::kUserfaultfd);
  EXPECT_EQ(choose_tracker("wp-async", allowed).value(), TrackerKind::kWpAsync);
  EXPECT_FALSE(choose_tracker("guess", allowed).ok());
}

TEST(TrackerOfTheReport, IsTheOneThatSawTheMemoryNotTheOneThatItsStarterHad) {
  if (!probe().userfaultfd) GTEST_SKIP() << "no userfaultfd here to begin with";
  RecordingSink sink;
  const auto summary = record_guest(sink, {guest("without_userfaultfd"), guest("touch_free_fork")});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->tracker, "pagemap");
  EXPECT_TRUE(std::any_of(summary->caveats.begin(), summary->caveats.end(), [](const std::string& c) {
    return c.find("guest_touch") != std::string::npos && c.find("polled") != std::string::npos;
  }));
}

/// Gives up all privilege and records a guest. Returns 0 if the guest's memory was seen with the tracker that probe()
/// names, else the number of the failure. To be called in a process of its own.
int record_without_privilege() {
  if (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0) return 2;
  ::prctl(PR_SET_DUMPABLE, 1);
  if (::access(guest("touch_free_fork").c_str(), X_OK) != 0) return 3;
  RecordingSink sink;
  RecordOptions options;
  options.command = {guest("touch_free_fork")};
  const auto summary = run(options, sink);
  if (!summary.ok() || summary->exit_code != 0) return 4;
  if (summary->tracker != probe().tracker || summary->tracker == "none") return 5;
  return peak_error_percent(summary.value()) < 3 && summary->tracked_peak_bytes > 60u << 20 ? 0 : 6;
}

TEST(RunWithoutPrivilege, StillSeesTheProgramsMemory) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give up privilege";
  const pid_t child = ::fork();
  if (child == 0) ::_exit(record_without_privilege());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 3) GTEST_SKIP() << "the build tree is not readable for others";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace oomcast::record
