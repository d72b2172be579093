// Measures and shortens UTF-8 text for a terminal. Every character counts as one cell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace oomcast::report {

/// Replaces control characters, ESC among them, by blanks: the name of a program must not move the cursor.
std::string printable(std::string_view text);
/// The width of the text in cells. Escape sequences for colour have no width.
size_t width_of(std::string_view text);
/// Cuts to at most `cells` characters; the last one is "…" if some were cut. REQUIRES: no escape sequences.
std::string cut_to_width(const std::string& text, size_t cells);
/// Breaks the text at blanks into lines of at most `cells`. A longer word is a line of its own.
std::vector<std::string> wrapped(const std::string& text, size_t cells);
/// Whether a write would not block. A stopped terminal (Ctrl-S) or a full pipe would block, and the program must not
/// wait for that.
bool takes_output(int fd);

}  // namespace oomcast::report
