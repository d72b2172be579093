// What the command changes in its own process, and what the guest gets back; see own_process.h.
#include "preload/record/own_process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

#include "preload/record/kernel/proc_maps.h"
#include "preload/record/recorder.h"

namespace oomcast::record {
namespace {

constexpr const char* kScorePath = "/proc/self/oom_score_adj";
/// Not -1000: if no other process is left, the kernel may kill the recorder.
constexpr const char* kLastToBeKilled = "-999";
constexpr std::array kRaisedLimits = {RLIMIT_FSIZE, RLIMIT_CPU, RLIMIT_AS, RLIMIT_DATA};
constexpr std::array kIgnoredSignals = {SIGPIPE, SIGXFSZ};

/// State of the process when the command was started.
struct Inherited {
  bool kept = false, score_changed = false, held_for_good = false;
  sigset_t mask;
  std::array<struct sigaction, kIgnoredSignals.size()> actions;
  std::array<rlimit, kRaisedLimits.size()> limits;
  std::array<char, 8> score{};
};
Inherited inherited;

void write_score(const char* score) {
  const int fd = ::open(kScorePath, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  static_cast<void>(!::write(fd, score, std::strlen(score)));
  ::close(fd);
}

/// Raises a limit to infinity if that is allowed, else to the hard limit.
void raise_limit(int resource, rlimit limit) {
  const rlimit none{RLIM_INFINITY, RLIM_INFINITY}, hard{limit.rlim_max, limit.rlim_max};
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &none) != 0)
    ::setrlimit(static_cast<__rlimit_resource>(resource), &hard);
}

}  // namespace

sigset_t signals_to_hold() {
  sigset_t held;
  sigfillset(&held);
  for (const int signal : {SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD, SIGSEGV, SIGBUS, SIGFPE,
                           SIGILL, SIGTRAP, SIGSYS})
    sigdelset(&held, signal);
  return held;
}

SignalsHeld::SignalsHeld() {
  const sigset_t held = signals_to_hold();
  ::pthread_sigmask(SIG_BLOCK, &held, &before_);
  if (!inherited.held_for_good) inherited.mask = before_;
}

SignalsHeld::~SignalsHeld() {
  if (!inherited.held_for_good) ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void raise_descriptor_limit() {
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return;
  descriptors.rlim_cur = descriptors.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &descriptors);
}

void open_standard_streams() {
  // Opened in the wrong direction, so that reads and writes still fail. Close-on-exec, so that the guest finds them
  // closed as before.
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0)
      static_cast<void>(!::open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC));
}

void protect_report() {
  if (inherited.kept) return;
  inherited.kept = true;
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  for (size_t i = 0; i < kIgnoredSignals.size(); ++i) ::sigaction(kIgnoredSignals[i], &ignore, &inherited.actions[i]);
  for (size_t i = 0; i < kRaisedLimits.size(); ++i) {
    ::getrlimit(static_cast<__rlimit_resource>(kRaisedLimits[i]), &inherited.limits[i]);
    raise_limit(kRaisedLimits[i], inherited.limits[i]);
  }
}

void hold_signals_for_good() {
  if (inherited.held_for_good) return;
  const sigset_t held = signals_to_hold();
  ::pthread_sigmask(SIG_BLOCK, &held, &inherited.mask);
  inherited.held_for_good = true;
}

void be_killed_last() {
  const std::string score = read_whole_path(kScorePath);
  if (score.empty() || score.size() >= inherited.score.size()) return;
  std::memcpy(inherited.score.data(), score.data(), score.size());
  inherited.score_changed = true;
  write_score(kLastToBeKilled);
}

void become_guest() {
  if (inherited.score_changed) write_score(inherited.score.data());
  if (inherited.kept) {
    for (size_t i = 0; i < kRaisedLimits.size(); ++i)
      ::setrlimit(static_cast<__rlimit_resource>(kRaisedLimits[i]), &inherited.limits[i]);
    for (size_t i = 0; i < kIgnoredSignals.size(); ++i) ::sigaction(kIgnoredSignals[i], &inherited.actions[i], nullptr);
  }
  ::pthread_sigmask(SIG_SETMASK, &inherited.mask, nullptr);
}

}  // namespace oomcast::record
