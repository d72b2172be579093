// Names the files that a snapshot consists of: the known tree, for a directory and for a packed text alike.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace oomcast::host {

/// The files that a host has once, by their path without the leading slash.
std::vector<std::string> single_snapshot_paths();

/// Files that each process, node, device or cgroup has: FOLDER/NAME/FILE.
struct SnapshotFolder {
  std::string_view folder;
  bool (*holds)(std::string_view name);
  std::vector<std::string_view> files;
  int depth_max;  // how many names may stand between the folder and the file: cgroups lie within each other
};
const std::vector<SnapshotFolder>& snapshot_folders();

/// Whether the reader of a snapshot looks at a file of this name. Never for "..", an absolute or an unknown path.
bool is_snapshot_path(std::string_view path);

}  // namespace oomcast::host
