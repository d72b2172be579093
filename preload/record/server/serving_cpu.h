// ServingCpu: moves the recorder's threads to the CPU of the guest's thread that waits for them. That thread does
// nothing meanwhile, and waking an idle CPU costs five to ten times what serving a fault does: 70 to 130 us against 13
// us, measured in a virtual machine.
//
// By itself the scheduler places the recorder on an idle CPU. A guest's thread that the recorder wakes mostly runs on
// the recorder's CPU, so the recorder stays there while the waiting threads come from that CPU.
#pragma once

#include <sched.h>

#include <cstdint>

namespace oomcast::record {

class ServingCpu {
 public:
  /// Remembers the CPUs that the calling thread may use now.
  ServingCpu();
  /// Thread `tid` of guest `pid` was served. May move the `servers`, thread ids of the recorder (0: the caller), to the
  /// CPU of that thread.
  void served(uint32_t pid, uint32_t tid, const int (&servers)[2]);
  /// To be called now and then. If nothing was served since the last call, the servers may use all CPUs again.
  void rest(const int (&servers)[2]);

 private:
  // served() calls between two reads of the thread's CPU: one read costs as much as a fault
  static constexpr uint32_t kCheckEach = 64;
  // checks in a row on another CPU before a move: threads that take turns cause none
  static constexpr uint32_t kElsewhere = 4;
  void run_on(int cpu, const int (&servers)[2]);

  cpu_set_t allowed_{};
  int cpu_ = -1;  // where the servers are pinned; -1: nowhere
  uint32_t since_check_ = 0, elsewhere_ = 0;
  bool served_since_rest_ = false;
};

}  // namespace oomcast::record
