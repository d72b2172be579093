// Sets a container up as the kubelet does. See container_settings.h; kubelet's qos/policy.go, kuberuntime_container.
#include "report/kubernetes/container_settings.h"

#include <algorithm>

#include "report/words/format.h"

namespace oomcast::report {
namespace {

// kubelet's qos/policy.go. A pod that is critical for its node is treated as a guaranteed one.
constexpr int kGuaranteedAdj = -997, kBestEffortAdj = 1000;
constexpr int kThrottlingPercent = 90;  // memoryThrottlingFactor

/// What pods on the node may have together: the node's own figure where it came from one.
int64_t allocatable(const host::HostSpec& host) {
  int64_t most = to_bytes(host.total_ram).count();
  for (const host::CgroupSpec& group : host.cgroups)
    if (group.memory_max >= 0 && host.cgroup.path.starts_with(group.path + "/"))
      most = std::min(most, group.memory_max);
  return std::max<int64_t>(0, most - host.kubelet.eviction_hard.count());
}

/// GetContainerOOMScoreAdjust(). IsNodeCriticalPod() goes by the name of the class: system-cluster-critical is not.
int adj_of(const PodContainer& container, const host::HostSpec& host) {
  if (container.priority_class == "system-node-critical" || container.qos == QosClass::kGuaranteed)
    return kGuaranteedAdj;
  if (container.qos == QosClass::kBestEffort) return kBestEffortAdj;
  const int64_t capacity = std::max<int64_t>(1, to_bytes(host.total_ram).count());
  // A sidecar is not killed before those that it serves.
  const int64_t counted = std::max(container.memory_request.value_or(0), container.least_beside) + container.pod_share;
  const int64_t request = std::min(counted, capacity);
  // Never as safe as a guaranteed one, never as exposed as one of best effort.
  return static_cast<int>(
      std::clamp<int64_t>(1000 - 1000 * request / capacity, 1000 + kGuaranteedAdj, kBestEffortAdj - 1));
}

void add(std::vector<std::string>& limits, const char* file, int64_t bytes) {
  limits.push_back(std::string(file) + "=" + std::to_string(bytes));
}

/// Feature MemoryQoS (KEP 2570): the request is protected, and the container is slowed down short of its limit.
void add_memory_qos(const PodContainer& container, const host::HostSpec& host, std::vector<std::string>& limits) {
  const int64_t request = container.memory_request.value_or(0);
  if (host.kubelet.memory_qos == host::MemoryQos::kOff || container.qos == QosClass::kBestEffort) return;
  const bool low = host.kubelet.memory_qos == host::MemoryQos::kTiered && container.qos != QosClass::kGuaranteed;
  if (request > 0) add(limits, low ? "memory.low" : "memory.min", request);
  const int64_t most = container.memory_limit.value_or(allocatable(host));
  if (container.qos == QosClass::kGuaranteed || most <= request) return;
  const int64_t high = request + (most - request) / 100 * kThrottlingPercent;
  add(limits, "memory.high", high / kPageBytes * kPageBytes);
}

/// What the kubelet's swapBehavior LimitedSwap gives (KEP 2400): by default containers get no swap.
int64_t limited_swap(const PodContainer& container, const host::HostSpec& host) {
  const int64_t request = container.memory_request.value_or(0), memory = to_bytes(host.total_ram).count();
  if (container.qos != QosClass::kBurstable || container.priority >= kCriticalPriority || memory <= 0 ||
      container.memory_request == container.memory_limit)
    return 0;
  const double share = static_cast<double>(request) / static_cast<double>(memory);
  return static_cast<int64_t>(share * static_cast<double>(swap_of(host).count()));
}

/// calculateEmptyDirMemorySize() of the kubelet: not more than the pod may have, or the node.
int64_t size_of(const MemoryVolume& volume, const PodContainer& container, const host::HostSpec& host) {
  int64_t size = std::min(allocatable(host), container.pod_limit.value_or(INT64_MAX));
  if (volume.size_limit > 0) size = std::min(size, volume.size_limit);
  return std::max<int64_t>(size, kPageBytes);
}

/// The container's own mounts of tmpfs. The runtime gives each pod a /dev/shm, which a volume may be mounted over.
std::vector<std::string> tmpfs_of(const PodContainer& container, const host::HostSpec& host) {
  std::vector<std::string> mounts;
  if (!container.host_ipc) mounts.push_back(kShmOfContainers);
  for (const MemoryVolume& volume : container.memory_volumes)
    mounts.push_back(volume.path + "=" + std::to_string(size_of(volume, container, host)));
  return mounts;
}

std::vector<std::string> assumed_of(const PodContainer& container, const host::HostSpec& host) {
  std::vector<std::string> assumed;
  if (swap_of(host) > Bytes(0)) {
    const int64_t limited = limited_swap(container, host);
    assumed.push_back("memory.swap.max of the container: 0, by the kubelet's default NoSwap (LimitedSwap gives it " +
                      (limited > 0
                           ? bytes_text(Bytes(limited)) + ": --cgroup memory.swap.max=" + std::to_string(limited)
                           : std::string("none either")) +
                      ")");
  }
  if (!container.priority_class.empty() && container.priority == 0)
    assumed.push_back("priority of the pod: 0 (the manifest names the class " + container.priority_class +
                      ", not its value)");
  return assumed;
}

}  // namespace

Bytes swap_of(const host::HostSpec& host) {
  Bytes sum;
  for (const host::SwapSpec& swap : host.swaps) sum += swap.size;
  return sum;
}

ContainerSettings settings_of(const PodContainer& container, const host::HostSpec& host) {
  ContainerSettings settings;
  settings.oom_score_adj = adj_of(container, host);
  if (container.memory_limit) add(settings.limits, "memory.max", *container.memory_limit);
  add(settings.limits, "memory.swap.max", 0);
  add_memory_qos(container, host, settings.limits);
  // Since Kubernetes 1.28, where the node has cgroup v2: all of a container dies at once.
  add(settings.limits, "memory.oom.group", 1);
  settings.tmpfs = tmpfs_of(container, host);
  settings.assumed = assumed_of(container, host);
  return settings;
}

}  // namespace oomcast::report
