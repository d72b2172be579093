// Calls the library's hooks directly: they answer as the C library and the kernel do, and report to the recorder what
// they should.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "tests/preload/inject/fake_recorder.h"

namespace oomcast::inject {
namespace {

class Hooks : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(recorder.said_hello()) << "the library has said no hello"; }
  void TearDown() override {
    recorder.before_answer(nullptr);
    recorder.shared().ask_before_use.store(0);
  }
  FakeRecorder& recorder = FakeRecorder::instance();
  const char* const bad = reinterpret_cast<const char*>(0x10);
};

TEST_F(Hooks, ABadPathIsTheKernelsToRefuse) {
  errno = 0;
  EXPECT_EQ(recorder.hook<int(const char*, int, ...)>("open")(bad, O_RDONLY), -1);
  EXPECT_EQ(errno, EFAULT);
  errno = 0;
  EXPECT_EQ(recorder.hook<int(int, const char*, int, ...)>("openat")(AT_FDCWD, bad, O_RDONLY), -1);
  EXPECT_EQ(errno, EFAULT);
  errno = 0;
  EXPECT_EQ(recorder.hook<int(const char*, mode_t)>("creat")(bad, 0600), -1);
  EXPECT_EQ(errno, EFAULT);
  errno = 0;
  EXPECT_EQ(recorder.hook<FILE*(const char*, const char*)>("fopen")(bad, "r"), nullptr);
  EXPECT_EQ(errno, EFAULT);
}

TEST_F(Hooks, TheRecorderLearnsOfRobustMutexes) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  auto* const make = recorder.hook<int(pthread_mutexattr_t*, int)>("pthread_mutexattr_setrobust");
  EXPECT_EQ(make(&attributes, PTHREAD_MUTEX_STALLED), 0);
  EXPECT_EQ(recorder.shared().robust_mutexes.load(), 0u);
  EXPECT_EQ(make(&attributes, PTHREAD_MUTEX_ROBUST), 0);
  int robust = 0;
  pthread_mutexattr_getrobust(&attributes, &robust);
  EXPECT_EQ(robust, PTHREAD_MUTEX_ROBUST);
  EXPECT_EQ(recorder.shared().robust_mutexes.load(), 1u);
}

TEST_F(Hooks, ABadEnvironmentIsTheKernelsToRefuse) {
  char* const words[] = {const_cast<char*>("true"), nullptr};
  char* const broken[] = {const_cast<char*>(bad), nullptr};
  auto* const execute = recorder.hook<int(const char*, char* const*, char* const*)>("execve");
  errno = 0;
  EXPECT_EQ(execute("/bin/true", words, reinterpret_cast<char* const*>(0x10)), -1);
  EXPECT_EQ(errno, EFAULT);
  errno = 0;
  EXPECT_EQ(execute("/bin/true", words, broken), -1);
  EXPECT_EQ(errno, EFAULT);
}

TEST_F(Hooks, ABadOffsetIsTheKernelsToRefuse) {
  const int from = ::open("/proc/self/exe", O_RDONLY), to = ::open("/dev/null", O_WRONLY);
  errno = 0;
  EXPECT_EQ(recorder.hook<ssize_t(int, int, off_t*, size_t)>("sendfile")(to, from, reinterpret_cast<off_t*>(0x10), 10),
            -1);
  EXPECT_EQ(errno, EFAULT);
  ::close(from);
  ::close(to);
}

