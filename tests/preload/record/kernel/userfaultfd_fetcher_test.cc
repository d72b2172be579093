// A userfaultfd is opened inside a program that does not know of the recorder, and the program goes on as it was.
#include "preload/record/kernel/userfaultfd_fetcher.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>

#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"
#include "preload/record/kernel/userfaultfd.h"
#include "tests/preload/record/eventually.h"
#include "tests/preload/record/forked_child.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kBytes = 64 * kPage;

/// A busy machine may let a thread wait longer than the recorder would.
FetchedUserfaultfd fetch_in_time(UserfaultfdFetcher& fetcher, uint32_t pid, int pidfd, bool descends_from_us = true) {
  FetchedUserfaultfd fetched;
  eventually([&] {
    fetched = fetcher.fetch(pid, pidfd, descends_from_us);
    return fetched.error != EBUSY && fetched.error != EALREADY;
  });
  return fetched;
}

UniqueFd pidfd_of(const ForkedChild& child) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), 0)));
}

/// Memory that nobody has touched yet.
class FreshMemory {
 public:
  ~FreshMemory() { ::munmap(start_, kBytes); }
  uint64_t start() const { return reinterpret_cast<uint64_t>(start_); }
  void touch() const {
    for (uint64_t at = 0; at < kBytes; at += kPage) start_[at] = 1;
  }

 private:
  char* const start_ = static_cast<char*>(
      ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
};

/// A copy of the test that waits for a byte, writes to each page of fresh memory, and says whether it could.
class Waiting {
 public:
  template <class Before>
  explicit Waiting(Before before)
      : child_([&] {
          before();
          if (!go_.take()) return 8;
          memory_.touch();
          return 7;
        }) {
    child_.wait_until_in(SYS_read);
  }
  uint32_t pid() const { return child_.number(); }
  uint64_t memory() const { return memory_.start(); }
  FetchedUserfaultfd fetch(bool descends_from_us = true) {
    return fetch_in_time(fetcher_, pid(), pidfd_.get(), descends_from_us);
  }
  void go() const { go_.put(); }
  int status() { return child_.status(); }
  /// Its mappings, descriptors and signal state, as /proc shows them to anybody.
  std::string visible_state() const {
    std::string text = read_whole_path(proc_of(pid()) + "maps");
    for (const auto& entry : std::filesystem::directory_iterator(proc_of(pid()) + "fd"))
      text += entry.path().filename().string() + " ";
    const std::string status = read_whole_path(proc_of(pid()) + "status");
    const size_t from = status.find("SigPnd");
    return text + status.substr(from, status.find("CapInh") - from);
  }

