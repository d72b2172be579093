// Reads cgroup.procs of a cgroup and of the cgroups below it; see cgroup_members.h.
#include "preload/record/kernel/cgroup_members.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "preload/record/kernel/proc_maps.h"

namespace oomcast::record {

std::vector<uint32_t> cgroup_members(const std::string& directory) {
  namespace fs = std::filesystem;
  std::vector<uint32_t> members;
  const auto add = [&members](const fs::path& group) {
    const std::vector<uint32_t> own = pids_in(read_whole_path((group / "cgroup.procs").string()));
    members.insert(members.end(), own.begin(), own.end());
  };
  add(directory);
  std::error_code failed;  // a group that is removed meanwhile has no member
  for (fs::recursive_directory_iterator at(directory, failed), end; !failed && at != end; at.increment(failed)) {
    std::error_code unknown;
    if (at->is_directory(unknown)) add(at->path());
  }
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  return members;
}

}  // namespace oomcast::record
