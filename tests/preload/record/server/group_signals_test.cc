// Signals to one process and to its whole group are kept apart.
#include "preload/record/server/group_signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <set>
#include <string>

#include "preload/record/own_process.h"

namespace oomcast::record {
namespace {

class GroupSignalsTest : public testing::Test {
 protected:
  GroupSignalsTest() {
    ::setpgid(0, 0);  // what goes to the group must not reach who runs the tests
    group.start();
  }
  /// Takes it off this process's own list.
  static void take_own(int signal) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    ASSERT_EQ(::sigwaitinfo(&one, nullptr), signal);
  }
  SignalsHeld held;
  GroupSignals group;
};

TEST_F(GroupSignalsTest, HasNotGotWhatWasSentToOneProcess) {
  ::kill(::getpid(), SIGUSR1);
  take_own(SIGUSR1);
  ASSERT_TRUE(group.works());
  EXPECT_EQ(group.take(), 0u);
}

TEST_F(GroupSignalsTest, HasGotWhatWasSentToTheGroup) {
  if (::getpgrp() != ::getpid()) GTEST_SKIP() << "this process leads a session and cannot have a group of its own";
  for (const int signal : {SIGTERM, SIGHUP, SIGINT, SIGUSR1, SIGRTMIN + 3}) {
    ::kill(0, signal);
    take_own(signal);
    EXPECT_EQ(group.take(), signal_bit(signal)) << signal;
    EXPECT_EQ(group.take(), 0u) << "reported once";
  }
}

TEST_F(GroupSignalsTest, IsNotMissedWhenItIsGone) {
  ::kill(::getpid(), SIGUSR2);
  take_own(SIGUSR2);
  {
    GroupSignals second;
    EXPECT_EQ(second.take(), 0u) << "never started";
  }
  EXPECT_EQ(group.take(), 0u);
}

TEST(SignalsHeld, AreThoseThatWouldEndTheRecorderButNotJobControl) {
  const sigset_t held = signals_to_hold();
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGPROF, SIGVTALRM,
                           SIGXCPU, SIGXFSZ, SIGIO, SIGPWR, SIGRTMIN, SIGRTMAX})
    EXPECT_TRUE(sigismember(&held, signal)) << signal;
  for (const int signal : {SIGTSTP, SIGCONT, SIGTTOU, SIGCHLD, SIGSEGV})
    EXPECT_FALSE(sigismember(&held, signal)) << signal;
}

}  // namespace
}  // namespace oomcast::record
