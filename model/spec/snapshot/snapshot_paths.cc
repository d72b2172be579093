// The paths of a snapshot's files. See snapshot_paths.h.
#include "model/spec/snapshot/snapshot_paths.h"

#include <algorithm>
#include <set>

#include "model/spec/field_names.h"
#include "model/spec/parse_text.h"
#include "model/spec/snapshot/snapshot_reader.h"

namespace oomcast::host {
namespace {

bool is_pid(std::string_view name) { return parse_integer(name, 1, 4'194'304).has_value(); }

bool is_node(std::string_view name) {
  return name.starts_with("node") && parse_integer(name.substr(4), 0, 1023).has_value();
}

bool is_any(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

// Whether `rest` ("a/b/memory.max") is a file of this folder: it ends with one of the files, and `holds` accepts each
// name before.
bool lies_in(const SnapshotFolder& place, std::string_view rest) {
  for (const std::string_view file : place.files) {
    if (rest.size() <= file.size() + 1 || !rest.ends_with(file) || rest[rest.size() - file.size() - 1] != '/') continue;
    std::string_view names = rest.substr(0, rest.size() - file.size() - 1);
    for (int depth = 1; depth <= place.depth_max; ++depth) {
      const size_t slash = names.find('/');
      if (!place.holds(names.substr(0, slash))) break;
      if (slash == std::string_view::npos) return true;
      names.remove_prefix(slash + 1);
    }
  }
  return false;
}

}  // namespace

std::vector<std::string> single_snapshot_paths() {
  std::vector<std::string> paths = {"proc/zoneinfo",
                                    "proc/meminfo",
                                    "proc/buddyinfo",
                                    "proc/pagetypeinfo",
                                    "proc/swaps",
                                    "proc/mounts",
                                    "proc/slabinfo",
                                    "proc/vmstat",
                                    "proc/version",
                                    "proc/cpuinfo",
                                    "proc/sys/vm/lowmem_reserve_ratio",
                                    "proc/sys/fs/dentry-state",
                                    "proc/sys/fs/inode-nr",
                                    "sys/fs/cgroup/memory/memory.limit_in_bytes",  // there with cgroup v1 only
                                    "sys/kernel/mm/lru_gen/enabled",
                                    "sys/kernel/mm/transparent_hugepage/enabled",
                                    "sys/kernel/mm/transparent_hugepage/defrag",
                                    "sys/kernel/mm/transparent_hugepage/hpage_pmd_size",
                                    "calibration.json"};
  for (const VmField& field : vm_fields()) paths.push_back(field.path);
  for (const char* name : {"enabled", "max_pool_percent", "accept_threshold_percent", "shrinker_enabled",
                           "same_filled_pages_enabled", "zpool", "compressor"})
    paths.push_back(std::string("sys/module/zswap/parameters/") + name);
  for (const char* name : {"pool_total_size", "stored_pages", "same_filled_pages"})
    paths.push_back(std::string("sys/kernel/debug/zswap/") + name);
  for (const auto* outputs : {&sysctl_outputs(), &uname_outputs(), &kernel_logs(), &ps_outputs()})
    paths.insert(paths.end(), outputs->begin(), outputs->end());
  return paths;
}

const std::vector<SnapshotFolder>& snapshot_folders() {
  static const std::vector<SnapshotFolder> folders = {
      {"proc", is_pid, {"status", "oom_score_adj"}, 1},
      {"sys/devices/system/node", is_node, {"distance", "cpulist", "meminfo"}, 1},
      {"sys/block", is_any, {"queue/rotational", "mm_stat"}, 1},
      {"sys/fs/cgroup",
       is_any,
       {"memory.max", "memory.high", "memory.low", "memory.min", "memory.swap.max", "memory.swap.high",
        "memory.zswap.max", "memory.zswap.writeback", "memory.oom.group", "memory.current", "memory.stat",
        "cgroup.procs", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.usage_in_bytes",
        "memory.soft_limit_in_bytes", "memory.swappiness", "memory.oom_control"},
       17},
  };
  return folders;
}

bool is_snapshot_path(std::string_view path) {
  static const std::set<std::string, std::less<>> single = [] {
    const std::vector<std::string> paths = single_snapshot_paths();
    return std::set<std::string, std::less<>>(paths.begin(), paths.end());
  }();
  if (single.contains(path)) return true;
  return std::any_of(snapshot_folders().begin(), snapshot_folders().end(), [&](const SnapshotFolder& place) {
    return path.starts_with(place.folder) && path.size() > place.folder.size() && path[place.folder.size()] == '/' &&
           lies_in(place, path.substr(place.folder.size() + 1));
  });
}

}  // namespace oomcast::host
