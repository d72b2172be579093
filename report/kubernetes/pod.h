// Reads what a pod's manifest means for its memory: limits, requests, class of service, priority.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/spec/host_spec.h"

namespace YAML {
class Node;
}

namespace oomcast::report {

/// What container runtimes mount, as --tmpfs takes it.
inline constexpr const char* kShmOfContainers = "/dev/shm=64M";

/// Kubernetes' classes of service, worked out of requests and limits as the API server does.
enum class QosClass : uint8_t { kGuaranteed, kBurstable, kBestEffort };
const char* qos_name(QosClass qos);  // "Guaranteed", ...

/// An emptyDir with medium Memory, where the container mounts it.
struct MemoryVolume {
  std::string path;
  int64_t size_limit = 0;  // 0: none
};

/// One container and the pod that it is of. Bytes; a request that is left out is the limit.
struct PodContainer {
  std::string name;
  std::optional<int64_t> memory_limit, memory_request;
  QosClass qos = QosClass::kBestEffort;
  int64_t priority = 0;
  std::vector<MemoryVolume> memory_volumes;
  std::optional<int64_t> pod_limit;  // of all its containers together, if each has one
  bool host_ipc = false;             // /dev/shm is the node's
};

struct BadManifest : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Containers of the pod, or of the pod template of a Deployment, StatefulSet, DaemonSet, Job or CronJob; empty if the
/// document is none of these. Throws BadManifest with what is wrong of a size.
std::vector<PodContainer> containers_in(const YAML::Node& document);

/// How the kubelet sets up a container on a node of this size.
struct ContainerSettings {
  int oom_score_adj = 0;
  std::vector<std::string> limits;  // as --cgroup takes them
  std::vector<std::string> tmpfs;   // as --tmpfs takes them
};
ContainerSettings settings_of(const PodContainer& container, const host::HostSpec& host);

}  // namespace oomcast::report
