// Keeps the pressure of the host and of each cgroup: tells a group and all above it what a task does.
#pragma once

#include "model/host/host.h"
#include "model/sim/pressure_group.h"

namespace oomcast::sim {

/// psi_system and the psi_group of each cgroup.
class Pressure {
 public:
  explicit Pressure(const host::Host& host);

  /// psi_task_change(): a task of the group, on that CPU, does something else from now on.
  void change(host::CgroupIndex group, host::CpuIndex cpu, Nanoseconds now, const TaskState& from, const TaskState& to);
  /// See PressureGroup.
  void correct(host::CgroupIndex group, host::CpuIndex cpu, Nanoseconds by);
  /// psi_avgs_work() of those groups whose time has come.
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
