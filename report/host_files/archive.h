// Reads members of a tar archive, compressed or not, without extracting any: what is wanted comes as text, the rest is
// passed over.
//
// Nothing is written and no path of a member is ever opened: names and links in it are only compared.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "model/base/result.h"

namespace oomcast::report {

/// How much an archive may make us read and keep: a few KiB of it may stand for any amount.
struct ArchiveLimits {
  int64_t member_bytes = int64_t{64} << 20;  // as for a file of a snapshot directory
  int64_t kept_bytes = int64_t{512} << 20;   // names included
  int64_t text_bytes = int64_t{1} << 30;     // of a compressed file that is no archive
  int64_t all_bytes = int64_t{16} << 30;     // unpacked, members that nobody wants included
};

struct ArchiveContent {
  std::map<std::string, std::string> files;  // wanted members by path, without "./" before it; of two the last one
  std::map<std::string, std::string> links;  // path -> path in the archive; "" leads out of it
  std::optional<std::string> text;           // a compressed file that holds no archive: what it holds
};

/// Whether the bytes begin as tar, gzip, xz, bzip2 or zstd do.
bool is_archive(std::string_view bytes);

/// Members that `wanted` asks for, and all links. Errors are one line and name the archive: damaged or cut, too large,
/// or with a member whose name is absolute or has "..".
Result<ArchiveContent> read_archive(std::string_view bytes, const std::string& path,
                                    const std::function<bool(std::string_view)>& wanted,
                                    const ArchiveLimits& limits = {});

}  // namespace oomcast::report
