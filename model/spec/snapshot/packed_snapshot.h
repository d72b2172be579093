// A snapshot as one text: the kernel's files, each below a line with its path, as `head` and `tail` print several
// files.
//
//     ==> proc/meminfo <==
//     MemTotal:        8056324 kB
//     ...
//
//     ==> proc/zoneinfo <==
//     ...
//
// `tail -n +1 /proc/zoneinfo /proc/meminfo ...` makes one on any machine. A text that oomcast wrote begins with the
// section oomcast.snapshot.v1 and ends with the section `end`, so that a truncated text is not taken for a whole one.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "model/base/result.h"
#include "model/spec/snapshot/read_snapshot.h"

namespace oomcast::host {

inline constexpr size_t kPackedBytesMax = size_t{512} << 20;  // a host with 200,000 processes needs less

/// Whether the text begins with "==> ".
bool is_packed_snapshot(std::string_view text);

/// Returns the sections whose paths belong to a snapshot, and skips the others. Drops a leading "/" or "./" of a path.
/// Errors read "FILE:LINE: what, what to try".
Result<SnapshotFiles> unpack_snapshot(std::string_view text, const std::string& file);

/// The text that unpack_snapshot() reads. Error: a line of a file could be taken for the head of a section.
Result<std::string> pack_snapshot(const std::map<std::string, std::string>& files);

}  // namespace oomcast::host
