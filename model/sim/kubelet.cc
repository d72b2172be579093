// Which pod the kubelet evicts. See kubelet.h; pkg/kubelet/eviction/helpers.go, rankMemoryPressure().
#include "model/sim/kubelet.h"

#include <algorithm>
#include <tuple>

namespace oomcast::sim {
namespace {

using host::LruKindIndex;

bool runs(const host::Host& host, uint8_t service) {
  return std::any_of(host.processes.begin(), host.processes.end(), [&](const host::Process& process) {
    return process.guest && process.service == service && process.alive && !process.dying;
  });
}

int64_t inactive_file(const host::Host& host, host::CgroupIndex group) {
  int64_t pages = 0;
  for (const host::Node& node : host.nodes) pages += node.size(LruKindIndex::kInactiveFile, group);
  return pages;
}

/// The working set of a pod: charged memory less inactive file pages. Without a cgroup of its own: its anonymous
/// memory.
Bytes working_set(const host::Host& host, uint8_t service) {
  const host::CgroupIndex group = host.group_of(service);
  const host::CgroupIndex shared = host.services.empty() ? host::kRootCgroup : host.app_cgroup;
  if (group == shared) return to_bytes(Pages(host.services.empty() ? host.guest_anon : host.services[service].anon));
  return to_bytes(Pages(std::max<int64_t>(0, host.cgroups[group].usage - inactive_file(host, group))));
}

auto rank(const EvictionCandidate& candidate) {
  const Bytes beyond = candidate.usage - candidate.request;
  return std::tuple(beyond <= Bytes(0), candidate.priority, Bytes(0) - beyond);
}

}  // namespace

Bytes available_memory(const host::Host& host) {
  int64_t pages = inactive_file(host, host::kRootCgroup);
  for (const host::Node& node : host.nodes) pages += node.free();
  if (host.app_cgroup == host::kRootCgroup) return to_bytes(Pages(pages));
  for (host::CgroupIndex group = host.cgroups[host.app_cgroup].parent; group != host::kRootCgroup;
       group = host.cgroups[group].parent)
    if (host.cgroups[group].max < host::kUnlimited)
      pages = std::min(pages, host.cgroups[group].margin() + inactive_file(host, group));
  return to_bytes(Pages(pages));
}

std::optional<Eviction> eviction_due(const host::Host& host, const Options& options, Nanoseconds now) {
  const Bytes available = available_memory(host), threshold = host.spec.kubelet.eviction_hard;
  if (available >= threshold) return std::nullopt;
  Eviction eviction{now, available, threshold, {}};
  if (options.services.empty() && runs(host, 0))
    eviction.ranked.push_back({0, "", working_set(host, 0), options.memory_request, options.priority});
  uint8_t number = 0;
  for (const ServiceOptions& service : options.services) {
    if (runs(host, ++number))
      eviction.ranked.push_back(
          {number, service.name, working_set(host, number), service.memory_request, service.priority});
  }
  if (eviction.ranked.empty()) return std::nullopt;
  std::stable_sort(eviction.ranked.begin(), eviction.ranked.end(),
                   [](const EvictionCandidate& a, const EvictionCandidate& b) { return rank(a) < rank(b); });
  return eviction;
}

}  // namespace oomcast::sim
