// Reads a text file whole, up to a size that no right file reaches.
#pragma once

#include <cstddef>
#include <string>

#include "model/base/result.h"

namespace oomcast::host {

/// The whole text; files of /proc and pipes state no size and are read to their end. `what` names a right file in the
/// error of one that has more than `bytes_max`: "larger than 64 MiB; is it WHAT?".
Result<std::string> read_text_file(const std::string& path, size_t bytes_max, const char* what);

}  // namespace oomcast::host
