// The paths of the files that make up a snapshot, for a directory and for a packed text alike.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace oomcast::host {

/// Paths, without the leading slash, of the files that a host has once.
std::vector<std::string> single_snapshot_paths();

/// Files that every process, node, device or cgroup has: FOLDER/NAME/FILE.
struct SnapshotFolder {
  std::string_view folder;
  bool (*holds)(std::string_view name);
  std::vector<std::string_view> files;
  int depth_max;  // most names between folder and file: cgroups are nested
};
const std::vector<SnapshotFolder>& snapshot_folders();

/// Whether the snapshot reader reads this path. Never true for an absolute path or one with "..".
bool is_snapshot_path(std::string_view path);

}  // namespace oomcast::host
