// Accounts for the time that was lost to memory. The PSI line, kept like kernel/sched/psi.c does, in integers.
#pragma once

#include "model/base/units.h"
#include "model/sim/outcome.h"

namespace oomcast::sim {

/// Averages move every 2 s with the kernel's fixed-point factors (1677, 1981, 2034 of 2048).
class PressureMeter {
 public:
  /// Time passes: `some` of it was lost by at least one task, `full` by all.
  void add(Nanoseconds now, Nanoseconds some, Nanoseconds full);
  PressureLine some_line() const { return line(some_); }
  PressureLine full_line() const { return line(full_); }
  Nanoseconds some_total() const { return some_.total; }

 private:
  struct Line {
    Nanoseconds total, at_period_start;
    int64_t average[3] = {0, 0, 0};  // of 2048 * 10000 (hundredths of a percent)
  };
  static PressureLine line(const Line& line);
  static void close_period(Line& line);

  Line some_, full_;
  Nanoseconds period_start_;
};

}  // namespace oomcast::sim
