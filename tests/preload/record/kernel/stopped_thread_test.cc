// A thread that was stopped and has made system calls for the recorder goes on as if nothing had been.
#include "preload/record/kernel/stopped_thread.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include "preload/record/kernel/inside_program.h"
#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"
#include "tests/preload/record/eventually.h"
#include "tests/preload/record/forked_child.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kPatienceNs = 2'000'000'000;

class Child : public ForkedChild {
 public:
  using ForkedChild::ForkedChild;
  /// Stops the child's thread, and has it call getpid() so many times.
  void borrow(int times) const {
    const uint64_t instruction = find_syscall_instruction(number());
    ASSERT_NE(instruction, 0u);
    StoppedThread thread(pid(), kPatienceNs);
    ASSERT_TRUE(thread.valid()) << thread.error();
    for (int i = 0; i < times; ++i) EXPECT_EQ(thread.call(instruction, SYS_getpid), pid());
  }
};

int milliseconds_of(const timespec& from, const timespec& to) {
  return static_cast<int>((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1'000'000);
}

/// A computation whose results change with any register or flag that is changed meanwhile.
std::pair<uint64_t, double> computed() {
  uint64_t sum = 0;
  double part = 1;
  for (uint64_t i = 0; i < 2'000'000; ++i) sum = sum * 3 + (i ^ (sum >> 7)), part = part * 0.999999 + 1;
  return {sum, part};
}

TEST(StoppedThread, AComputationComesToTheSameResult) {
  auto* const over = static_cast<std::atomic<bool>*>(
      ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const auto expected = computed();
  Child child([&] {
    while (!over->load())
      if (computed() != expected) return 8;
    return 7;
  });
  for (int i = 0; i < 200; ++i) child.borrow(i % 3);
  over->store(true);
  EXPECT_EQ(child.status(), 7);
  ::munmap(over, kPage);
}

TEST(StoppedThread, AnInterruptedSleepLastsAsLongAsItWouldHave) {
  constexpr int kMilliseconds = 1500;
  Child child([] {
    timespec began, ended;
    const timespec rest{kMilliseconds / 1000, kMilliseconds % 1000 * 1'000'000};
    ::clock_gettime(CLOCK_MONOTONIC, &began);
    const int result = ::clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, nullptr);
    ::clock_gettime(CLOCK_MONOTONIC, &ended);
    return result == 0 && milliseconds_of(began, ended) >= kMilliseconds ? 7 : 8;
  });
  child.wait_until_in(SYS_clock_nanosleep);
  child.borrow(2);
  child.borrow(2);
  EXPECT_EQ(child.status(), 7);
}

TEST(StoppedThread, AnInterruptedReadIsRestarted) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  Child child([&] {
    char byte = 0;
    const ssize_t got = ::read(pipe[0], &byte, 1);
    return got == 1 && byte == 'x' ? 7 : 8;
  });
  child.wait_until_in(SYS_read);
  for (int i = 0; i < 5; ++i) child.borrow(2);
  EXPECT_EQ(::write(pipe[1], "x", 1), 1);
  EXPECT_EQ(child.status(), 7);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(StoppedThread, NoCallThatAnyStopWouldInterruptFailsWithEintr) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  Child polls([&] {
    epoll_event event{EPOLLIN, {}};
    const int epoll = ::epoll_create1(0);
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, pipe[0], &event);
    return ::epoll_wait(epoll, &event, 1, -1) == 1 ? 7 : 8;
  });
  sigset_t awaited;
  ::sigemptyset(&awaited);
  ::sigaddset(&awaited, SIGUSR1);
  Child waits([&] {
    ::sigprocmask(SIG_BLOCK, &awaited, nullptr);
    return ::sigtimedwait(&awaited, nullptr, nullptr) == SIGUSR1 ? 7 : 8;
  });
  polls.wait_until_in(SYS_epoll_wait);
  waits.wait_until_in(SYS_rt_sigtimedwait);
  for (int i = 0; i < 5; ++i) {
    polls.borrow(i % 3);
    waits.borrow(i % 3);
  }
  EXPECT_EQ(::write(pipe[1], "x", 1), 1);
  ::kill(waits.pid(), SIGUSR1);
  EXPECT_EQ(polls.status(), 7);
  EXPECT_EQ(waits.status(), 7);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

volatile sig_atomic_t caught = 0;

TEST(StoppedThread, ASignalThatCameMeanwhileStillInterruptsSuchACall) {
  Child child([] {
    struct sigaction action {};
    action.sa_handler = [](int) { caught = caught + 1; };
    action.sa_flags = SA_RESTART;  // means nothing to epoll_wait()
    ::sigaction(SIGUSR1, &action, nullptr);
    epoll_event event{};
    return ::epoll_wait(::epoll_create1(0), &event, 1, -1) == -1 && errno == EINTR && caught == 1 ? 7 : 8;
  });
  child.wait_until_in(SYS_epoll_wait);
  {
    const StoppedThread thread(child.pid(), kPatienceNs);
    ASSERT_TRUE(thread.valid());
    ::kill(child.pid(), SIGUSR1);
  }
  EXPECT_EQ(child.status(), 7);
}

