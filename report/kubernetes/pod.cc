// Reads what a pod's manifest means for its memory. See pod.h; kubelet's qos/policy.go and cm/qos_container_manager.
#include "report/kubernetes/pod.h"

#include <algorithm>

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
  bool any = false, guaranteed = true;
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
      if (std::string_view(list) == "containers") found.push_back(std::move(container));
    }
  }
  for (PodContainer& container : found)
    container.qos = !any ? QosClass::kBestEffort : guaranteed ? QosClass::kGuaranteed : QosClass::kBurstable;
  return found;
}

ContainerSettings settings_of(const PodContainer& container, const host::HostSpec& host) {
  ContainerSettings settings;
  settings.oom_score_adj = adj_of(container, host);
  if (container.memory_limit) add(settings.limits, "memory.max", *container.memory_limit);
  add_memory_qos(container, host, settings.limits);
  return settings;
}

}  // namespace oomcast::report
