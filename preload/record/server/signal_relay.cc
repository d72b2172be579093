// SignalRelay: reads a signalfd, and asks GroupSignals which signals went to the whole process group.
#include "preload/record/server/signal_relay.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "preload/record/own_process.h"

namespace oomcast::record {
namespace {

constexpr size_t kMostAtOnce = 1000;  // signals: a guest that sends without end must not keep the loop busy

bool asks_for_an_end(int signal) {
  return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
}

/// Sent by the recorder to itself: SIGPIPE after a write to a closed pipe, SIGXFSZ beyond RLIMIT_FSIZE.
bool is_our_own(const signalfd_siginfo& signal) {
  return signal.ssi_code <= SI_USER && static_cast<pid_t>(signal.ssi_pid) == ::getpid();
}

/// Sends the signal on, with its value if sigqueue() has sent it.
void send(const Process& process, const signalfd_siginfo& signal) {
  siginfo_t info{};
  info.si_signo = static_cast<int>(signal.ssi_signo);
  info.si_code = SI_QUEUE;
  info.si_pid = static_cast<pid_t>(signal.ssi_pid);
  info.si_uid = signal.ssi_uid;
  info.si_value.sival_ptr = reinterpret_cast<void*>(signal.ssi_ptr);
  ::syscall(SYS_pidfd_send_signal, process.pidfd.get(), info.si_signo, signal.ssi_code == SI_QUEUE ? &info : nullptr,
            0);
}

}  // namespace

void SignalRelay::start(Meant meant) {
  meant_ = meant;
  const sigset_t held = signals_to_hold();
  signals_ = UniqueFd(::signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK));
  loop_.watch(signals_.get(), SourceKind::kSignals, 0);
  // A recorder that the library has started (not the root's parent) is in a session of its own: it gets no signal of
  // the guest's group.
  if (processes_.root.is_child) group_signals_.start();
}

void SignalRelay::read_signals() {
  std::vector<signalfd_siginfo> received;
  SignalSet to_group = 0;
  // Reads again after each answer until nothing new has come. A group's signal that comes between the read and the
  // answer would be missing in one of the two.
  for (size_t had = 0;; had = received.size()) {
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) received.push_back(info);
    if (received.size() == had || had >= kMostAtOnce) break;
    to_group |= group_signals_.take();
  }
  for (const signalfd_siginfo& signal : received)
    if (!is_our_own(signal))
      pass_on(signal, signal.ssi_code == SI_KERNEL || (to_group & signal_bit(static_cast<int>(signal.ssi_signo))) != 0);
}

/// A signal to the whole process group is not passed on: the guest has received it, or has left the group and would not
/// receive it natively either. After the root's end each remaining descendant outside the group's signal gets it, and
/// the second request to end ends the recording. A recorder that the library has started passes no signal on: senders
/// reach the guest itself.
void SignalRelay::pass_on(const signalfd_siginfo& signal, bool to_group) {
  if (meant_ == Meant::kForUs) {
    end_requested_ |= asks_for_an_end(static_cast<int>(signal.ssi_signo));
    return;
  }
  if (processes_.root.ended && asks_for_an_end(static_cast<int>(signal.ssi_signo)))
    end_requested_ = std::exchange(asked_to_end_, true);
  if (!processes_.root.is_child) return;
  if (!processes_.root.ended) {
    if (Process* root = processes_.find(processes_.root.pid); root != nullptr && !to_group) send(*root, signal);
    return;
  }
  for (const auto& [pid, process] : processes_)
    if (!to_group || ::getpgid(static_cast<pid_t>(pid)) != ::getpgrp()) send(*process, signal);
}

}  // namespace oomcast::record
