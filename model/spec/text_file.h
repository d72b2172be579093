// Reads a whole text file, up to a limit that no valid file reaches.
#pragma once

#include <cstddef>
#include <string>

#include "model/base/result.h"

namespace oomcast::host {

/// The whole text. Reads to the end of the file, because files of /proc and pipes have no size. Error: the file cannot
/// be read, or has more than `bytes_max` bytes: "larger than 64 MiB; is it WHAT?", where `what` names a valid file.
Result<std::string> read_text_file(const std::string& path, size_t bytes_max, const char* what);

}  // namespace oomcast::host
