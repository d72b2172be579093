// Sums up what became of one of several programs. See service_outcome.h.
#include "model/sim/service_outcome.h"

#include <utility>

namespace oomcast::sim {

ServiceOutcome service_outcome(const host::Host& host, const std::vector<ServiceOptions>& services, size_t number,
                               ServiceFate fate, Nanoseconds last) {
  ServiceOutcome out;
  static_cast<ServiceFate&>(out) = std::move(fate);
  const ServiceOptions& options = services[number];
  const host::Service& counts = host.services[number + 1];
  out.name = options.name;
  out.start = options.start;
  out.last = last;
  out.cgroup = options.cgroup;
  if (!options.cgroup.empty()) out.cgroup_peak = to_bytes(Pages(host.cgroups[counts.cgroup].peak));
  out.footprint_peak = to_bytes(Pages(counts.footprint_peak));
  out.swap_outs = counts.swap_outs;
  out.swap_ins = counts.swap_ins;
  for (size_t by = 0; by < counts.taken_by.size(); ++by)
    if (counts.taken_by[by] > 0) out.taken_by.push_back({by == 0 ? "" : services[by - 1].name, counts.taken_by[by]});
  for (const host::Process& process : host.processes) {
    if (!process.guest || process.service != number + 1) continue;
    ++out.processes;
    out.touched += to_bytes(Pages(process.touched_pages));
    if (process.stuck_at && (!out.stuck_at || *process.stuck_at < *out.stuck_at)) out.stuck_at = process.stuck_at;
  }
  return out;
}

std::vector<MemoryMount> memory_mounts(const host::Host& host, const std::vector<ServiceOptions>& services) {
  std::vector<MemoryMount> out;
  for (const host::TmpfsMount& mount : host.mounts) {
    if (mount.peak_pages == 0) continue;
    MemoryMount each{mount.path, "", to_bytes(Pages(mount.peak_pages)), std::nullopt};
    if (mount.owner != 0) each.service = services[mount.owner - 1].name;
    if (mount.limit_pages > 0) each.limit = to_bytes(Pages(mount.limit_pages));
    out.push_back(std::move(each));
  }
  return out;
}

}  // namespace oomcast::sim
