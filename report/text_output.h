// Puts a result where the user wants it: on stdout, or whole into a file.
#pragma once

#include <string>

namespace oomcast::report {

/// Whole or not at all: a file by a temporary name, stdout with a check that it took everything. Gives `status`, or 2
/// with an error on stderr. `path` empty: stdout. `option` is where the user has named the path.
int write_text(const std::string& text, const std::string& path, int status, const char* option = "--output");

}  // namespace oomcast::report
