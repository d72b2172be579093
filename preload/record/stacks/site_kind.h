// The kinds of memory that a site may have, under the names that the report gives them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace oomcast::record {

enum class SiteKind : uint8_t {
  kUnsampled,  // private memory that no sampled call asked for
  kHeap,       // the allocator's: the break, arenas, large blocks
  kMmap,       // mapped by the program itself
  kStack,      // of the first thread, and of threads made with pthread_create()
  kShared,     // MAP_SHARED memory, tmpfs, SysV segments
  kFile,       // private pages of a mapped file: data of programs and libraries
  kText,       // the same of a mapping that is executable
};
inline constexpr size_t kSiteKinds = 7;

inline const char* site_kind_name(SiteKind kind) {
  switch (kind) {
    case SiteKind::kUnsampled:
      return "unsampled";
    case SiteKind::kHeap:
      return "heap";
    case SiteKind::kMmap:
      return "mmap";
    case SiteKind::kStack:
      return "stack";
    case SiteKind::kShared:
      return "shared";
    case SiteKind::kFile:
      return "file";
    case SiteKind::kText:
      return "text";
  }
  return "unsampled";
}

}  // namespace oomcast::record
