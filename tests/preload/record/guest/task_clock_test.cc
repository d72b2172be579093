// What a thread computed and waited for: the clock on the wall is the test's, the thread and its CPU time are real.
#include "preload/record/guest/task_clock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "preload/record/kernel/clocks.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

/// A thread that runs the functions it is given, and sleeps between them.
class Worker {
 public:
  Worker() : thread_([this] { run(); }) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return tid_ != 0; });
  }
  ~Worker() { end(); }
  pid_t tid() const { return tid_; }
  /// Runs `work`, and returns once it is done.
  void does(std::function<void()> work) {
    std::unique_lock lock(mutex_);
    work_ = std::move(work);
    changed_.notify_all();
    changed_.wait(lock, [this] { return !work_; });
  }
  /// Starts `work`, and returns at once.
  void begins(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    work_ = std::move(work);
    changed_.notify_all();
  }
  void end() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
      changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    tid_ = static_cast<pid_t>(::syscall(SYS_gettid));
    changed_.notify_all();
    while (true) {
      changed_.wait(lock, [this] { return over_ || work_; });
      if (!work_) return;
      const std::function<void()> work = work_;
      lock.unlock();
      work();
      lock.lock();
      work_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> work_;
  bool over_ = false;
  pid_t tid_ = 0;
  std::thread thread_;
};

class TaskClockTest : public testing::Test {
 protected:
  /// Reads the clock `later_ns` of wall time later. Fails if the thread is gone.
  TaskClock::Span after(uint64_t later_ns) {
    now += later_ns;
    TaskClock::Span span;
    EXPECT_TRUE(clock.read(cost, now, &span));
    return span;
  }
  /// Reads the clock until the thread sleeps and all of its CPU time has been read.
  void settle() {
    while (after(0).compute_ns > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_EQ(after(0).compute_ns, 0u);
  }
  uint64_t burn(uint64_t ns) {
    uint64_t spent = 0;
    worker.does([&] {
      const uint64_t before = thread_cpu_ns();
      while (thread_cpu_ns() - before < ns) {
      }
      spent = thread_cpu_ns() - before;
    });
    return spent;
  }

  Worker worker;
  TrackingCost cost{4000, 8000, 6000};
  uint64_t now = 100 * kSecond;
  TaskClock clock{::getpid(), worker.tid(), now};
};

TEST_F(TaskClockTest, AThreadThatSleepsWaits) {
  settle();
  const TaskClock::Span span = after(10 * kSecond);
  EXPECT_EQ(span.compute_ns, 0u);
  EXPECT_EQ(span.wait_ns, 10 * kSecond);
}

TEST_F(TaskClockTest, WhatItRunsIsComputed) {
  settle();
  const uint64_t spent = burn(30'000'000);
  const TaskClock::Span span = after(kSecond);
  EXPECT_GE(span.compute_ns, spent);
  EXPECT_LT(span.wait_ns, kSecond - spent);
}

TEST_F(TaskClockTest, WhatServingCostIsNotItsOwn) {
  settle();
  const uint64_t spent = burn(30'000'000);
  for (int i = 0; i < 1000; ++i) clock.count_fault();    // 4 ms
  for (int i = 0; i < 1000; ++i) clock.count_request();  // 6 ms
  const TaskClock::Span all = after(kSecond);
  EXPECT_GE(all.compute_ns, spent - 10'000'000);
  EXPECT_LT(all.compute_ns, spent);
}

TEST_F(TaskClockTest, MoreServingThanThereWasTimeIsOwedALittle) {
  settle();
  for (int i = 0; i < 1000; ++i) clock.count_fault();  // 4 ms, and the thread ran none: 0.2 ms are owed
  EXPECT_EQ(after(kSecond).compute_ns, 0u);
  const uint64_t spent = burn(30'000'000);
  EXPECT_GE(after(kSecond).compute_ns, spent - 200'000);
}

TEST_F(TaskClockTest, TimeThatItsFaultsWereHeldIsNoWait) {
  settle();
  clock.count_fault();
  clock.count_held(4 * kSecond);
  const uint64_t wait = after(10 * kSecond).wait_ns;
  EXPECT_LE(wait, 6 * kSecond - cost.fault_off_cpu_ns);
  EXPECT_GT(wait, 3 * kSecond) << "the recorder's own time in the run queue is taken off, too";
}

TEST_F(TaskClockTest, TimeInFileCallsIsNeither) {
  settle();
  clock.set_file_time(3 * kSecond, kSecond);  // on the wall, and of that on the CPU
  EXPECT_EQ(after(10 * kSecond).wait_ns, 8 * kSecond);
  clock.set_file_time(4 * kSecond, kSecond);
  EXPECT_EQ(after(10 * kSecond).wait_ns, 9 * kSecond) << "totals: what was taken off once is not taken off again";
  clock.set_file_time(2 * kSecond, 0);
  EXPECT_EQ(after(10 * kSecond).wait_ns, 8 * kSecond) << "a total that fell is another program's";
}

TEST_F(TaskClockTest, FileTimeFromBeforeIsNotOurs) {
  settle();
  clock.begin_file_time(5 * kSecond, kSecond);
  EXPECT_EQ(after(10 * kSecond).wait_ns, 10 * kSecond);
}

TEST_F(TaskClockTest, ItsChildrenTakeTheirOwnTime) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  worker.begins([child] { ::waitpid(child, nullptr, 0); });
  // The last settled read may come before the thread is in the call: then it is asked again.
  uint64_t wait = 1;
  for (int i = 0; i < 5000 && wait != 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    wait = after(kSecond).wait_ns;
  }
  EXPECT_EQ(wait, 0u);
  ::kill(child, SIGKILL);
  worker.end();
}

TEST_F(TaskClockTest, SmallRestsAreSchedulingAndNoSleep) {
  settle();
  EXPECT_EQ(after(40'000).wait_ns, 0u);
  EXPECT_EQ(after(60'000).wait_ns, 60'000u);
}

TEST_F(TaskClockTest, AThreadThatIsGoneCannotBeRead) {
  worker.end();
  TaskClock::Span span;
  EXPECT_FALSE(clock.read(cost, now, &span));
}

TEST_F(TaskClockTest, IsDueAfterAGapOrAfterManyFaults) {
  EXPECT_FALSE(clock.due(now + 100'000, false));
  EXPECT_TRUE(clock.due(now + 100'001, false));
  clock.seen(now + 100'000);
  EXPECT_FALSE(clock.due(now + 100'001, false));
  for (int i = 0; i < 64; ++i) clock.count_fault();
  EXPECT_TRUE(clock.due(now + 100'001, false));
  EXPECT_FALSE(clock.due(now + 10'000'000, true))
      << "while touches are polled, computing time is reported in one piece";
  EXPECT_TRUE(clock.due(now + 10'000'001, true));
}

}  // namespace
}  // namespace oomcast::record
