// A guest that is about to exhaust the machine it really runs on, or its cgroup here, or that this machine's kernel has
// killed for it.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/record/session.h"

namespace oomcast::record {

void Session::kill_guests() {
  for (const auto& [pid, process] : processes_)
    ::syscall(SYS_pidfd_send_signal, process->pidfd.get(), SIGKILL, nullptr, 0);
}

void Session::check_guard() {
  if (guard_struck_ || !guard_.must_strike(rss_total_bytes_)) return;
  guard_struck_ = true;
  kill_guests();
  summary_.stopped =
      "the program was stopped because it was about to exhaust the memory of the machine or cgroup that it really ran "
      "in (--guard); what "
      "it would have done next is not in this report";
}

/// Of a process that a SIGKILL has ended: its sender is not known, but the kernel counts what it kills for lack of
/// memory.
void Session::note_killed_by_kernel() {
  if (!summary_.stopped.empty() || guard_.kernel_kills() == 0) return;
  summary_.stopped =
      "this machine's own kernel killed a process of the program because the memory of the machine or cgroup that it "
      "really ran in was exhausted; what "
      "it would have done next is not in this report";
}

}  // namespace oomcast::record
