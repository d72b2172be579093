// The pressure (PSI) of the host and of each cgroup. What a task does counts for its cgroup and all above.
#pragma once

#include "model/host/host.h"
#include "model/sim/pressure_group.h"

namespace oomcast::sim {

/// psi_system, and the psi_group of each cgroup.
class Pressure {
 public:
  explicit Pressure(const host::Host& host);

  /// psi_task_change(): a task of the cgroup on that CPU changes its state.
  void change(host::CgroupIndex group, host::CpuIndex cpu, Nanoseconds now, const TaskState& from, const TaskState& to);
  /// See PressureGroup::correct().
  void correct(host::CgroupIndex group, host::CpuIndex cpu, Nanoseconds by);
  /// psi_avgs_work() for the groups that are due.
  void average(Nanoseconds now);
  PressureGroup& of(host::CgroupIndex group) { return groups_[group]; }
  PressureGroup& host() { return groups_[host::kRootCgroup]; }

 private:
  template <class F>
  void for_each_above(host::CgroupIndex group, F&& f);

  const host::Host& host_;
  IndexVector<host::CgroupIndex, PressureGroup> groups_;
};

}  // namespace oomcast::sim
