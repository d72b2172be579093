// A guest that would take the memory of this machine is killed, once, and the report says so.
#include "preload/record/server/guest_guard.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

namespace oomcast::record {
namespace {

constexpr uint64_t kMiB = 1 << 20, kTenthOfSecondNs = 100'000'000;

class GuestGuardTest : public testing::Test {
 protected:
  ~GuestGuardTest() override {
    for (const auto& [pid, process] : processes) {
      ::kill(static_cast<pid_t>(pid), SIGKILL);
      ::waitpid(static_cast<pid_t>(pid), nullptr, 0);
    }
  }
  uint32_t add_guest() {
    const pid_t pid = ::fork();
    if (pid == 0)
      for (;;) ::pause();
    auto process = std::make_unique<Process>(static_cast<uint32_t>(pid));
    process->pidfd = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    return processes.add(std::move(process)).pid;
  }
  static int signal_that_ended(uint32_t pid) {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
    return info.si_code == CLD_KILLED ? info.si_status : 0;
  }

  ProcessTable processes;
  MemoryGuard::Measurement seen;
  int measurements = 0;
  GuestGuard guard{processes, 5, [this](uint64_t) {
                     ++measurements;
                     return seen;
                   }};
};

TEST_F(GuestGuardTest, AllProcessesAreKilledAtOnceAndTheReasonIsSaid) {
  const uint32_t one = add_guest(), two = add_guest();
  seen.must_strike = true;
  guard.check(kMiB, 0);
  EXPECT_EQ(signal_that_ended(one), SIGKILL);
  EXPECT_EQ(signal_that_ended(two), SIGKILL);
  EXPECT_THAT(guard.stopped(), testing::HasSubstr("--guard"));
  guard.check(2 * kMiB, 10 * kTenthOfSecondNs);
  EXPECT_EQ(measurements, 1) << "the guests are killed already";
}

TEST_F(GuestGuardTest, AsLongAsThereIsRoomNoProcessIsKilled) {
  add_guest();
  guard.check(kMiB, 0);
  EXPECT_EQ(guard.stopped(), "");
}

TEST_F(GuestGuardTest, MeasuresTenTimesASecondAndSoonerTheMoreTheGuestGrows) {
  seen.room_bytes = 8 * kMiB;
  guard.check(kMiB, 0);
  guard.check(4 * kMiB, 1);
  EXPECT_EQ(measurements, 1) << "less than half of the room is gone";
  guard.check(5 * kMiB, 2);
  EXPECT_EQ(measurements, 2);
  guard.check(5 * kMiB, 2 + kTenthOfSecondNs);
  EXPECT_EQ(measurements, 3);
  seen.room_bytes = 0;
  guard.check(5 * kMiB, 2 + 2 * kTenthOfSecondNs);
  guard.check(5 * kMiB + kMiB / 8, 3 + 2 * kTenthOfSecondNs);
  EXPECT_EQ(measurements, 4) << "not for each page";
}

}  // namespace
}  // namespace oomcast::record
