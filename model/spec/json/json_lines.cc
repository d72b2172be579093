// Finds the line of a JSON file on which a key stands: one pass that follows nesting, strings and newlines only.
#include "model/spec/json/json_lines.h"

#include <algorithm>
#include <vector>

namespace oomcast::host {

int JsonLines::line_of(std::string path) const {
  while (!path.empty()) {
    if (const auto found = of_path.find(path); found != of_path.end()) return found->second;
    const size_t cut = path.find_last_of(".[");
    path.resize(cut == std::string::npos ? 0 : cut);
  }
  return 1;
}

JsonLines json_lines(std::string_view text) {
  struct Level {
    bool array;
    size_t path_size;  // length of the path of this object or array
    int index = 0;
    bool key_next = true;
  };
  constexpr size_t kPathMax = 512;  // no field has a longer path, and fuzzers nest without end
  JsonLines result;
  std::vector<Level> levels;
  std::string path;
  int line = 1;

  const auto value_begins = [&] {
    if (levels.empty() || !levels.back().array) return;
    path.resize(levels.back().path_size);
    path += "[" + std::to_string(levels.back().index) + "]";
    if (path.size() < kPathMax) result.of_path.emplace(path, line);
  };
  const auto key = [&](std::string_view name) {
    path.resize(levels.back().path_size);
    if (!path.empty()) path += ".";
    path += name;
    if (path.size() >= kPathMax) return;
    if (!result.of_path.emplace(path, line).second && result.duplicate.empty()) {
      result.duplicate = path;
      result.duplicate_line = line;
    }
  };

  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      ++line;
    } else if (c == '"') {
      const size_t begin = i + 1;
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\') ++i;
      }
      const size_t end = std::min(i, text.size());
      if (!levels.empty() && !levels.back().array && levels.back().key_next) {
        key(text.substr(begin, end - begin));
        levels.back().key_next = false;
      } else {
        value_begins();
      }
    } else if (c == '{' || c == '[') {
      value_begins();
      if (path.size() >= kPathMax) path.resize(kPathMax);
      levels.push_back({c == '[', path.size()});
    } else if (c == '}' || c == ']') {
      if (levels.empty()) break;
      path.resize(std::min(path.size(), levels.back().path_size));
      levels.pop_back();
    } else if (c == ',') {
      if (levels.empty()) continue;
      ++levels.back().index;
      levels.back().key_next = true;
    } else if ((c >= '0' && c <= '9') || c == '-' || c == 't' || c == 'f' || c == 'n') {
      // A number, true, false or null. Only its first character matters: for the others emplace() does nothing.
      value_begins();
    }
  }
  return result;
}

int line_of_byte(std::string_view text, size_t byte) {
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(byte, text.size()));
  return 1 + static_cast<int>(std::count(text.begin(), end, '\n'));
}

}  // namespace oomcast::host
