// Reads the memory limits of a service from the file that sets them: a pod, a Compose file, a systemd unit.
#pragma once

#include <string>
#include <vector>

#include "model/base/result.h"

namespace oomcast::report {

/// The limits as --cgroup takes them ("memory.max=536870912"). Understands a Kubernetes manifest (of a Pod, or anything
/// with a pod template), a Compose file, and a systemd unit; `service` chooses the container or service where the file
/// has several. Errors: no limit in the file, several services and none chosen, a size that is none.
Result<std::vector<std::string>> limits_of(const std::string& text, const std::string& path,
                                           const std::string& service);
Result<std::vector<std::string>> read_limits(const std::string& path, const std::string& service);
/// The same for "FILE" and "FILE:SERVICE" as --limits-from takes them.
Result<std::vector<std::string>> read_limits(const std::string& file_and_service);

}  // namespace oomcast::report
