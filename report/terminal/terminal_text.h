// Measures and shortens text for a terminal. UTF-8; every character counts as one cell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace oomcast::report {

/// Control characters, escape among them, become blanks: a program's name must not move the cursor.
std::string printable(std::string_view text);
/// Cells that the text takes; escape sequences for colour take none.
size_t width_of(std::string_view text);
/// At most `cells` characters, the last one "…" if some were cut. REQUIRES: no escape sequences.
std::string cut_to_width(const std::string& text, size_t cells);
/// Breaks at blanks into lines of at most `cells`; a word that is longer stands alone.
std::vector<std::string> wrapped(const std::string& text, size_t cells);
/// Whether a write would go through at once: a terminal that was stopped (Ctrl-S) and a full pipe take nothing, and
/// nobody may wait for them.
bool takes_output(int fd);

}  // namespace oomcast::report
