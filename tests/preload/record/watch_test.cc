// A process that runs already is watched from outside: its memory is found, its touches can be held, and it runs on.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/preload/record/forked_child.h"
#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {
namespace {

using testing::HasSubstr;
using trace::EventKind;

constexpr uint64_t kMiB = 1 << 20;

/// A forked copy of the test that runs the function. The constructor waits until the function has called its argument.
class Child {
 public:
  template <class What>
  explicit Child(What what)
      : child_([&] {
          what([this] { ready_.put(); });
          return 0;
        }) {
    ready_.to.reset();
    EXPECT_TRUE(ready_.take()) << "the child ended before it was ready";
  }
  uint32_t pid() const { return child_.number(); }
  int status() { return child_.status(); }
  bool runs() const { return child_.runs(); }

 private:
  Pipe ready_;
  ForkedChild child_;
};

void touch(uint64_t mebibytes) {
  void* const own = ::mmap(nullptr, mebibytes * kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ::madvise(own, mebibytes * kMiB, MADV_NOHUGEPAGE);
  std::memset(own, 1, mebibytes * kMiB);
}

class Watch : public testing::Test {
 protected:
  Result<trace::CaptureSummary> watch_for(uint32_t pid, uint64_t ms, bool hold = false) {
    RecordOptions options;
    if (hold) options.tracker = "userfaultfd";
    options.guard_percent = 0;
    return watch({pid, false, ms * 1'000'000}, options, sink);
  }
  uint64_t touched_bytes() const {
    uint64_t bytes = 0;
    for (const trace::Event& e : sink.events)
      if (e.kind == EventKind::kTouch && (e.flags & trace::kWrite) != 0) bytes += e.bytes;
    return bytes;
  }
  RecordingSink sink;
};

TEST_F(Watch, WhatIsThereCountsAndTheProcessRunsOn) {
  const Child child([](auto ready) {
    touch(32);
    ready();
    for (;;) ::pause();
  });
  const auto summary = watch_for(child.pid(), 200);
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_TRUE(summary->detached);
  EXPECT_FALSE(summary->exited);
  EXPECT_EQ(summary->exit_signal, 0);
  EXPECT_EQ(summary->attached_processes, 1u);
  EXPECT_GE(summary->attached_bytes, 32 * kMiB);
  EXPECT_THAT(summary->still_running, testing::IsEmpty()) << "it was meant to run on";
  EXPECT_GE(touched_bytes(), 32 * kMiB);
  EXPECT_LT(peak_error_percent(summary.value()), 2);
  EXPECT_TRUE(child.runs());
}

TEST_F(Watch, WhatItTakesMeanwhileIsFound) {
  const Child child([](auto ready) {
    touch(8);
    ready();
    ::usleep(150'000);
    touch(24);
    for (;;) ::pause();
  });
  const auto summary = watch_for(child.pid(), 1500);
  ASSERT_TRUE(summary.ok());
  EXPECT_LT(summary->attached_bytes, 31 * kMiB);
  EXPECT_GE(summary->tracked_peak_bytes, 32 * kMiB);
}

TEST_F(Watch, ItsTouchesAreHeldIfThatIsAskedFor) {
  if (!probe().userfaultfd) GTEST_SKIP() << "no userfaultfd here";
  Child child([](auto ready) {
    char* const own =
        static_cast<char*>(::mmap(nullptr, 24 * kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ready();
    ::usleep(3'000'000);  // longer than the four tries to stop it
    std::memset(own, 1, 24 * kMiB);
    touch(8);
    ::usleep(1'000'000);  // a recorder that is starved finds the new mapping late, but before it is gone
    ::_exit(7);
  });
  const auto summary = watch_for(child.pid(), 60'000, true);
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(child.status(), 7);
  using testing::Contains;
  const auto did_not_stop =
      Contains(testing::AllOf(HasSubstr("no userfaultfd could be opened"), HasSubstr(std::strerror(EBUSY))));
  if (testing::Value(summary->caveats, did_not_stop)) GTEST_SKIP() << "too busy a machine: no thread stopped in time";
  ASSERT_THAT(summary->caveats, Contains(HasSubstr("a userfaultfd was opened inside of them")));
  EXPECT_GE(summary->tracked_peak_bytes, 32 * kMiB);
  // Not against the kernel's count: on a busy machine it is sampled too late before the child ends.
  EXPECT_LE(summary->tracked_peak_bytes, 37 * kMiB) << "32 MiB of its own, and what it has of the test since the fork";
  EXPECT_GE(sink.written_bytes(), 24 * kMiB) << "each of its own touches was held";
}

TEST_F(Watch, ASystemCallThatItWaitsInIsNotDisturbed) {
  if (!probe().userfaultfd) GTEST_SKIP() << "no userfaultfd here";
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  Child child([&](auto ready) {
    ready();
    char byte = 0;
    ::_exit(::read(pipe[0], &byte, 1) == 1 ? 7 : 8);
  });
  ASSERT_TRUE(watch_for(child.pid(), 300, true).ok());
  EXPECT_TRUE(child.runs());
  EXPECT_EQ(::write(pipe[1], "x", 1), 1);
  EXPECT_EQ(child.status(), 7);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_F(Watch, WhatProcessesShareSinceAForkIsThereOnce) {
  const Child child([](auto ready) {
    touch(24);
    if (::fork() == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      touch(8);
      ready();
      for (;;) ::pause();
    }
    for (;;) ::pause();
  });
  const auto summary = watch_for(child.pid(), 300);
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->attached_processes, 2u);
  EXPECT_EQ(sink.count(EventKind::kFork), 1u);
  EXPECT_GE(summary->attached_bytes, 32 * kMiB);
  EXPECT_LT(summary->attached_bytes, 44 * kMiB);
  EXPECT_GE(touched_bytes(), 32 * kMiB);
  EXPECT_LT(touched_bytes(), 44 * kMiB) << "24 and 8, and what the test itself had at the fork";
}

TEST_F(Watch, ItsEndIsTheEndOfTheRun) {
  const Child child([](auto ready) {
    ready();
    ::usleep(200'000);
    ::_exit(9);
  });
  const auto summary = watch_for(child.pid(), 60'000);
  ASSERT_TRUE(summary.ok());
  EXPECT_FALSE(summary->detached);
  EXPECT_TRUE(summary->exited);
  EXPECT_EQ(summary->exit_code, 9);
}

TEST(CheckAttachment, SaysWhatIsWrong) {
  const auto problem = [](uint32_t pid) {
    const Result<void> checked = check_attachment({pid, false, 0});
    return checked.ok() ? std::string() : checked.error().message;
  };
  EXPECT_THAT(problem(4'194'304), HasSubstr("no such process"));
  EXPECT_THAT(problem(static_cast<uint32_t>(::getpid())), HasSubstr("oomcast itself"));
  if (::access("/proc/2/status", F_OK) == 0) {
    EXPECT_THAT(problem(2), HasSubstr("kernel thread"));
  }
  std::jthread waits([](const std::stop_token& stop) {
    while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  uint32_t thread = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
    if (const auto tid = static_cast<uint32_t>(std::stoul(entry.path().filename()));
        tid != static_cast<uint32_t>(::getpid()))
      thread = tid;
  EXPECT_THAT(problem(thread), HasSubstr("is a thread of process " + std::to_string(::getpid())));
  const pid_t ended = ::fork();
  if (ended == 0) ::_exit(0);
  siginfo_t info;
  ::waitid(P_PID, static_cast<id_t>(ended), &info, WEXITED | WNOWAIT);
  EXPECT_THAT(problem(static_cast<uint32_t>(ended)), HasSubstr("has ended"));
  ::waitpid(ended, nullptr, 0);
}

}  // namespace
}  // namespace oomcast::record
