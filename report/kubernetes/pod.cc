// Reads what the manifest of a pod says of memory. See pod.h; apis/core/v1/helper/qos and component-helpers/resource.
#include "report/kubernetes/pod.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "model/base/units.h"
#include "model/spec/parse_text.h"
#include "report/kubernetes/quantity.h"
#include "report/yaml_values.h"

namespace oomcast::report {
namespace {

constexpr int kMostNested = 8;  // lists in lists

YAML::Node pod_spec(const YAML::Node& document) {
  YAML::Node spec = value_at(document, "spec");
  if (spec && value_at(spec, "jobTemplate")) spec = value_at(spec, "jobTemplate", "spec");
  if (spec && value_at(spec, "template")) spec = value_at(spec, "template", "spec");
  // A PodTemplate has no spec of its own.
  return spec ? spec : value_at(document, "template", "spec");
}

std::string scalar(const YAML::Node& node, const std::string& what) {
  if (!node.IsScalar()) throw BadManifest(what + " is not a single value");
  return node.Scalar();
}

std::string word(const YAML::Node& node) { return node && node.IsScalar() ? node.Scalar() : ""; }

double size_in(const YAML::Node& value, const std::string& what) {
  const std::string text = scalar(value, what);
  const auto number = quantity(text);
  if (!number) throw BadManifest(what + ": " + host::quote(text) + " is no size, such as 512Mi or 1.5G");
  return std::min(*number, kMostQuantity);
}

/// A resource under "limits" or "requests". Absent: it is not there.
std::optional<double> amount(const YAML::Node& container, const char* part, const char* resource,
                             const std::string& name) {
  const YAML::Node value = value_at(container, "resources", part, resource);
  if (!value || value.IsNull()) return std::nullopt;
  return size_in(value, std::string(part) + "." + resource + " of " + name);
}

struct Resources {
  std::optional<double> limit, request;
};
/// What one container adds to the class of its pod.
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

/// No API server or runtime takes these, and a forecast of them would be one of a typing error.
void check_memory(const Resources& memory, const YAML::Node& of, const std::string& name) {
  const double limit = memory.limit.value_or(0);
  const std::string written = word(value_at(of, "resources", "limits", "memory"));
  if (limit > 0 && limit < kPageBytes)
    throw BadManifest("limits.memory of " + name + ": " + host::quote(written) + " is less than a page of memory" +
                      (written.ends_with('m') ? "; 'm' stands for thousandths of a byte, 'M' and 'Mi' for megabytes"
                                              : "; a number without a unit is in bytes"));
  if (limit > 0 && memory.request.value_or(0) > limit)
    throw BadManifest("requests.memory of " + name + " is more than its limit of " + host::quote(written) +
                      ", which Kubernetes refuses");
}

/// `of` is a container, or the spec of a pod that has resources of its own.
Wants wants_of(const YAML::Node& of, const std::string& name) {
  Wants wants;
  for (const auto& [resource, each] : {std::pair("cpu", &wants.cpu), std::pair("memory", &wants.memory)}) {
    each->limit = amount(of, "limits", resource, name);
    each->request = amount(of, "requests", resource, name);
    if (!each->request) each->request = each->limit;
  }
  check_memory(wants.memory, of, name);
  return wants;
}

std::optional<int64_t> bytes(const std::optional<double>& value) {
  return value ? std::optional(static_cast<int64_t>(std::ceil(*value))) : std::nullopt;
}
/// A limit of 0 is none.
std::optional<int64_t> limit_of(const Wants& wants) {
  return wants.memory.limit.value_or(0) > 0 ? bytes(wants.memory.limit) : std::nullopt;
}

int64_t priority_of(const YAML::Node& spec, const std::string& priority_class) {
  if (priority_class == "system-node-critical") return kCriticalPriority + 1000;
  if (priority_class == "system-cluster-critical") return kCriticalPriority;
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
    const YAML::Node name = value_at(volume, "name");
    if (!name || word(value_at(volume, "emptyDir", "medium")) != "Memory") continue;
    int64_t size = 0;
    if (const YAML::Node limit = value_at(volume, "emptyDir", "sizeLimit"))
      size = static_cast<int64_t>(size_in(limit, "sizeLimit of the volume " + scalar(name, "name")));
    found[scalar(name, "name")] = size;
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

/// Sums over the containers of a pod, as the scheduler and the kubelet make them: init containers run one after the
/// other, before the others but beside the sidecars that stand before them in the list.
class Together {
 public:
  void add(const PodContainer& container, int64_t bytes) {
    if (container.starts_pod)
      first_ones_ = std::max(first_ones_, sidecars_ + bytes);
    else
      (container.sidecar ? sidecars_ : others_) += bytes;
  }
  int64_t sum() const { return std::max(sidecars_ + others_, first_ones_); }

 private:
  int64_t first_ones_ = 0, sidecars_ = 0, others_ = 0;
};

class PodReader {
 public:
  PodReader(const YAML::Node& spec, const std::string& owner) : spec_(spec), owner_(owner) {}

  std::vector<PodContainer> read() {
    common_.owner = owner_;
    common_.priority_class = word(value_at(spec_, "priorityClassName"));
    common_.priority = priority_of(spec_, common_.priority_class);
    common_.host_ipc = word(value_at(spec_, "hostIPC")) == "true";
    volumes_ = memory_volumes(spec_);
    add(value_at(spec_, "initContainers"), true);
    add(value_at(spec_, "containers"), false);
    if (!found_.empty()) take_what_is_the_pods();
    return std::move(found_);
  }

 private:
  void add(const YAML::Node& containers, bool init) {
    if (!containers || !containers.IsSequence()) return;
    for (const YAML::Node& entry : containers) {
      PodContainer container = common_;
      if (const YAML::Node name = value_at(entry, "name")) container.name = scalar(name, "name");
      container.sidecar = init && word(value_at(entry, "restartPolicy")) == "Always";
      container.starts_pod = init && !container.sidecar;
      const Wants wants = wants_of(entry, container.name);
      any_ |= wants.any();
      guaranteed_ &= wants.guaranteed();
      container.memory_limit = limit_of(wants);
      container.memory_request = bytes(wants.memory.request);
      container.memory_volumes = mounted(entry, volumes_);
      all_limited_ &= container.memory_limit.has_value();
      limits_.add(container, container.memory_limit.value_or(0));
      requests_.add(container, container.memory_request.value_or(0));
      if (!init) least_request_ = std::min(least_request_, container.memory_request.value_or(0));
      found_.push_back(std::move(container));
    }
  }

  /// Resources of the pod itself (Kubernetes 1.34) decide instead of those of its containers, where it has some.
  void take_what_is_the_pods() {
    const Wants pod = wants_of(spec_, "the pod");
    const auto pod_limit = limit_of(pod);
    const QosClass qos = pod.any() ? qos_of(true, pod.guaranteed()) : qos_of(any_, guaranteed_);
    const int64_t left = bytes(pod.memory.request).value_or(0) - requests_.sum();
    for (PodContainer& container : found_) {
      container.qos = qos;
      if (pod_limit)
        container.pod_limit = pod_limit;
      else if (all_limited_)
        container.pod_limit = limits_.sum();
      if (pod_limit) container.memory_limit = std::min(container.memory_limit.value_or(*pod_limit), *pod_limit);
      container.pod_share = std::max<int64_t>(0, left) / static_cast<int64_t>(found_.size());
      if (container.sidecar && least_request_ < INT64_MAX) container.least_beside = least_request_;
    }
  }

  static QosClass qos_of(bool any, bool guaranteed) {
    return !any ? QosClass::kBestEffort : guaranteed ? QosClass::kGuaranteed : QosClass::kBurstable;
  }

  const YAML::Node& spec_;
  const std::string& owner_;
  PodContainer common_;  // what all containers have in common
  std::map<std::string, int64_t> volumes_;
  std::vector<PodContainer> found_;
  bool any_ = false, guaranteed_ = true, all_limited_ = true;
  Together limits_, requests_;
  int64_t least_request_ = INT64_MAX;  // of the containers that are no init containers
};

void add_containers(const YAML::Node& document, int depth, std::vector<PodContainer>& found) {
  const YAML::Node items = value_at(document, "items");
  if (items && items.IsSequence() && word(value_at(document, "kind")).ends_with("List")) {
    if (depth >= kMostNested) throw BadManifest("lists in lists, more than " + std::to_string(kMostNested) + " deep");
    for (const YAML::Node& item : items) add_containers(item, depth + 1, found);
    return;
  }
  const YAML::Node spec = pod_spec(document);
  if (!spec || !spec.IsMap()) return;
  const std::string owner = word(value_at(document, "metadata", "name"));
  for (PodContainer& container : PodReader(spec, owner).read()) found.push_back(std::move(container));
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
  add_containers(document, 0, found);
  return found;
}

}  // namespace oomcast::report
