// Reads a file whole, up to a size that the caller gives, and writes a text whole to an open file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/base/result.h"

namespace oomcast::report {

/// Returns the content of a file, a pipe or a device. An error holds only the reason ("No such file or directory",
/// "larger than 1 MiB"): the caller adds the file and what to try.
Result<std::string> read_whole_file(const std::string& path, int64_t most_bytes = INT64_MAX);

/// Writes all of `text`, in as many write() calls as it takes. Returns false if a part is missing; errno says why.
bool write_all(int fd, std::string_view text);

}  // namespace oomcast::report
