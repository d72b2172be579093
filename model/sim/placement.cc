// NUMA placement. See placement.h.
#include "model/sim/placement.h"

#include "model/mm/mempolicy.h"

namespace oomcast::sim {

using trace::EventKind;

void set_placement(mm::Kernel& k, const trace::Event& event, host::ProcessIndex index) {
  if (event.flags > static_cast<uint8_t>(host::PolicyMode::kWeightedInterleave)) return;
  const auto mode = static_cast<host::PolicyMode>(event.flags);
  if (event.kind == EventKind::kSetPolicy) {
    if (const auto policy = mm::effective_policy(k.host, mode, event.address)) mm::set_task_policy(k, index, *policy);
  } else if (event.kind == EventKind::kBindRange) {
    const auto policy = mm::effective_policy(k.host, mode, event.argument);
    if (policy) mm::bind_range(k, index, event.address, event.bytes, *policy);
  } else {
    for (const host::NodeIndex node : k.host.nodes.indices()) {
      if (static_cast<uint64_t>(k.host.nodes[node].id.value) != event.argument) continue;
      mm::set_home_node(k, index, event.address, event.bytes, node);
    }
  }
}

void run_on(mm::Kernel& k, int only_node, uint64_t cpu_mask) {
  for (const host::NodeIndex node : k.host.nodes.indices()) {
    if (only_node >= 0 && k.host.nodes[node].id.value != only_node) continue;
    for (const host::CpuIndex cpu : k.host.nodes[node].cpu_indices) {
      const int number = k.host.spec.cpus[cpu.place()];
      if (number >= 64 || (cpu_mask >> number & 1) == 0) continue;
      k.sched.current().node = node;
      k.sched.current().cpu = cpu;
      return;
    }
  }
}

}  // namespace oomcast::sim
