// Has faults served on the CPU of the thread that waits: it does nothing meanwhile, and to wake another CPU that
// has gone to rest costs ten times what serving the fault does (in a virtual machine; 13 us against 70 to 130 were
// measured).
//
// The scheduler places us on an idle CPU, as if there were something to do side by side. It does bring the thread that
// we wake to our CPU more often than not, so we stay where we are as long as that holds.
#pragma once

#include <sched.h>

#include <cstdint>

namespace oomcast::record {

class ServingCpu {
 public:
  /// Remembers where the calling thread may run now.
  ServingCpu();
  /// A fault or question of this thread has been served by one of our own `servers` (thread ids, 0 for the caller).
  void served(uint32_t pid, uint32_t tid, const int (&servers)[2]);
  /// Nothing has been served for a while: what is to be done now is done beside the program.
  void rest(const int (&servers)[2]);

 private:
  static constexpr uint32_t kCheckEach = 64;  // a check costs as much as a fault
  static constexpr uint32_t kElsewhere = 4;   // threads that take turns do not pull us to and fro
  void run_on(int cpu, const int (&servers)[2]);

  cpu_set_t allowed_{};
  int cpu_ = -1;  // -1: on any
  uint32_t since_check_ = 0, elsewhere_ = 0;
  bool served_since_rest_ = false;
};

}  // namespace oomcast::record
