// Reads the memory limits of a service from the file that sets them: a pod, a Compose file, a systemd unit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/base/result.h"
#include "model/spec/host_spec.h"
#include "report/fit/unit_limits.h"
#include "report/kubernetes/pod.h"

namespace oomcast::report {

struct LimitsFrom {
  std::vector<std::string> cgroup;                // as --cgroup takes them ("memory.max=536870912")
  std::vector<ShareOfHost> shares;                // of a unit: percentages
  std::optional<std::vector<std::string>> tmpfs;  // of a Compose service, as below
  std::optional<int> oom_score_adj;               // of a Compose service or a unit
  std::vector<std::string> assumed;               // what the file does not say, or what is not modelled of it
  std::optional<PodContainer> pod;                // if the file is a pod's manifest
};

/// Understands Kubernetes manifests (Pods, anything with a pod template, Lists of them), a Compose file, and a systemd
/// unit with the drop-ins beside it; `service` chooses the container or service where the file has several: NAME, or
/// OBJECT/NAME where two objects have containers of that name. Errors: no limit in the file (a pod's only container
/// needs none), several services and none chosen, a size that is none, a template that was not rendered.
Result<LimitsFrom> limits_of(const std::string& text, const std::string& path, const std::string& service);
Result<LimitsFrom> read_limits(const std::string& path, const std::string& service);
/// The same for "FILE" and "FILE:SERVICE" as --limits-from takes them.
Result<LimitsFrom> read_limits(const std::string& file_and_service);

/// What the limits come to on a host: of a pod, what its kubelet sets there.
struct LimitsOnHost {
  std::vector<std::string> cgroup;
  std::optional<std::vector<std::string>> tmpfs;  // a container's own mounts, as --tmpfs takes them; those of the host
                                                  // are not its; absent: they are
  std::optional<int> oom_score_adj;
  Bytes memory_request;
  int priority = 0;
  std::vector<std::string> assumed;  // "what: value (why)"
};
LimitsOnHost on_host(const LimitsFrom& limits, const host::HostSpec& host);

}  // namespace oomcast::report
