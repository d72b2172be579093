// The kinds of memory of a site, and their names in the report.
#pragma once

#include <cstddef>
#include <cstdint>

namespace oomcast::record {

enum class SiteKind : uint8_t {
  kUnsampled,  // private memory that no sampled call asked for
  kHeap,       // from the allocator: the break, arenas, large blocks
  kMmap,       // mapped by the program itself
  kStack,      // stacks of the first thread and of threads made with pthread_create()
  kShared,     // MAP_SHARED memory, tmpfs, SysV segments
  kFile,       // private pages of a mapped file: data of programs and libraries
  kText,       // private pages of an executable file mapping
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
