// Reads what the manifest of a pod says of memory: limits, requests, class of service, priority, volumes.
//
// container_settings.h tells what a kubelet makes of it.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace YAML {
class Node;
}

namespace oomcast::report {

/// Kubernetes' classes of service, worked out of requests and limits as the API server does.
enum class QosClass : uint8_t { kGuaranteed, kBurstable, kBestEffort };
const char* qos_name(QosClass qos);  // "Guaranteed", ...

/// From here on a pod is critical (scheduling.SystemCriticalPriority).
inline constexpr int64_t kCriticalPriority = 2'000'000'000;

/// An emptyDir with medium Memory, where the container mounts it.
struct MemoryVolume {
  std::string path;
  int64_t size_limit = 0;  // 0: none
};

/// One container and the pod that it is of. Bytes; a request that is left out is the limit.
struct PodContainer {
  std::string owner;  // name of the Pod, the Deployment, ...; may be empty
  std::string name;
  bool starts_pod = false;  // an init container: it ends before the others start
  bool sidecar = false;     // an init container that is restarted: it runs beside the others
  std::optional<int64_t> memory_limit, memory_request;  // the limit: its own, or the pod's (spec.resources)
  int64_t pod_share = 0;     // of the pod's own request: what its containers leave of it, in equal parts
  int64_t least_beside = 0;  // of a sidecar: the least request of a container that is none
  QosClass qos = QosClass::kBestEffort;
  int64_t priority = 0;
  std::string priority_class;  // empty: none
  std::vector<MemoryVolume> memory_volumes;
  std::optional<int64_t> pod_limit;  // of all its containers together, if each has one
  bool host_ipc = false;             // /dev/shm is the node's
};

struct BadManifest : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Containers of a Pod, of the pod template of a Deployment, StatefulSet, DaemonSet, Job, CronJob or the like, or of
/// all of these in a List. Empty if the document is none of these. Throws BadManifest with what no API server accepts.
std::vector<PodContainer> containers_in(const YAML::Node& document);

}  // namespace oomcast::report
