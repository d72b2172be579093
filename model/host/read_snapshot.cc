// Reads the host from the kernel's own files. Opens a snapshot directory and puts its readers in order.
#include "model/host/read_snapshot.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "model/host/defaults.h"
#include "model/host/field_names.h"
#include "model/host/neighbours.h"
#include "model/host/parse_text.h"
#include "model/host/read_host.h"
#include "model/host/snapshot_reader.h"
#include "model/host/validate.h"

namespace oomcast::host {
namespace {

namespace fs = std::filesystem;
constexpr size_t kFileBytesMax = size_t{64} << 20;  // 8192 CPUs in zoneinfo need less

// Files of /proc have no size, so they are read to their end.
Result<void> take_file(SnapshotFiles& snapshot, const std::string& path) {
  const std::string full = snapshot.root + "/" + path;
  std::error_code ignored;
  if (!fs::exists(full, ignored)) return {};
  std::ifstream in(full, std::ios::binary);
  if (!in) return Error{full + ": cannot be opened; check its permissions"};
  std::string text;
  char buffer[65536];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    text.append(buffer, static_cast<size_t>(in.gcount()));
    if (text.size() > kFileBytesMax) return Error{full + ": larger than 64 MiB; is it a file of the kernel's?"};
  }
  if (in.bad()) return Error{full + ": cannot be read; is it a file?"};
  snapshot.files.emplace(path, std::move(text));
  return {};
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator it(directory, failed), end; !failed && it != end; it.increment(failed)) {
    names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The memory controller's files of every cgroup, to a depth and number that no host reaches.
void add_cgroup_paths(const std::string& root, const std::string& directory, int depth, std::vector<std::string>& paths) {
  constexpr const char* kFiles[] = {"memory.max", "memory.high", "memory.low", "memory.min", "memory.swap.max", "memory.swap.high",
                                    "memory.oom.group", "memory.current", "memory.stat", "cgroup.procs", "memory.limit_in_bytes",
                                    "memory.memsw.limit_in_bytes", "memory.usage_in_bytes"};
  constexpr size_t kPathsMax = 65536;
  std::error_code failed;
  for (const std::string& name : names_in(root + "/" + directory)) {
    const std::string path = directory + "/" + name;
    if (depth > 16 || paths.size() > kPathsMax || !fs::is_directory(root + "/" + path, failed)) continue;
    for (const char* file : kFiles) paths.push_back(path + "/" + file);
    add_cgroup_paths(root, path, depth + 1, paths);
  }
}

std::vector<std::string> paths_of(const std::string& root) {
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
                                    "sys/kernel/mm/lru_gen/enabled",
                                    "sys/kernel/mm/transparent_hugepage/enabled",
                                    "sys/kernel/mm/transparent_hugepage/defrag",
                                    "sys/kernel/mm/transparent_hugepage/hpage_pmd_size",
                                    "calibration.json"};
  for (const VmField& field : vm_fields()) paths.push_back(field.path);
  for (const std::string& path : sysctl_outputs()) paths.push_back(path);
  for (const std::string& path : uname_outputs()) paths.push_back(path);
  for (const std::string& path : kernel_logs()) paths.push_back(path);
  for (const std::string& name : names_in(root + "/proc")) {
    if (!parse_integer(name, 1, 4'194'304)) continue;
    paths.push_back("proc/" + name + "/status");
    paths.push_back("proc/" + name + "/oom_score_adj");
  }
  const std::string nodes = "sys/devices/system/node";
  for (const std::string& name : names_in(root + "/" + nodes)) {
    if (!name.starts_with("node") || !parse_integer(std::string_view(name).substr(4), 0, 1023)) continue;
    paths.push_back(nodes + "/" + name + "/distance");
    paths.push_back(nodes + "/" + name + "/cpulist");
    paths.push_back(nodes + "/" + name + "/meminfo");
  }
  for (const std::string& name : names_in(root + "/sys/block"))
    for (const char* file : {"/queue/rotational", "/mm_stat"}) paths.push_back("sys/block/" + name + file);
  add_cgroup_paths(root, "sys/fs/cgroup", 0, paths);
  return paths;
}

}  // namespace

Result<HostSpec> parse_snapshot(SnapshotFiles files) {
  PrintedIn printed_in = add_command_outputs(files);
  SnapshotReader reader(files);
  reader.printed_in = std::move(printed_in);
  reader.spec.name = files.name;
  for (auto* read : {&read_kernel_version, &read_zoneinfo, &check_page_size, &settle_node_counters, &read_buddyinfo, &read_pagetypeinfo, &read_machine, &read_topology, &read_swaps, &read_processes,
                     &read_settings, &read_file_systems, &read_vfs_cache, &read_cgroups, &read_calibration}) {
    (*read)(reader);
    if (reader.error) return *reader.error;
  }
  note_kernel_rules(reader.spec);
  reader.spec.shared_anon = anon_beyond_lists(reader.spec);
  if (const auto bad = find_contradiction(reader.spec)) {
    // The field's own line, or that of the nearest enclosing thing with a line.
    for (std::string field = bad->field; !field.empty();
         field.resize(std::min(field.size() - 1, field.find_last_of(".[")))) {
      const auto place = reader.places.find(field);
      if (place != reader.places.end()) return Error{place->second + ": " + bad->message};
    }
    return Error{reader.place("proc/zoneinfo", 1) + ": " + bad->field + ": " + bad->message};
  }
  return std::move(reader.spec);
}

Result<HostSpec> read_snapshot(const std::string& directory) {
  std::error_code failed;
  if (!fs::is_directory(directory, failed)) {
    return Error{directory +
                 ": is not a directory; give one that holds proc/zoneinfo, 'oomcast host capture DIR' makes one"};
  }
  SnapshotFiles snapshot;
  snapshot.root = directory;
  while (snapshot.root.size() > 1 && snapshot.root.ends_with('/')) snapshot.root.pop_back();
  snapshot.name = fs::path(snapshot.root).filename().string();
  for (const std::string& path : paths_of(snapshot.root)) {
    if (auto taken = take_file(snapshot, path); !taken) return taken.error();
  }
  return parse_snapshot(std::move(snapshot));
}

}  // namespace oomcast::host
