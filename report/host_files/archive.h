// Reads the wanted members of a tar archive, compressed or not, as text. Skips the others.
//
// Writes no file and opens no path of a member: names and links are only compared.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "model/base/result.h"

namespace oomcast::report {

/// Limits of what an archive may make this process read and keep: a few KiB may unpack to any size.
struct ArchiveLimits {
  int64_t member_bytes = int64_t{64} << 20;  // as for a file of a snapshot directory
  int64_t kept_bytes = int64_t{512} << 20;   // names included
  int64_t text_bytes = int64_t{1} << 30;     // a compressed file that is no archive
  int64_t all_bytes = int64_t{16} << 30;     // unpacked size, skipped members included
};

struct ArchiveContent {
  std::map<std::string, std::string> files;  // wanted members by path, without a leading "./"; the last one of two
  std::map<std::string, std::string> links;  // path -> path in the archive; "" leads out of it
  std::optional<std::string> text;           // content of a compressed file that is no archive
};

/// Whether the bytes begin as those of tar, gzip, xz, bzip2 or zstd.
bool is_archive(std::string_view bytes);

/// Returns the members for which `wanted` is true, and all links. Errors are one line that names the archive: damaged
/// or truncated, too large, or a member's name is absolute or has "..".
Result<ArchiveContent> read_archive(std::string_view bytes, const std::string& path,
                                    const std::function<bool(std::string_view)>& wanted,
                                    const ArchiveLimits& limits = {});

}  // namespace oomcast::report