TEST_F(Hooks, TheNumberThatLibunwindGetsIsABadDescriptorToOthers) {
  errno = 0;
  EXPECT_EQ(recorder.hook<ssize_t(int, const void*, size_t)>("write")(-1000, "x", 1), -1);
  EXPECT_EQ(errno, EBADF);
  errno = 0;
  EXPECT_EQ(recorder.hook<long(long, ...)>("syscall")(SYS_write, -1000, "x", 1), -1);
  EXPECT_EQ(errno, EBADF);
  int ends[2] = {-1, -1};
  ASSERT_EQ(recorder.hook<int(int*, int)>("pipe2")(ends, O_CLOEXEC), 0);
  EXPECT_GE(ends[0], 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(Hooks, MallocLeavesErrnoAloneWhereAStackIsTaken) {
  auto* const allocate = recorder.hook<void*(size_t)>("malloc");
  auto* const release = recorder.hook<void(void*)>("free");
  const uint64_t before = recorder.shared().ring.head.load();
  for (const int stands : {42, EINTR, 0})
    for (int i = 0; i < 200; ++i) {
      errno = stands;
      void* const block = allocate(100'000);
      ASSERT_EQ(errno, stands) << "allocation " << i;
      release(block);
      ASSERT_EQ(errno, stands) << "free " << i;
    }
  // Without libunwind, or once another thread has been made, there are no stacks, and this says little.
  if (recorder.shared().ring.head.load() == before) GTEST_SKIP() << "no stack was taken";
}

ucontext_t home, routine;
void* (*allocate_there)(size_t) = nullptr;
int allocated = 0;

void on_small_stack() {
  for (int i = 0; i < 20; ++i) allocated += allocate_there(100'000 + static_cast<size_t>(i) * 5000) != nullptr;
  ::swapcontext(&routine, &home);
}

TEST_F(Hooks, MallocNeedsLittleStack) {
  allocate_there = recorder.hook<void*(size_t)>("malloc");
  ASSERT_NE(allocate_there(300'000), nullptr);
  constexpr size_t kBytes = 4096;
  auto* const pages =
      static_cast<char*>(::mmap(nullptr, kBytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_EQ(::mprotect(pages, 4096, PROT_NONE), 0);
  ::getcontext(&routine);
  routine.uc_stack.ss_sp = pages + 4096;
  routine.uc_stack.ss_size = kBytes;
  routine.uc_link = nullptr;
  ::makecontext(&routine, on_small_stack, 0);
  ::swapcontext(&home, &routine);
  EXPECT_EQ(allocated, 20);
}

TEST_F(Hooks, AVforkChildsEndIsNotItsParents) {
  auto* const leave = recorder.hook<void(int)>("_exit");
  const size_t before = recorder.count(ring::RequestKind::kExiting);
  const pid_t child = ::vfork();
  if (child == 0) leave(127);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 127);
  EXPECT_EQ(recorder.count(ring::RequestKind::kExiting), before);
}

/// Whether a request for so much is marked as under way.
bool is_marked(ring::SharedArea& shared, uint64_t bytes) {
  return std::any_of(std::begin(shared.asking_bytes), std::end(shared.asking_bytes),
                     [&](const std::atomic<uint64_t>& place) { return place.load() == bytes; });
}

TEST_F(Hooks, EachThreadsLargeRequestIsMarkedUntilItIsReported) {
  constexpr uint64_t kFirst = uint64_t{1} << 30, kSecond = uint64_t{3} << 30;
  auto* const map = recorder.hook<void*(void*, size_t, int, int, int, off_t)>("mmap");
  std::atomic<int> asked{0}, marked{0};
  recorder.before_answer([&](const ring::Request& question) {
    if (question.kind != ring::RequestKind::kMapped) return;
    // The first to ask waits here until the other has its mark as well: the one that is reported later must still have
    // its own then.
    if (asked.fetch_add(1) == 0)
      while (!is_marked(recorder.shared(), kFirst) || !is_marked(recorder.shared(), kSecond)) std::this_thread::yield();
    marked += is_marked(recorder.shared(), question.bytes);
  });
  const auto ask = [&](uint64_t bytes) {
    map(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  };
  std::thread first(ask, kFirst), second(ask, kSecond);
  first.join();
  second.join();
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(marked, 2);
  EXPECT_FALSE(is_marked(recorder.shared(), kFirst) || is_marked(recorder.shared(), kSecond)) << "a mark is left";
}

TEST_F(Hooks, AQuestionForFiltersEndsNothing) {
  const size_t before = recorder.count(ring::RequestKind::kGiveWay);
  errno = 0;
  EXPECT_EQ(recorder.hook<int(int, unsigned long, unsigned long, unsigned long, unsigned long)>("prctl")(
                PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0, 0, 0),
            -1);
  EXPECT_EQ(errno, EFAULT);
  errno = 0;
  EXPECT_EQ(recorder.hook<long(long, ...)>("syscall")(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, nullptr), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(recorder.count(ring::RequestKind::kGiveWay), before);
}

TEST_F(Hooks, TheGuestIsAnsweredWithItsOwnWordOnHugePages) {
  auto* const control = recorder.hook<int(int, unsigned long, unsigned long, unsigned long, unsigned long)>("prctl");
  EXPECT_EQ(::syscall(SYS_prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0), 1) << "polled memory must not get huge pages";
  EXPECT_EQ(control(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
  EXPECT_EQ(control(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
  EXPECT_EQ(control(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
  EXPECT_EQ(control(PR_SET_THP_DISABLE, 0, 0, 0, 0), 0);
  EXPECT_EQ(control(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
  EXPECT_EQ(::syscall(SYS_prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
}

TEST_F(Hooks, AGuestsOwnMemoryFileIsGivenWayToOnce) {
  const size_t before = recorder.count(ring::RequestKind::kGiveWay);
  for (int i = 0; i < 2; ++i) ::close(recorder.hook<int(const char*, int, ...)>("open")("/proc/self/mem", O_RDONLY));
  ASSERT_EQ(recorder.count(ring::RequestKind::kGiveWay), before + 1);
  const std::vector<ring::Request> questions = recorder.questions();
  const auto asked = std::find_if(questions.rbegin(), questions.rend(), [](const ring::Request& question) {
    return question.kind == ring::RequestKind::kGiveWay;
  });
  EXPECT_EQ(asked->argument, static_cast<uint64_t>(ring::GiveWay::kMemoryFile));
  EXPECT_EQ(asked->address, 0u);
}

}  // namespace
}  // namespace oomcast::inject
