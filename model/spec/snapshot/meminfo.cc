// Reads one amount from a meminfo file. See meminfo.h.
#include "model/spec/snapshot/meminfo.h"

#include "model/spec/parse_text.h"

namespace oomcast::host {

std::optional<int64_t> meminfo_kilobytes(const std::string* text, std::string_view label) {
  constexpr int64_t kKilobytesMax = int64_t{1} << 36;
  constexpr size_t kLabelAt = 3;  // after "Node" and its number, if the file is a node's
  if (!text) return std::nullopt;
  for (const Line& line : lines(*text)) {
    const std::vector<std::string_view> word = words(line.text);
    for (size_t i = 0; i + 1 < word.size() && i < kLabelAt; ++i)
      if (word[i] == label) return parse_integer(word[i + 1], 0, kKilobytesMax);
  }
  return std::nullopt;
}

}  // namespace oomcast::host
