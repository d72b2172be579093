// Holds what the recorder knows of a file that is memory: of tmpfs, a memfd, a System V segment, shared anonymous
// memory or ramfs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace oomcast::record {

/// Who decides when it ends: a name in a file system, the segment's own entry in the kernel, or only those who
/// map it or have it open.
enum class NamedBy : uint8_t { kNobody, kPath, kSegment };

struct MemoryFile {
  uint64_t device = 0, inode = 0;
  std::string path;  // kPath: as the process sees it that was met with it first
  NamedBy named_by = NamedBy::kNobody;
  bool for_good = false;  // ramfs
  uint64_t mount = 0;     // number of the mount of tmpfs that it lies on; 0: none
};

/// By the name that /proc shows for a mapping or a descriptor.
inline NamedBy named_by(std::string_view shown) {
  if (shown.starts_with("/SYSV")) return NamedBy::kSegment;
  if (!shown.starts_with('/') || shown.starts_with("/memfd:") || shown.ends_with(" (deleted)")) return NamedBy::kNobody;
  return NamedBy::kPath;
}

/// So many are checked whenever something may have ended one of them; more every now and then.
inline constexpr size_t kFewFiles = 64;

/// Whether the text of /proc/sysvipc/shm lists the segment; its inode is its identifier.
bool lists_segment(std::string_view table, uint64_t id);

}  // namespace oomcast::record
