// Prints the command's own words: errors and results, and whether a stream takes colour.
#pragma once

#include <string>

namespace oomcast::report {

/// One line on stderr, led by "oomcast: ". Gives `status` back, for `return fail(...)`.
int fail(int status, const std::string& message);
/// All of `text` on stdout: 0, or kExitUsage with an error line when stdout does not take it.
int print(const std::string& text);
/// A terminal, and the environment does not say NO_COLOR.
bool takes_color(int fd);

}  // namespace oomcast::report
