// The processes of a cgroup.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace oomcast::record {

/// Of the cgroup at `directory` and of all below it, each once, in order; kernel threads among them if it is the root
/// cgroup. Empty: there is no such cgroup, or nobody is in it.
std::vector<uint32_t> cgroup_members(const std::string& directory);

}  // namespace oomcast::record
