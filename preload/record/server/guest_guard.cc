// GuestGuard: when to measure, and whom to kill.
#include "preload/record/server/guest_guard.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace oomcast::record {

namespace {
constexpr uint64_t kMeasureNs = 100'000'000, kLeastStepBytes = 256 << 10;
}

// A guest may use up all free memory within one tick, so its growth triggers a measurement too. The kernel's OOM killer
// must not come first: while a fault is answered, the recorder holds a reference to the guest's mm (mmget). The memory
// of a killed guest is then not freed in time, and the OOM killer chooses the recorder next.
void GuestGuard::check(uint64_t guest_bytes, uint64_t now_ns) {
  if (struck_ || (now_ns < next_measure_ns_ && guest_bytes < next_measure_bytes_)) return;
  const MemoryGuard::Measurement seen = measure_(guest_bytes);
  next_measure_ns_ = now_ns + kMeasureNs;
  next_measure_bytes_ = guest_bytes + std::max(seen.room_bytes / 2, kLeastStepBytes);
  if (!seen.must_strike) return;
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
