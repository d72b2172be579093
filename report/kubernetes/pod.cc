// Reads what a pod's manifest means for its memory. See pod.h; kubelet's qos/policy.go and cm/qos_container_manager.
#include "report/kubernetes/pod.h"

#include <algorithm>
#include <map>

#include "model/spec/parse_text.h"
#include "report/kubernetes/quantity.h"
#include "report/yaml_values.h"

namespace oomcast::report {
namespace {

// kubelet's qos/policy.go. A pod that is critical for its node is treated as a guaranteed one.
constexpr int kGuaranteedAdj = -997, kBestEffortAdj = 1000;
constexpr int64_t kCriticalPriority = 2'000'000'000;
constexpr int kThrottlingPercent = 90;  // memoryThrottlingFactor

YAML::Node pod_spec(const YAML::Node& document) {
  YAML::Node spec = value_at(document, "spec");
  if (spec && value_at(spec, "jobTemplate")) spec = value_at(spec, "jobTemplate", "spec");
  if (spec && value_at(spec, "template")) spec = value_at(spec, "template", "spec");
  return spec;
}

std::string scalar(const YAML::Node& node, const std::string& what) {
  if (!node.IsScalar()) throw BadManifest(what + " is not a single value");
  return node.Scalar();
}

/// A resource under "limits" or "requests". Absent: it is not there.
std::optional<double> amount(const YAML::Node& container, const char* part, const char* resource,
                             const std::string& name) {
  const YAML::Node value = value_at(container, "resources", part, resource);
  if (!value) return std::nullopt;
  const std::string what = std::string(part) + "." + resource + " of " + name, text = scalar(value, what);
  const auto number = quantity(text);
  if (!number || *number > kMostQuantity) throw BadManifest(what + ": " + host::quote(text) + " is no size");
  return number;
}

/// What one container adds to the class of its pod.
struct Resources {
  std::optional<double> limit, request;
};
struct Wants {
  Resources cpu, memory;
  bool any() const {
    for (const Resources* each : {&cpu, &memory})
      if (each->limit.value_or(0) > 0 || each->request.value_or(0) > 0) return true;
    return false;
  }
  bool guaranteed() const {
    for (const Resources* each : {&cpu, &memory})
      if (each->limit.value_or(0) <= 0 || each->request != each->limit) return false;
    return true;
  }
};

Wants wants_of(const YAML::Node& container, const std::string& name) {
  Wants wants;
  for (const auto& [resource, of] : {std::pair("cpu", &wants.cpu), std::pair("memory", &wants.memory)}) {
    of->limit = amount(container, "limits", resource, name);
    of->request = amount(container, "requests", resource, name);
    if (!of->request) of->request = of->limit;
  }
  return wants;
}

int64_t priority_of(const YAML::Node& spec) {
  const YAML::Node name = value_at(spec, "priorityClassName");
  if (name && name.IsScalar() && name.Scalar() == "system-node-critical") return kCriticalPriority + 1000;
  if (name && name.IsScalar() && name.Scalar() == "system-cluster-critical") return kCriticalPriority;
  const YAML::Node priority = value_at(spec, "priority");
  if (!priority) return 0;
  const std::string text = scalar(priority, "priority");
  const auto number = host::parse_integer(text, INT32_MIN, INT32_MAX);
  if (!number) throw BadManifest("priority: " + host::quote(text) + " is no number");
  return *number;
}

/// Volumes of the pod that are memory: their names and sizeLimit.
std::map<std::string, int64_t> memory_volumes(const YAML::Node& spec) {
  std::map<std::string, int64_t> found;
  const YAML::Node volumes = value_at(spec, "volumes");
  if (!volumes || !volumes.IsSequence()) return found;
  for (const YAML::Node& volume : volumes) {
    const YAML::Node name = value_at(volume, "name"), medium = value_at(volume, "emptyDir", "medium");
    if (!name || !medium || !medium.IsScalar() || medium.Scalar() != "Memory") continue;
    int64_t bytes = 0;
    if (const YAML::Node limit = value_at(volume, "emptyDir", "sizeLimit")) {
      const std::string what = "sizeLimit of the volume " + scalar(name, "name"), text = scalar(limit, what);
      const auto number = quantity(text);
      if (!number || *number > kMostQuantity) throw BadManifest(what + ": " + host::quote(text) + " is no size");
      bytes = static_cast<int64_t>(*number);
    }
    found[scalar(name, "name")] = bytes;
  }
  return found;
}

/// Where the container mounts them.
std::vector<MemoryVolume> mounted(const YAML::Node& container, const std::map<std::string, int64_t>& volumes) {
  std::vector<MemoryVolume> found;
  const YAML::Node mounts = value_at(container, "volumeMounts");
  if (!mounts || !mounts.IsSequence()) return found;
  for (const YAML::Node& mount : mounts) {
    const YAML::Node name = value_at(mount, "name"), path = value_at(mount, "mountPath");
    if (!name || !path || !name.IsScalar()) continue;
    const auto volume = volumes.find(name.Scalar());
    if (volume == volumes.end()) continue;
    found.push_back({scalar(path, "mountPath of " + name.Scalar()), volume->second});
    if (!found.back().path.starts_with('/'))
      throw BadManifest("mountPath: " + host::quote(found.back().path) + " does not begin with /");
  }
  return found;
}

/// What pods on the node may have together: the node's own figure where it came from one.
int64_t allocatable(const host::HostSpec& host) {
  int64_t most = to_bytes(host.total_ram).count();
  for (const host::CgroupSpec& group : host.cgroups)
    if (group.memory_max >= 0 && host.cgroup.path.starts_with(group.path + "/"))
      most = std::min(most, group.memory_max);
  return std::max<int64_t>(0, most - host.kubelet.eviction_hard.count());
}

int adj_of(const PodContainer& container, const host::HostSpec& host) {
  if (container.priority >= kCriticalPriority || container.qos == QosClass::kGuaranteed) return kGuaranteedAdj;
  if (container.qos == QosClass::kBestEffort) return kBestEffortAdj;
  const int64_t capacity = std::max<int64_t>(1, to_bytes(host.total_ram).count());
  const int64_t request = std::min(container.memory_request.value_or(0), capacity);
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

}  // namespace

const char* qos_name(QosClass qos) {
  switch (qos) {
    case QosClass::kGuaranteed:
      return "Guaranteed";
    case QosClass::kBurstable:
      return "Burstable";
    case QosClass::kBestEffort:
      return "BestEffort";
  }
  return "?";
}

std::vector<PodContainer> containers_in(const YAML::Node& document) {
  std::vector<PodContainer> found;
  const YAML::Node spec = pod_spec(document);
  if (!spec || !spec.IsMap()) return found;
  const int64_t priority = priority_of(spec);
  const auto volumes = memory_volumes(spec);
  const YAML::Node host_ipc = value_at(spec, "hostIPC");
  bool any = false, guaranteed = true, all_limited = true;
  int64_t together = 0, first_ones = 0;  // limits: of the containers, and the largest of an init container
  for (const char* list : {"containers", "initContainers"}) {
    const YAML::Node containers = value_at(spec, list);
    if (!containers || !containers.IsSequence()) continue;
    for (const YAML::Node& entry : containers) {
      PodContainer container;
      if (const YAML::Node name = value_at(entry, "name")) container.name = scalar(name, "name");
      const Wants wants = wants_of(entry, container.name);
      any |= wants.any();
      guaranteed &= wants.guaranteed();
      const auto bytes = [](const std::optional<double>& value) {
        return value ? std::optional(static_cast<int64_t>(*value)) : std::nullopt;
      };
      container.memory_limit = bytes(wants.memory.limit);
      container.memory_request = bytes(wants.memory.request);
      container.priority = priority;
      container.memory_volumes = mounted(entry, volumes);
      container.host_ipc = host_ipc && host_ipc.IsScalar() && host_ipc.Scalar() == "true";
      all_limited &= container.memory_limit.value_or(0) > 0;
      const bool stays = std::string_view(list) == "containers";
      if (stays)
        together += container.memory_limit.value_or(0);
      else
        first_ones = std::max(first_ones, container.memory_limit.value_or(0));
      if (stays) found.push_back(std::move(container));
    }
  }
  for (PodContainer& container : found) {
    if (all_limited) container.pod_limit = std::max(together, first_ones);
    container.qos = !any ? QosClass::kBestEffort : guaranteed ? QosClass::kGuaranteed : QosClass::kBurstable;
  }
  return found;
}

ContainerSettings settings_of(const PodContainer& container, const host::HostSpec& host) {
  ContainerSettings settings;
  settings.oom_score_adj = adj_of(container, host);
  if (container.memory_limit) add(settings.limits, "memory.max", *container.memory_limit);
  add_memory_qos(container, host, settings.limits);
  settings.tmpfs = tmpfs_of(container, host);
  return settings;
}

}  // namespace oomcast::report
