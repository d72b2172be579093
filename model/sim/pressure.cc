// Memory pressure of the host and of each cgroup. See pressure.h.
#include "model/sim/pressure.h"

#include "model/spec/kernel_rules.h"

namespace oomcast::sim {

Pressure::Pressure(const host::Host& host) : host_(host) {
  const bool by_tick = !holds(host::KernelRule::kStallsOnCpuAreFull, host.spec.kernel);
  for (size_t i = 0; i < host.cgroups.size(); ++i)
    groups_.push_back(PressureGroup(static_cast<size_t>(host.cpu_count()), by_tick));
}

template <class F>
void Pressure::for_each_above(host::CgroupIndex group, F&& f) {
  for (;; group = host_.cgroups[group].parent) {
    f(groups_[group]);
    if (group == host::kRootCgroup) return;
  }
}

void Pressure::change(host::CgroupIndex group, host::CpuIndex cpu, Nanoseconds now, const TaskState& from,
                      const TaskState& to) {
  for_each_above(group, [&](PressureGroup& each) { each.change(cpu, now, from, to); });
}

void Pressure::correct(host::CgroupIndex group, host::CpuIndex cpu, Nanoseconds by) {
  for_each_above(group, [&](PressureGroup& each) { each.correct(cpu, by); });
}

void Pressure::average(Nanoseconds now) {
  for (PressureGroup& group : groups_) {
    if (group.due(now)) group.update(now);
  }
}

}  // namespace oomcast::sim
