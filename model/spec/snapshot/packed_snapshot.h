// A snapshot as one text: the kernel's files below lines of their paths, as `head` and `tail` print several files.
//
//     ==> proc/meminfo <==
//     MemTotal:        8056324 kB
//     ...
//
//     ==> proc/zoneinfo <==
//     ...
//
// `tail -n +1 /proc/zoneinfo /proc/meminfo ...` on any machine makes one. A text that oomcast wrote begins with the
// section oomcast.snapshot.v1 and ends with the section `end`, so that a part of it is not taken for the whole.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "model/base/result.h"
#include "model/spec/snapshot/read_snapshot.h"

namespace oomcast::host {

inline constexpr size_t kPackedBytesMax = size_t{512} << 20;  // a host with 200,000 processes needs less

/// Whether a text says that it is one: it begins with "==> ".
bool is_packed_snapshot(std::string_view text);

/// The sections of the known tree; a leading "/" or "./" of a path is dropped, other sections are passed over.
/// Errors read "FILE:LINE: what, what to try".
Result<SnapshotFiles> unpack_snapshot(std::string_view text, const std::string& file);

/// The text that unpack_snapshot() reads. An error names a file whose text cannot be told from a section's line.
Result<std::string> pack_snapshot(const std::map<std::string, std::string>& files);

}  // namespace oomcast::host
