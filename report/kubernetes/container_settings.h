// What a kubelet makes of a container: limits of its cgroup, oom_score_adj, and mounts of tmpfs.
#pragma once

#include <string>
#include <vector>

#include "model/spec/host_spec.h"
#include "report/kubernetes/pod.h"

namespace oomcast::report {

/// What container runtimes mount, as --tmpfs takes it.
inline constexpr const char* kShmOfContainers = "/dev/shm=64M";

struct ContainerSettings {
  int oom_score_adj = 0;
  std::vector<std::string> limits;   // as --cgroup takes them
  std::vector<std::string> tmpfs;    // as --tmpfs takes them
  std::vector<std::string> assumed;  // "what: value (why)"
};
/// All swap of the host, to the byte; HostSpec::total_swap() gives whole pages.
Bytes swap_of(const host::HostSpec& host);

ContainerSettings settings_of(const PodContainer& container, const host::HostSpec& host);

}  // namespace oomcast::report
