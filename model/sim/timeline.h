// Samples memory every 20 ms of virtual time, and thins the rows so that a report stays small.
#pragma once

#include <optional>

#include "model/host/host.h"
#include "model/sim/outcome.h"
#include "model/sim/pressure.h"
#include "model/sim/scheduler.h"

namespace oomcast::sim {

inline constexpr Nanoseconds kSampleInterval{20'000'000};

class Timeline {
 public:
  Timeline(const host::Host& host, Scheduler& scheduler, Pressure& pressure, std::vector<FiberId> kswapds);
  /// Takes one sample. REQUIRES: called every kSampleInterval.
  void sample();
  /// Takes the last sample. Adds the moments "peak" and "end" to `moments`, and sorts these by time.
  Series finish(std::vector<Moment>& moments);
  /// Writes the host's pressure lines into the moment.
  void add_pressure(Moment& moment) const;

 private:
  void add_bands();
  void add_row();
  void thin();
  void note_peak();

  const host::Host& host_;
  Scheduler& scheduler_;
  Pressure& pressure_;
  std::vector<FiberId> kswapds_;
  std::vector<Bands> bands_;
  std::vector<TimelineRow> rows_;
  std::optional<Moment> peak_;  // the sample with the largest footprint of the program
  Nanoseconds last_sample_;
  int64_t samples_per_row_ = 1, samples_ = 0;
  struct {
    Nanoseconds t, kswapd_busy;
    int64_t scan_kswapd = 0, scan_direct = 0, steal = 0, swap_in = 0, swap_out = 0, major_faults = 0;
  } row_start_;
};

}  // namespace oomcast::sim
