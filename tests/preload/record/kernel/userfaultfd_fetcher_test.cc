// A userfaultfd is opened inside a program that does not know of us, and the program goes on as it was.
#include "preload/record/kernel/userfaultfd_fetcher.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

namespace oomcast::record {
namespace {

constexpr uint64_t kBytes = 64 * kPage;

/// A busy machine may let a thread wait longer than the recorder would.
FetchedUserfaultfd fetch_in_time(UserfaultfdFetcher& fetcher, uint32_t pid, int pidfd) {
  FetchedUserfaultfd fetched;
  eventually([&] { return (fetched = fetcher.fetch(pid, pidfd)).error != EBUSY; });
  return fetched;
}

/// A copy of the test that waits for a byte, writes to each page of fresh memory, and says whether it could.
class Waiting {
 public:
  template <class Before>
  explicit Waiting(Before before) {
    memory_ = static_cast<char*>(
        ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    EXPECT_EQ(::pipe(go_), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      before();
      char byte;
      if (::read(go_[0], &byte, 1) != 1) ::_exit(8);
      for (uint64_t at = 0; at < kBytes; at += kPage) memory_[at] = 1;
      ::_exit(7);
    }
    const std::string call = proc_of(pid()) + "syscall";
    EXPECT_TRUE(eventually([&] { return read_whole_path(call).starts_with(std::to_string(SYS_read) + " "); }));
    pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  }
  ~Waiting() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    ::munmap(memory_, kBytes);
    ::close(go_[0]);
    ::close(go_[1]);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  uint32_t pid() const { return static_cast<uint32_t>(pid_); }
  uint64_t memory() const { return reinterpret_cast<uint64_t>(memory_); }
  FetchedUserfaultfd fetch() { return fetch_in_time(fetcher_, pid(), pidfd_.get()); }
  void go() const { EXPECT_EQ(::write(go_[1], "", 1), 1); }
  int status() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  /// What anybody could see of it.
  std::string looks() const {
    std::string text = read_whole_path(proc_of(pid()) + "maps");
    for (const auto& entry : std::filesystem::directory_iterator(proc_of(pid()) + "fd"))
      text += entry.path().filename().string() + " ";
    const std::string status = read_whole_path(proc_of(pid()) + "status");
    const size_t from = status.find("SigPnd");
    return text + status.substr(from, status.find("CapInh") - from);
  }

 private:
  pid_t pid_;
  int go_[2];
  char* memory_;
  UniqueFd pidfd_;
  UserfaultfdFetcher fetcher_;
};

bool may_hold_faults() { return UniqueFd(static_cast<int>(::syscall(SYS_userfaultfd, 0))).get() >= 0; }

TEST(UserfaultfdFetcher, TheProgramsFaultsComeToUs) {
  if (!may_hold_faults()) GTEST_SKIP() << "not permitted here";
  Waiting child([] {});
  const std::string before = child.looks();
  FetchedUserfaultfd fetched = child.fetch();
  ASSERT_TRUE(fetched.descriptor) << fetched.error;
  EXPECT_GT(fetched.stopped_ns, 0u);
  EXPECT_EQ(child.looks(), before) << "no descriptor, no mapping, no signal mask is another one";
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
  EXPECT_EQ(child.status(), 7) << "without us the kernel serves it";
}

TEST(UserfaultfdFetcher, AProgramWithoutPrivilegeBorrowsTheDevice) {
  if (!may_hold_faults() || ::geteuid() != 0 || ::access("/dev/userfaultfd", R_OK | W_OK) != 0)
    GTEST_SKIP() << "not permitted here";
  Waiting child([] {
    static_cast<void>(!::setgid(65534));
    static_cast<void>(!::setuid(65534));
  });
  const std::string before = child.looks();
  FetchedUserfaultfd fetched = child.fetch();
  ASSERT_TRUE(fetched.descriptor) << fetched.error;
  EXPECT_EQ(child.looks(), before);
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
  const std::string before = child.looks();
  EXPECT_EQ(child.fetch().error, EMFILE);
  EXPECT_EQ(child.looks(), before);
  child.go();
  EXPECT_EQ(child.status(), 7);
}

TEST(UserfaultfdFetcher, AFilterOfSystemCallsIsNotPutToTheTest) {
  Waiting child([] {
    sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
    const sock_fprog filter{1, &allow};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
  });
  const FetchedUserfaultfd fetched = child.fetch();
  EXPECT_FALSE(fetched.descriptor);
  EXPECT_EQ(fetched.error, EACCES);
  child.go();
  EXPECT_EQ(child.status(), 7);
}

TEST(UserfaultfdFetcher, WhoHasOneOfItsOwnKeepsItsMemoryToItself) {
  if (!may_hold_faults()) GTEST_SKIP() << "not permitted here";
  Waiting child([] { ::syscall(SYS_userfaultfd, 0); });
  EXPECT_EQ(child.fetch().error, EEXIST);
  child.go();
  EXPECT_EQ(child.status(), 7);
}

TEST(UserfaultfdFetcher, AThreadIsTakenWhereTheFirstHasLeft) {
  if (!may_hold_faults()) GTEST_SKIP() << "not permitted here";
  int pair[2];
  ASSERT_EQ(::pipe(pair), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::thread([&] {
      char byte;
      ::_exit(::read(pair[0], &byte, 1) == 1 ? 7 : 8);
    }).detach();
    ::syscall(SYS_exit, 0);
  }
  const auto number = static_cast<uint32_t>(pid);
  const auto has_left = [&] {
    return read_whole_path(proc_of(number) + "status").find("State:\tZ") != std::string::npos;
  };
  ASSERT_TRUE(eventually(has_left));
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  UserfaultfdFetcher fetcher;
  const FetchedUserfaultfd fetched = fetch_in_time(fetcher, number, pidfd.get());
  EXPECT_TRUE(fetched.descriptor) << fetched.error;
  EXPECT_EQ(::write(pair[1], "", 1), 1);
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  ::close(pair[0]);
  ::close(pair[1]);
}

/// A copy of the test that becomes a shell that says a word, once the gate is opened.
class Starting {
 public:
  Starting() {
    EXPECT_EQ(::pipe2(gate_, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(said_, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(said_[1], STDOUT_FILENO);
      char byte;
      static_cast<void>(!::read(gate_[0], &byte, 1));
      ::execl("/bin/sh", "sh", "-c", "echo x; exit 7", nullptr);
      ::_exit(8);
    }
    pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  }
  ~Starting() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    for (const int fd : {gate_[0], gate_[1], said_[0], said_[1]}) ::close(fd);
  }
  Starting(const Starting&) = delete;
  Starting& operator=(const Starting&) = delete;
  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  void open_gate() const { EXPECT_EQ(::write(gate_[1], "", 1), 1); }
  bool has_said_anything() const {
    pollfd ready{said_[0], POLLIN, 0};
    return ::poll(&ready, 1, 0) == 1;
  }
  int status() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
  int gate_[2], said_[2];
  UniqueFd pidfd_;
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
