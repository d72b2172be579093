// Prints the command's own errors and results, and says whether a stream takes colour.
#pragma once

#include <string>

namespace oomcast::report {

/// Prints one line on stderr that begins with "oomcast: ". Returns `status`, so that a caller can write `return
/// fail(...)`.
int fail(int status, const std::string& message);
/// Prints all of `text` on stdout. Returns 0, or kExitUsage after an error line when stdout does not take all of it.
int print(const std::string& text);
/// True if `fd` is a terminal and the environment does not hold NO_COLOR.
bool takes_color(int fd);

}  // namespace oomcast::report