 private:
  FreshMemory memory_;
  Pipe go_;
  ForkedChild child_;
  UniqueFd pidfd_ = pidfd_of(child_);
  UserfaultfdFetcher fetcher_;
};

void allow_all_by_a_filter() {
  sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  const sock_fprog filter{1, &allow};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

bool may_hold_faults() { return UniqueFd(static_cast<int>(::syscall(SYS_userfaultfd, 0))).get() >= 0; }

TEST(UserfaultfdFetcher, TheProgramsFaultsComeToUs) {
  if (!may_hold_faults()) GTEST_SKIP() << "not permitted here";
  Waiting child([] {});
  const std::string before = child.visible_state();
  FetchedUserfaultfd fetched = child.fetch();
  ASSERT_TRUE(fetched.descriptor) << fetched.error;
  EXPECT_GT(fetched.stopped_ns, 0u);
  EXPECT_EQ(child.visible_state(), before) << "descriptors, mappings and signal masks are the same";
  Userfaultfd faults(std::move(fetched.descriptor));
  ASSERT_TRUE(faults.negotiate());
  ASSERT_TRUE(faults.register_range(child.memory(), child.memory() + kBytes));
  child.go();
  uint64_t held = 0;
  for (; held < 4; ++held) {
    uffd_msg message;
    ASSERT_TRUE(eventually([&] { return faults.read({&message, 1}) == 1; }));
    EXPECT_EQ(page_down(message.arg.pagefault.address), child.memory() + held * kPage);
    uint64_t filled = 0;
    EXPECT_EQ(faults.fill(child.memory() + held * kPage, 1, true, false, &filled), FaultResult::kDone);
  }
  faults.reset();
  EXPECT_EQ(child.status(), 7) << "without the recorder the kernel serves the faults";
}

TEST(UserfaultfdFetcher, AProgramWithoutPrivilegeBorrowsTheDevice) {
  if (!may_hold_faults() || ::geteuid() != 0 || ::access("/dev/userfaultfd", R_OK | W_OK) != 0)
    GTEST_SKIP() << "not permitted here";
  Waiting child([] {
    static_cast<void>(!::setgid(65534));
    static_cast<void>(!::setuid(65534));
  });
  const std::string before = child.visible_state();
  FetchedUserfaultfd fetched = child.fetch();
  ASSERT_TRUE(fetched.descriptor) << fetched.error;
  EXPECT_EQ(child.visible_state(), before);
  Userfaultfd faults(std::move(fetched.descriptor));
  ASSERT_TRUE(faults.negotiate());
  EXPECT_TRUE(faults.register_range(child.memory(), child.memory() + kBytes));
  faults.reset();
  child.go();
  EXPECT_EQ(child.status(), 7);
}

TEST(UserfaultfdFetcher, WhereNoNumberIsLeftNoneOfTheProgramsDescriptorsIsTakenForTheDevice) {
  if (!may_hold_faults() || ::geteuid() != 0 || ::access("/dev/userfaultfd", R_OK | W_OK) != 0)
    GTEST_SKIP() << "not permitted here";
  Waiting child([] {
    // Two numbers, for the sockets over which the device would come.
    const int one = ::dup(STDIN_FILENO), two = ::dup(STDIN_FILENO);
    const rlimit numbers{static_cast<rlim_t>(two) + 1, static_cast<rlim_t>(two) + 1};
    ::setrlimit(RLIMIT_NOFILE, &numbers);
    ::close(one);
    ::close(two);
    static_cast<void>(!::setgid(65534));
    static_cast<void>(!::setuid(65534));
  });
  const std::string before = child.visible_state();
  EXPECT_EQ(child.fetch().error, EMFILE);
  EXPECT_EQ(child.visible_state(), before);
  child.go();
  EXPECT_EQ(child.status(), 7);
}

TEST(UserfaultfdFetcher, AFilterOfSystemCallsIsNotPutToTheTest) {
  Waiting child(allow_all_by_a_filter);
  const FetchedUserfaultfd fetched = child.fetch();
  EXPECT_FALSE(fetched.descriptor);
  EXPECT_EQ(fetched.error, EACCES);
  child.go();
  EXPECT_EQ(child.status(), 7);
}

TEST(UserfaultfdFetcher, AStrangerWithAsManyFiltersAsWeHaveMayHaveOthers) {
  ForkedChild under_a_filter([] {
    allow_all_by_a_filter();
    Waiting stranger([] {});
    return stranger.fetch(false).error == EACCES ? 7 : 8;
  });
  EXPECT_EQ(under_a_filter.status(), 7);
}

TEST(UserfaultfdFetcher, AProgramWithAUserfaultfdOfItsOwnIsRefused) {
  if (!may_hold_faults()) GTEST_SKIP() << "not permitted here";
  Waiting child([] { ::syscall(SYS_userfaultfd, 0); });
  EXPECT_EQ(child.fetch().error, EEXIST);
  child.go();
  EXPECT_EQ(child.status(), 7);
}

TEST(UserfaultfdFetcher, AThreadIsTakenWhereTheFirstHasLeft) {
  if (!may_hold_faults()) GTEST_SKIP() << "not permitted here";
  const Pipe pipe;
  ForkedChild child([&] {
    std::thread([&] { ::_exit(pipe.take() ? 7 : 8); }).detach();
    return static_cast<int>(::syscall(SYS_exit, 0));
  });
  const auto has_left = [&] {
    return read_whole_path(proc_of(child.number()) + "status").find("State:\tZ") != std::string::npos;
  };
  ASSERT_TRUE(eventually(has_left));
  const UniqueFd pidfd = pidfd_of(child);
  UserfaultfdFetcher fetcher;
  const FetchedUserfaultfd fetched = fetch_in_time(fetcher, child.number(), pidfd.get());
  EXPECT_TRUE(fetched.descriptor) << fetched.error;
  pipe.put();
  EXPECT_EQ(child.status(), 7);
}

/// A copy of the test that becomes a shell that says a word, once the gate is opened.
class Starting {
 public:
  pid_t pid() const { return child_.pid(); }
  int pidfd() const { return pidfd_.get(); }
  void open_gate() const { gate_.put(); }
  bool has_said_anything() const {
    pollfd ready{said_.from.get(), POLLIN, 0};
    return ::poll(&ready, 1, 0) == 1;
  }
  int status() { return child_.status(); }

 private:
  Pipe gate_{O_CLOEXEC}, said_{O_CLOEXEC};
  ForkedChild child_{[this] {
    ::dup2(said_.to.get(), STDOUT_FILENO);
    gate_.take();
    return ::execl("/bin/sh", "sh", "-c", "echo x; exit 7", nullptr);
  }};
  UniqueFd pidfd_ = pidfd_of(child_);
};

TEST(HeldStart, AProgramWaitsBeforeItsFirstInstructionUntilItIsLetGo) {
  if (!may_hold_faults()) GTEST_SKIP() << "not permitted here";
  Starting child;
  HeldStart start;
  start.begin(child.pid());
  ASSERT_EQ(start.pid(), child.pid());
  child.open_gate();
  const FetchedUserfaultfd fetched = start.fetch(child.pidfd());
  EXPECT_TRUE(fetched.descriptor) << fetched.error;
  HeldStart moved = std::move(start);
  EXPECT_EQ(start.pid(), 0);  // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(child.has_said_anything());
  moved.let_go();
  EXPECT_EQ(moved.pid(), 0);
  EXPECT_EQ(child.status(), 7);
  EXPECT_TRUE(child.has_said_anything());
}

TEST(HeldStart, WhoIsLetGoBeforeItsExecRunsOn) {
  Starting child;
  {
    HeldStart start;
    start.begin(child.pid());
  }
  child.open_gate();
  EXPECT_EQ(child.status(), 7);
}

TEST(HeldStart, WhoMayNotBeTracedIsNotHeld) {
  Starting child;
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, child.pid(), 0, 0), 0);
  HeldStart start;
  start.begin(child.pid());
  EXPECT_EQ(start.pid(), 0);
  child.open_gate();
  EXPECT_EQ(child.status(), 7);
}

}  // namespace
}  // namespace oomcast::record
