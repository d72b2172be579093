// TaskClock: the time that a thread has computed, and the time that it has waited of its own will, since its last
// event.
//
// compute = CPU time (schedstat) less the cost of tracking: a calibrated time per fault and per request. wait = wall
// time less CPU time, time in the run queue, and the time that its faults were held, including the recorder's time in
// the run queue. Time in file calls is neither: the model has its own cost for them.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

/// The cost of tracking for a guest, measured on a thread that is served the same way. The defaults hold until then,
/// and where the measurement fails.
struct TrackingCost {
  uint64_t fault_cpu_ns = 4000;      // CPU time of the faulting thread per fault
  uint64_t fault_off_cpu_ns = 8000;  // time it is off the CPU per fault
  uint64_t request_cpu_ns = 6000;    // CPU time of a synchronous request
};

/// CPU time of this thread of the process; 0 where it is not known.
uint64_t cpu_ns_of(uint32_t pid, uint32_t tid);

class TaskClock {
 public:
  TaskClock(pid_t pid, pid_t tid, uint64_t now_ns);

  void count_fault() { ++faults_; }
  void count_request() { ++requests_; }
  /// Sets the total time that the thread has spent in file calls. It counts neither as computed nor as waited.
  void set_file_time(uint64_t wall_ns, uint64_t cpu_ns) {
    file_wall_ns_ = wall_ns;
    file_cpu_ns_ = cpu_ns;
  }
  /// The same at the start: the totals so far are not taken off.
  void begin_file_time(uint64_t wall_ns, uint64_t cpu_ns) {
    set_file_time(wall_ns, cpu_ns);
    file_wall_taken_ns_ = wall_ns;
    file_cpu_taken_ns_ = cpu_ns;
  }
  void count_held(uint64_t ns) { held_ns_ += ns; }

  /// True when a reading of the thread's CPU time is due: after a gap of 100 us or 64 faults. In the polling phase: 10
  /// ms after the last reading.
  bool due(uint64_t now_ns, bool in_polling_phase) const {
    return in_polling_phase ? now_ns - wall_ns_ > 10'000'000 : now_ns - last_seen_ns_ > 100'000 || faults_ >= 64;
  }
  void seen(uint64_t now_ns) { last_seen_ns_ = now_ns; }

  struct Span {
    uint64_t compute_ns = 0;
    uint64_t wait_ns = 0;
  };
  /// Since the last call. False: the thread is gone.
  bool read(const TrackingCost& cost, uint64_t now_ns, Span* out);

 private:
  UniqueFd schedstat_, syscall_;
  uint64_t own_delay_ns_ = 0;
  uint64_t cpu_ns_ = 0, delay_ns_ = 0, wall_ns_ = 0, last_seen_ns_ = 0, held_ns_ = 0;
  uint64_t faults_ = 0, requests_ = 0;
  uint64_t file_wall_ns_ = 0, file_cpu_ns_ = 0, file_wall_taken_ns_ = 0, file_cpu_taken_ns_ = 0;
  int64_t compute_debt_ns_ = 0;  // estimated cost of tracking beyond the CPU time of a span: taken off the next span
};

}  // namespace oomcast::record
