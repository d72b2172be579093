// Reads the host from the kernel's own files. Opens a snapshot directory and puts its readers in order.
#include "model/spec/snapshot/read_snapshot.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "model/spec/defaults.h"
#include "model/spec/neighbours.h"
#include "model/spec/parse_text.h"
#include "model/spec/read_host.h"
#include "model/spec/snapshot/packed_snapshot.h"
#include "model/spec/snapshot/snapshot_paths.h"
#include "model/spec/snapshot/snapshot_reader.h"
#include "model/spec/text_file.h"
#include "model/spec/validate.h"

namespace oomcast::host {
namespace {

namespace fs = std::filesystem;
constexpr size_t kFileBytesMax = size_t{64} << 20;  // 8192 CPUs in zoneinfo need less

Result<void> take_file(SnapshotFiles& snapshot, const std::string& path) {
  const std::string full = snapshot.root + "/" + path;
  std::error_code ignored;
  if (!fs::exists(full, ignored)) return {};
  Result<std::string> text = read_text_file(full, kFileBytesMax, "a file of the kernel's");
  if (!text) return text.error();
  snapshot.files.emplace(path, std::move(text).value());
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

// The files of every name in the folder, and of the names within those where the place nests, to a number that no host
// reaches.
void add_paths(const std::string& root, const std::string& folder, const SnapshotFolder& place, int depth,
               std::vector<std::string>& paths) {
  constexpr size_t kPathsMax = size_t{1} << 20;
  std::error_code failed;
  for (const std::string& name : names_in(root + "/" + folder)) {
    if (!place.holds(name) || paths.size() > kPathsMax) continue;
    const std::string path = folder + "/" + name;
    if (!fs::is_directory(root + "/" + path, failed)) continue;
    for (const std::string_view file : place.files) paths.push_back(path + "/" + std::string(file));
    if (depth < place.depth_max) add_paths(root, path, place, depth + 1, paths);
  }
}

std::vector<std::string> paths_of(const std::string& root) {
  std::vector<std::string> paths = single_snapshot_paths();
  for (const SnapshotFolder& place : snapshot_folders()) add_paths(root, std::string(place.folder), place, 1, paths);
  return paths;
}

// A file that could not be read was often saved all the same, without content. An empty zoneinfo is refused by its own
// name; cpulist is empty for a node without CPUs; of processes and cgroups empty files say something, too.
bool means_something_empty(const std::string& path) {
  const bool of_process = path.starts_with("proc/") && path.size() > 5 && path[5] >= '0' && path[5] <= '9';
  return of_process || path == "proc/zoneinfo" || path.ends_with("/cpulist") || path.starts_with("sys/fs/cgroup/");
}

void drop_empty(SnapshotFiles& snapshot) {
  std::erase_if(snapshot.files,
                [](const auto& file) { return trim(file.second).empty() && !means_something_empty(file.first); });
}

// In a container, lxcfs mounts files over the kernel's that show the container's limits. Returns what was dropped.
std::string drop_views_of_container(SnapshotFiles& snapshot) {
  std::string dropped;
  const auto mounts = snapshot.files.find("proc/mounts");
  if (mounts == snapshot.files.end()) return dropped;
  std::vector<std::string> paths;
  for (const Line& line : lines(mounts->second)) {
    const std::vector<std::string_view> word = words(line.text);
    if (word.size() >= 3 && word[2] == "fuse.lxcfs" && word[1].size() > 1) paths.emplace_back(word[1].substr(1));
  }
  for (const std::string& path : paths)
    if (snapshot.files.erase(path) > 0) dropped += (dropped.empty() ? "" : ", ") + path;
  return dropped;
}

}  // namespace

Result<HostSpec> parse_snapshot(SnapshotFiles files) {
  drop_empty(files);
  const std::string dropped = drop_views_of_container(files);
  PrintedIn printed_in = add_command_outputs(files);
  SnapshotReader reader(files);
  if (!dropped.empty())
    reader.assume(dropped, "left out", "lxcfs shows the limits of a container there, not the host; see proc/mounts");
  reader.printed_in = std::move(printed_in);
  reader.spec.name = files.name;
  for (auto* read :
       {&read_kernel_version, &read_zoneinfo, &check_page_size, &settle_node_counters, &read_buddyinfo,
        &read_pagetypeinfo, &read_machine, &read_topology, &read_swaps, &read_processes, &read_ps, &read_settings,
        &read_file_systems, &read_tmpfs, &read_vfs_cache, &read_cgroups, &read_calibration, &read_zswap}) {
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
