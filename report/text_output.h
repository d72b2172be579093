// Writes a result to the place that the user chose: to stdout, or whole to a file.
#pragma once

#include <string>

namespace oomcast::report {

/// Writes `text` to stdout (`path` empty) or to a file, whole or not at all (the file by rename). Returns `status`, or
/// 2 after an error line on stderr. `option` is the option that named the path, for the error.
int write_text(const std::string& text, const std::string& path, int status, const char* option = "--output");

}  // namespace oomcast::report
