// GuestGuard: the end of a guest that would take the memory of this machine.
#include "preload/record/server/guest_guard.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace oomcast::record {

void GuestGuard::check(uint64_t guest_bytes) {
  if (struck_ || !guard_.must_strike(guest_bytes)) return;
  struck_ = true;
  for (const auto& [pid, process] : processes_)
    ::syscall(SYS_pidfd_send_signal, process->pidfd.get(), SIGKILL, nullptr, 0);
  stopped_ =
      "the program was stopped because it was about to exhaust the memory of the machine or cgroup that it really ran "
      "in (--guard); what it would have done next is not in this report";
}

void GuestGuard::note_killed() {
  if (!stopped_.empty() || guard_.kernel_kills() == 0) return;
  stopped_ =
      "this machine's own kernel killed a process of the program because the memory of the machine or cgroup that it "
      "really ran in was exhausted; what it would have done next is not in this report";
}

}  // namespace oomcast::record