TEST(StoppedThread, ASignalThatCameMeanwhileIsDeliveredAfterwards) {
  Child child([] {
    caught = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { caught = caught + 1; };
    ::sigaction(SIGURG, &action, nullptr);
    const int result = ::pause();  // EINTR once the handler has run
    return result == -1 && errno == EINTR && caught == 1 ? 7 : 8;
  });
  child.wait_until_in(SYS_pause);
  {
    const uint64_t instruction = find_syscall_instruction(child.number());
    StoppedThread thread(child.pid(), kPatienceNs);
    ASSERT_TRUE(thread.valid());
    ::kill(child.pid(), SIGURG);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(thread.call(instruction, SYS_getpid), child.pid());
  }
  EXPECT_EQ(child.status(), 7);
}

TEST(StoppedThread, ASignalMaskOfAWaitIsAsItWas) {
  Child child([] {
    struct sigaction action {};
    action.sa_handler = [](int) { caught = caught + 1; };
    ::sigaction(SIGUSR1, &action, nullptr);
    sigset_t mine, none, after;
    ::sigemptyset(&none);
    ::sigemptyset(&mine);
    ::sigaddset(&mine, SIGUSR1);
    ::sigprocmask(SIG_SETMASK, &mine, nullptr);
    const int result = ::sigsuspend(&none);
    ::sigprocmask(SIG_SETMASK, nullptr, &after);
    return result == -1 && errno == EINTR && ::sigismember(&after, SIGUSR1) == 1 && caught == 1 ? 7 : 8;
  });
  child.wait_until_in(SYS_rt_sigsuspend);
  for (int i = 0; i < 5; ++i) child.borrow(1);
  child.wait_until_in(SYS_rt_sigsuspend);
  ::kill(child.pid(), SIGUSR1);
  EXPECT_EQ(child.status(), 7);
}

TEST(StoppedThread, AStopAndACallToGoOnHaveTheirEffect) {
  Child child([] {
    for (;;) ::pause();
    return 0;
  });
  child.wait_until_in(SYS_pause);
  {
    const uint64_t instruction = find_syscall_instruction(child.number());
    StoppedThread thread(child.pid(), kPatienceNs);
    ASSERT_TRUE(thread.valid());
    ::kill(child.pid(), SIGSTOP);
    EXPECT_EQ(thread.call(instruction, SYS_getpid), child.pid());
  }
  const std::string status = proc_of(child.number()) + "status";
  const auto is = [&](const char* state) { return read_whole_path(status).find(state) != std::string::npos; };
  ASSERT_TRUE(eventually([&] { return is("State:\tT"); }));
  EXPECT_FALSE(StoppedThread(child.pid(), kPatienceNs).valid()) << "a thread that is stopped already is refused";
  ASSERT_TRUE(eventually([&] { return is("State:\tT"); })) << "it goes from one kind of stop to the other";
  ::kill(child.pid(), SIGCONT);
  EXPECT_TRUE(eventually([&] { return is("State:\tS"); }));
}

TEST(StoppedThread, WhoIsTracedOrGoneIsRefused) {
  Child traced([] {
    for (;;) ::pause();
    return 0;
  });
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, traced.pid(), 0, 0), 0);
  const StoppedThread second(traced.pid(), kPatienceNs);
  EXPECT_FALSE(second.valid());
  EXPECT_EQ(second.error(), EPERM);
  Child ended([] { return 0; });
  const pid_t pid = ended.pid();
  ended.status();
  EXPECT_EQ(StoppedThread(pid, kPatienceNs).error(), ESRCH);
}

TEST(StoppedThread, AThreadThatNoStopReachesIsGivenUp) {
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  Child child([&] {
    // Until its child has ended vfork() waits where only SIGKILL reaches it.
    if (::vfork() == 0) {
      char byte;
      static_cast<void>(!::read(go[0], &byte, 1));
      ::_exit(0);
    }
    return 7;
  });
  child.wait_until_in(SYS_vfork);
  // The kernel lets it go with the thread that asked, not before: a process of its own, as in the recorder.
  Child asks([&] { return StoppedThread(child.pid(), 20'000'000).error() == EBUSY ? 7 : 8; });
  EXPECT_EQ(asks.status(), 7);
  EXPECT_EQ(::write(go[1], "", 1), 1);
  EXPECT_EQ(child.status(), 7);
  ::close(go[0]);
  ::close(go[1]);
}

}  // namespace
}  // namespace oomcast::record
