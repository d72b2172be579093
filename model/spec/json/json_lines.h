// Finds the line of a JSON file on which a key stands. nlohmann_json does not keep positions, and an error wants one.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace oomcast::host {

struct JsonLines {
  std::map<std::string, int> of_path;  // "nodes[0].free" -> 3
  std::string duplicate;               // first key that its object holds twice, as a path; empty: none
  int duplicate_line = 0;

  /// The line of the path or of its nearest enclosing value; 1 at worst.
  int line_of(std::string path) const;
};

/// REQUIRES: the text has been accepted by the JSON parser; anything else gives some answer, never a crash.
JsonLines json_lines(std::string_view text);
/// Line of a byte offset, for the parser's own errors.
int line_of_byte(std::string_view text, size_t byte);

}  // namespace oomcast::host
