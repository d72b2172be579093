// Who is meant by a signal that the recorder receives: the recorder, the root, or those that are left of the program.
#include "preload/record/server/signal_relay.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/record/own_process.h"
#include "tests/preload/record/forked_child.h"

namespace oomcast::record {
namespace {

class SignalRelayTest : public testing::Test {
 protected:
  SignalRelayTest() { ::setpgid(0, 0); }  // what goes to the group must not reach who runs the tests

  /// Another process sends the signal to the recorder, and to nobody else.
  void send(int signal) {
    const pid_t recorder = ::getpid();
    ForkedChild sender([recorder, signal] { return ::kill(recorder, signal); });
    ASSERT_EQ(sender.status(), 0);
    relay.read_signals();
  }
  /// A process of the program that ends with the number of the first signal that it gets.
  static ForkedChild program() {
    return ForkedChild([] {
      ::alarm(60);  // or a story that goes wrong would not end
      const sigset_t held = signals_to_hold();
      return ::sigwaitinfo(&held, nullptr);
    });
  }
  void watch(const ForkedChild& child, bool root) {
    auto process = std::make_unique<Process>(child.number());
    process->pidfd = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), 0)));
    processes.add(std::move(process));
    if (root) processes.root = {child.number(), true};
  }

  SignalsHeld held;
  EventLoop loop;
  ProcessTable processes;
  SignalRelay relay{loop, processes};
};

TEST_F(SignalRelayTest, ARecorderThatOnlyWatchesEndsAtTheFirstRequest) {
  relay.start(SignalRelay::Meant::kForUs);
  send(SIGUSR1);
  EXPECT_FALSE(relay.end_requested());
  send(SIGTERM);
  EXPECT_TRUE(relay.end_requested());
}

TEST_F(SignalRelayTest, TheRootGetsWhatIsSentToTheRecorder) {
  ForkedChild root = program();
  watch(root, true);
  relay.start();
  send(SIGTERM);
  EXPECT_EQ(root.status(), SIGTERM);
  EXPECT_FALSE(relay.end_requested()) << "the program decides when it ends";
}

TEST_F(SignalRelayTest, AfterTheRootsEndTheOthersGetItAndTheSecondRequestEndsTheRecording) {
  ForkedChild left = program();
  watch(left, false);
  processes.root = {1, true, true, 0};
  relay.start();
  send(SIGTERM);
  EXPECT_EQ(left.status(), SIGTERM);
  EXPECT_FALSE(relay.end_requested());
  send(SIGINT);
  EXPECT_TRUE(relay.end_requested());
}

TEST_F(SignalRelayTest, TheRecordersOwnSignalsAreNobodysBusiness) {
  relay.start(SignalRelay::Meant::kForUs);
  ::kill(::getpid(), SIGTERM);
  relay.read_signals();
  EXPECT_FALSE(relay.end_requested());
}

}  // namespace
}  // namespace oomcast::record
