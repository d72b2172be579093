// GroupSignals: a second process with a signalfd, and a socket pair to ask it.
#include "preload/record/server/group_signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/record/kernel/second_process.h"
#include "preload/record/own_process.h"

namespace oomcast::record {
namespace {

constexpr int kPatienceMs = 500;  // for the answer of a second process that may be stopped (SIGSTOP)

SignalSet drain(int signals) {
  SignalSet got = 0;
  signalfd_siginfo info;
  while (::read(signals, &info, sizeof info) == static_cast<ssize_t>(sizeof info))
    got |= signal_bit(static_cast<int>(info.ssi_signo));
  return got;
}

/// The second process: runs until the other end of the socket is closed.
[[noreturn]] void witness(int socket) {
  close_all_but({socket, -1, -1});
  ::prctl(PR_SET_NAME, "oomcast-signals");
  const sigset_t held = signals_to_hold();
  const int signals = ::signalfd(-1, &held, SFD_NONBLOCK);
  SignalSet got = 0;
  for (;;) {
    pollfd ready[] = {{signals, POLLIN, 0}, {socket, POLLIN, 0}};
    ::poll(ready, 2, -1);
    got |= drain(signals);
    if (ready[1].revents == 0) continue;
    char question;
    if (::recv(socket, &question, 1, 0) <= 0) ::_exit(0);
    got |= drain(signals);
    if (::send(socket, &got, sizeof got, MSG_NOSIGNAL) < 0) ::_exit(0);
    got = 0;
  }
}

}  // namespace

void GroupSignals::start() { pid_ = start_second_process(&socket_, witness); }

SignalSet GroupSignals::take() {
  if (!socket_) return 0;
  // A signal is sent to a group under read_lock(&tasklist_lock). setpgid() takes write_lock_irq(&tasklist_lock),
  // whatever it returns. After it, every member of the group has the signal that the caller has received.
  ::setpgid(0, ::getpgrp());
  const char question = 0;
  SignalSet got = 0;
  pollfd answer{socket_.get(), POLLIN, 0};
  if (::send(socket_.get(), &question, 1, MSG_NOSIGNAL) == 1 && ::poll(&answer, 1, kPatienceMs) == 1 &&
      ::recv(socket_.get(), &got, sizeof got, MSG_DONTWAIT) == static_cast<ssize_t>(sizeof got))
    return got;
  socket_ = UniqueFd();  // or the next call would read this call's late answer
  return 0;
}

GroupSignals::~GroupSignals() {
  socket_ = UniqueFd();
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);  // a stopped process does not see that the socket is closed
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace oomcast::record
