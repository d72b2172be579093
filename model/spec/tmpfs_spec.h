// Describes what the file systems in memory of a host hold: its mounts of tmpfs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/base/units.h"

namespace oomcast::host {

struct TmpfsSpec {
  std::string mount;          // where it is mounted, as the program sees it: "/dev/shm"
  std::optional<Bytes> size;  // absent: half of the RAM, as the kernel has it; 0: no limit
  friend bool operator==(const TmpfsSpec&, const TmpfsSpec&) = default;
};

/// Pages that it holds; absent: no limit.
std::optional<Pages> tmpfs_limit(const TmpfsSpec& tmpfs, Pages total_ram);
/// The one that a directory lies on; null: none of these.
const TmpfsSpec* tmpfs_of(const std::vector<TmpfsSpec>& all, std::string_view directory);
/// Adds it; what was mounted there before is hidden.
void mount_tmpfs(std::vector<TmpfsSpec>& all, TmpfsSpec tmpfs);

/// "/dev/shm/" as "/dev/shm". REQUIRES: an absolute path.
std::string without_slashes(std::string_view path);

}  // namespace oomcast::host
