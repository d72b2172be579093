// Holds what lies on one file system in memory of the target: a mount of tmpfs.
#pragma once

#include <cstdint>
#include <string>

namespace oomcast::host {

/// Place in Host::mounts; kNoMount: a memfd, a System V segment, shared anonymous memory, ramfs.
using MountIndex = uint32_t;
inline constexpr MountIndex kNoMount = 0xffffffff;

struct TmpfsMount {
  std::string path;         // on the target; where its mounts are not known, on the recording machine
  uint8_t owner = 0;        // the service (Host::services) whose alone it is; 0: everybody's
  int64_t limit_pages = 0;  // 0: no limit (sbinfo->max_blocks)
  int64_t used_pages = 0;   // in memory or in swap (sbinfo->used_blocks)
  int64_t peak_pages = 0;
  bool refused = false;  // a page was one too many: told once
};

}  // namespace oomcast::host
