// Lists the processes of a cgroup.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace oomcast::record {

/// Pids in the cgroup at `directory` and in all cgroups below it, ascending, each once. The root cgroup's contain
/// kernel threads. Empty: there is no such cgroup, or it has no processes.
std::vector<uint32_t> cgroup_members(const std::string& directory);

}  // namespace oomcast::record
