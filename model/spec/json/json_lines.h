// Finds the line of a JSON file on which a key stands, for errors: nlohmann_json does not keep positions.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace oomcast::host {

struct JsonLines {
  std::map<std::string, int> of_path;  // "nodes[0].free" -> 3
  std::string duplicate;               // path of the first key that an object holds twice; empty: none
  int duplicate_line = 0;

  /// The line of the path, or else of the nearest value around it; 1 if there is none.
  int line_of(std::string path) const;
};

/// REQUIRES: the JSON parser has accepted the text. Any other text gives some answer, never a crash.
JsonLines json_lines(std::string_view text);
/// The line of a byte offset, for the JSON parser's own errors.
int line_of_byte(std::string_view text, size_t byte);

}  // namespace oomcast::host
