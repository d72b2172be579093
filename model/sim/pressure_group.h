// Memory pressure (PSI) of a group of tasks: counts the states of its tasks on each CPU, and adds the CPUs up every 2
// s.
//
// Mirrors struct psi_group of kernel/sched/psi.c: psi_group_change(), collect_percpu_times(), update_averages(), in
// integers. Differs: if several tasks of the group share a CPU, the stalled ones that run count for `full` by their
// share of the running ones. The averaging work runs when the timeline is sampled, not by a timer.
#pragma once

#include <array>
#include <vector>

#include "model/base/units.h"
#include "model/host/indices.h"
#include "model/sim/outcome.h"

namespace oomcast::sim {

/// The state of one task, as far as pressure is concerned.
struct TaskState {
  bool running = false;  // has a CPU, or waits for one
  bool stalled = false;  // between psi_memstall_enter() and psi_memstall_leave()
  bool waiting = false;  // waits for a disk
  friend bool operator==(const TaskState&, const TaskState&) = default;
};

class PressureGroup {
 public:
  static constexpr Nanoseconds kPressurePeriod{2'004'000'000};  // PSI_FREQ: 2 * HZ + 1 ticks

  /// `full_by_tick`: before Linux 5.13 only the tick counts a CPU on which a stalled task runs as full.
  PressureGroup(size_t cpus, bool full_by_tick) : cpus_(cpus), full_by_tick_(full_by_tick) {}

  /// psi_group_change(): a task on that CPU changes its state.
  void change(host::CpuIndex cpu, Nanoseconds now, const TaskState& from, const TaskState& to);
  /// Corrects the past: a task of that CPU was stalled for `by` longer than counted (shorter if negative).
  void correct(host::CpuIndex cpu, Nanoseconds by);
  /// Whether an averaging period has ended.
  bool due(Nanoseconds now) const { return now >= next_update_; }
  /// Adds up the totals, and the averages if they are due, as a reader of the pressure file does.
  void update(Nanoseconds now);
  /// As of the last update().
  PressureLine some() const { return shown(some_); }
  PressureLine full() const { return shown(full_); }
  /// Growth of `some` since the last call, for a row of the timeline.
  Nanoseconds some_since_last_row(Nanoseconds now) { return collect(kRows, now).some; }

 private:
  enum Aggregator : size_t { kAverages, kRows, kAggregators };
  struct Times {
    Nanoseconds some, full, nonidle;
  };
  struct Cpu {
    int running = 0, stalled = 0, stalled_running = 0, waiting = 0;
    Nanoseconds since;
    Times times;
    std::array<Times, kAggregators> seen;
  };
  struct Line {
    Nanoseconds total, averaged;
    std::array<int64_t, 3> averages{};  // percent, in units of 1/2048
  };

  static void add(Cpu& cpu, const TaskState& state, int by);
  static PressureLine shown(const Line& line);
  void record_times(Cpu& cpu, Nanoseconds now) const;
  Nanoseconds full_of(const Cpu& cpu, Nanoseconds now) const;
  Times collect(Aggregator aggregator, Nanoseconds now);

  std::vector<Cpu> cpus_;
  bool full_by_tick_;
  Line some_, full_;
  Nanoseconds last_update_, next_update_ = kPressurePeriod;
};

}  // namespace oomcast::sim
