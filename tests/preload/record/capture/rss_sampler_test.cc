// The sampler sees what a process has had and given back, and only once.
#include "preload/record/capture/rss_sampler.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "preload/record/guest/page_states.h"
#include "preload/record/kernel/living_thread.h"
#include "preload/record/kernel/proc_maps.h"

namespace oomcast::record {
namespace {

using std::chrono::milliseconds;

constexpr size_t kPeakBytes = 64 << 20;

/// Long enough for several samples, on a busy machine too.
void let_it_sample() { std::this_thread::sleep_for(milliseconds(200)); }

/// A child that takes memory at the first proceed(), gives it back at the second, and ends with the object.
class ShortPeak {
 public:
  ShortPeak() {
    if (::pipe(go_) != 0 || ::pipe(done_) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::close(go_[1]);  // else its own end would keep it waiting for ever
    wait_at(go_[0]);
    void* memory = ::mmap(nullptr, kPeakBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memset(memory, 1, kPeakBytes);
    put_byte(done_[1]);
    wait_at(go_[0]);
    ::munmap(memory, kPeakBytes);
    put_byte(done_[1]);
    wait_at(go_[0]);
    ::_exit(0);
  }
  ~ShortPeak() {
    ::close(go_[1]);
    ::waitpid(pid_, nullptr, 0);
    for (const int fd : {go_[0], done_[0], done_[1]}) ::close(fd);
  }
  /// Lets the child do its next step, and returns once the step is done.
  void proceed() {
    put_byte(go_[1]);
    wait_at(done_[0]);
  }
  uint32_t pid() const { return static_cast<uint32_t>(pid_); }

 private:
  static void put_byte(int fd) { static_cast<void>(!::write(fd, "x", 1)); }
  static void wait_at(int fd) {
    char byte = 0;
    static_cast<void>(!::read(fd, &byte, 1));
  }

  int go_[2], done_[2];
  pid_t pid_;
};

TEST(RssSampler, RemembersWhatHasGoneAgainUntilItIsTaken) {
  ShortPeak child;
  RssSampler sampler;
  sampler.watch(child.pid());
  let_it_sample();
  const uint64_t before = sampler.take().highest.pages;
  child.proceed();
  let_it_sample();
  child.proceed();
  let_it_sample();
  const RssSampler::Peak peak = sampler.take();
  EXPECT_EQ(peak.pid, child.pid());
  EXPECT_NEAR(static_cast<double>(peak.highest.pages - before), static_cast<double>(kPeakBytes / kPage), 64);
  let_it_sample();
  EXPECT_LT(sampler.take().highest.pages, before + 64);
}

TEST(RssSampler, CountsWhatAProcessHasForkedOnceItIsReported) {
  ShortPeak child;  // of this process, which is the one that is watched
  RssSampler sampler;
  sampler.watch(static_cast<uint32_t>(::getpid()));
  let_it_sample();
  const uint64_t alone = sampler.take().highest.pages;
  child.proceed();
  sampler.has_forked(
      static_cast<uint32_t>(::getpid()));  // it has all by now: a fork is remembered for so many samples only
  let_it_sample();
  // Less the few pages of this process that both count.
  EXPECT_GT(sampler.take().highest.pages, alone + kPeakBytes / kPage - 64);
}

/// A child with memory of its own, and a copy of it by fork that has taken nothing else. Both wait for their end.
class ForkedPair {
 public:
  ForkedPair() {
    int copy_pipe[2];
    if (::pipe(go_) != 0 || ::pipe(copy_pipe) != 0) std::abort();
    parent_ = ::fork();
    if (parent_ == 0) run(copy_pipe[1]);
    if (::read(copy_pipe[0], &copy_, sizeof copy_) != sizeof copy_) std::abort();
    for (const int fd : {copy_pipe[0], copy_pipe[1]}) ::close(fd);
  }
  ~ForkedPair() {
    ::close(go_[1]);
    ::close(go_[0]);
    ::waitpid(parent_, nullptr, 0);
  }
  uint32_t parent() const { return static_cast<uint32_t>(parent_); }
  uint32_t copy() const { return static_cast<uint32_t>(copy_); }

 private:
  [[noreturn]] void run(int copy_pipe) {
    ::close(go_[1]);
    void* memory = ::mmap(nullptr, kPeakBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memset(memory, 1, kPeakBytes);
    const pid_t copy = ::fork();
    if (copy != 0) static_cast<void>(!::write(copy_pipe, &copy, sizeof copy));
    char end = 0;
    static_cast<void>(!::read(go_[0], &end, 1));
    if (copy != 0) ::waitpid(copy, nullptr, 0);
    ::_exit(0);
  }

  int go_[2];
  pid_t parent_ = 0, copy_ = 0;
};

TEST(RssSampler, WhatAForkedChildSharesWithItsParentIsThereOnce) {
  ForkedPair pair;
  RssSampler sampler;
  sampler.watch(pair.parent());
  let_it_sample();
  const uint64_t alone = sampler.take().highest.pages;
  ASSERT_GE(alone, kPeakBytes / kPage);
  sampler.watch(pair.copy(), alone);
  let_it_sample();
  const RssSampler::Peak both = sampler.take();
  EXPECT_LT(both.highest.pages, alone + kPeakBytes / kPage / 4);
  EXPECT_GE(both.summed_pages, 2 * kPeakBytes / kPage);
  EXPECT_EQ(both.pages_then, both.highest.pages);
}

TEST(RssSampler, WhatAChildThatIsNotWatchedSharesWithItsParentIsThereOnce) {
  ForkedPair pair;
  RssSampler sampler;
  sampler.watch(pair.parent());
  sampler.has_forked(pair.parent());
  let_it_sample();
  const RssSampler::Peak peak = sampler.take();
  EXPECT_GE(peak.summed_pages, 2 * kPeakBytes / kPage) << "the child was not seen";
  EXPECT_LT(peak.highest.pages, kPeakBytes / kPage * 5 / 4);
}

// The first thread ends while a second one holds the memory.
TEST(RssSampler, AProgramGoesOnWithoutItsFirstThread) {
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(go[1]);
    std::thread([end = go[0]] {
      void* memory = ::mmap(nullptr, kPeakBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      std::memset(memory, 1, kPeakBytes);
      char byte = 0;
      static_cast<void>(!::read(end, &byte, 1));
      ::_exit(0);
    }).detach();
    ::syscall(SYS_exit, 0);  // of this thread only; pthread_exit() would unwind through the test's own frames
  }
  const std::string statm = "/proc/" + std::to_string(child) + "/statm";
  RssSampler sampler;
  sampler.watch(static_cast<uint32_t>(child));
  for (int i = 0; i < 1000 && resident_of(read_line_of(statm)).size_pages != 0; ++i)
    std::this_thread::sleep_for(milliseconds(5));
  static_cast<void>(sampler.take());
  const auto has_all = [&sampler] { return sampler.take().highest.pages >= kPeakBytes / kPage; };
  bool seen = false;
  for (int i = 0; i < 1000 && !seen; ++i) {
    std::this_thread::sleep_for(milliseconds(5));
    seen = has_all();
  }
  EXPECT_TRUE(seen);
  EXPECT_NE(living_thread(static_cast<uint32_t>(child)), static_cast<uint32_t>(child));
  ::close(go[1]);
  ::close(go[0]);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(living_thread(static_cast<uint32_t>(child)), 0u);
}

TEST(RssSampler, CountsThoseOnlyThatItWatches) {
  ShortPeak child;
  RssSampler sampler;
  EXPECT_EQ(sampler.take().highest.pages, 0u);
  sampler.watch(child.pid());
  sampler.forget(child.pid());
  let_it_sample();
  static_cast<void>(sampler.take());
  let_it_sample();
  EXPECT_EQ(sampler.take().highest.pages, 0u);
}

TEST(RssSampler, StopsForGood) {
  RssSampler sampler;
  sampler.watch(static_cast<uint32_t>(::getpid()));
  sampler.stop();
  static_cast<void>(sampler.take());
  sampler.watch(static_cast<uint32_t>(::getpid()));
  let_it_sample();
  EXPECT_EQ(sampler.take().highest.pages, 0u);
}

TEST(Stat, FieldsAreCountedBehindANameWithSpacesAndBrackets) {
  const std::string stat =
      "7 (a) b (c) S 31 1 1 0 -1 4194560 1 2 3 4 5 66 7 8 20 0 1 0 9 10 11 12 13 14 15 16 17 18 19 20 21 22 0 0 17 5 0 "
      "0 0 0 0 0 0 0 0 0 0 0 0\n";
  EXPECT_EQ(stat_field(stat, 4), 31u);
  EXPECT_EQ(stat_field(stat, 15), 66u);
  EXPECT_EQ(stat_field(stat, 39), 5u);
  EXPECT_FALSE(stat_field("7 (short) S 1", 39).has_value());
  EXPECT_FALSE(stat_field("", 4).has_value());
}

TEST(Statm, IsTakenApart) {
  const Resident resident = resident_of("36287 2773 2404 1310 0 2621 0\n");
  EXPECT_TRUE(resident.known);
  EXPECT_EQ(resident.size_pages, 36287u);
  EXPECT_EQ(resident.own_pages, 369u);
  EXPECT_EQ(resident.shared_pages, 2404u);
  EXPECT_EQ(resident.data_pages, 2621u);
  EXPECT_FALSE(resident_of("").known);
  EXPECT_EQ(resident_of("0 0 0 0 0 0 0\n").own_pages, 0u);
}

}  // namespace
}  // namespace oomcast::record
