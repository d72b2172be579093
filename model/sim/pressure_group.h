// Accounts for the time that a group of tasks lost to memory. Counts what its tasks do on each CPU, and adds the CPUs
// up every 2 s.
//
// Mirrors struct psi_group of kernel/sched/psi.c: psi_group_change(), collect_percpu_times(), update_averages(), in
// integers. Differs: where several of the group's tasks take turns on a CPU, the time in which the one that runs is
// stalled, so that nothing productive could, is its share of them. The work that averages runs when the sampler does.
#pragma once

#include <array>
#include <vector>

#include "model/base/units.h"
#include "model/host/indices.h"
#include "model/sim/outcome.h"

namespace oomcast::sim {

/// What one task does, as far as pressure is concerned.
struct TaskState {
  bool running = false;  // has a CPU, or wants one
  bool stalled = false;  // between psi_memstall_enter() and psi_memstall_leave()
  bool waiting = false;  // for a disk
  friend bool operator==(const TaskState&, const TaskState&) = default;
};

class PressureGroup {
 public:
  static constexpr Nanoseconds kPressurePeriod{2'004'000'000};  // PSI_FREQ: 2 * HZ + 1 ticks

  /// `full_by_tick`: before Linux 5.13, a CPU whose running task is stalled is found out by the tick only.
  PressureGroup(size_t cpus, bool full_by_tick) : cpus_(cpus), full_by_tick_(full_by_tick) {}

  /// A task on that CPU does something else from now on.
  void change(host::CpuIndex cpu, Nanoseconds now, const TaskState& from, const TaskState& to);
  /// A task of that CPU was stalled for so much longer than it was said to be, or less if negative.
  void correct(host::CpuIndex cpu, Nanoseconds by);
  /// Whether two seconds have passed since the averages last moved.
  bool due(Nanoseconds now) const { return now >= next_update_; }
  /// Brings the totals up to date, and the averages where they are due; as a reader of the file does.
  void update(Nanoseconds now);
  /// As of the last update().
  PressureLine some() const { return shown(some_); }
  PressureLine full() const { return shown(full_); }
  /// What `some` has grown by since the last call: for rows of the timeline.
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
    std::array<int64_t, 3> averages{};  // percent, of 2048
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
