// Reads a file whole, up to a size that the caller states, and writes a text whole to an open one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/base/result.h"

namespace oomcast::report {

/// The content of a file, a pipe or a device. An error is the reason alone, for the caller to say of which file and
/// what to try: "No such file or directory", "larger than 1 MiB".
Result<std::string> read_whole_file(const std::string& path, int64_t most_bytes = INT64_MAX);

/// Everything, in as many steps as the kernel likes. False: a part is missing, and errno says why.
bool write_all(int fd, std::string_view text);

}  // namespace oomcast::report
