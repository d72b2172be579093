// Finds numbers in a line. See line_fields.h.
#include "report/oomlog/line_fields.h"

#include <algorithm>
#include <charconv>

namespace oomcast::oomlog {

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::optional<int64_t> leading_number(std::string_view text) {
  int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || value > kCountMost || value < -kCountMost) return std::nullopt;
  return value;
}

std::optional<int> as_int(std::optional<int64_t> number, int64_t most) {
  if (!number || *number < -(1 << 30) || *number > most) return std::nullopt;
  return static_cast<int>(*number);
}

std::optional<int64_t> whole_number(std::string_view word) {
  int64_t value = 0;
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (failed != std::errc() || end != word.data() + word.size() || value > kCountMost || value < -kCountMost)
    return std::nullopt;
  return value;
}

std::optional<int64_t> number_after(std::string_view line, std::string_view name) {
  const size_t at = line.find(name);
  return at == std::string_view::npos ? std::nullopt : leading_number(trimmed(line.substr(at + name.size())));
}

std::string_view between(std::string_view line, std::string_view from, std::string_view to) {
  const size_t at = line.find(from);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + from.size());
  return line.substr(0, line.find(to));
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (line = trimmed(line); !line.empty(); line = trimmed(line)) {
    const size_t end = std::min(line.find_first_of(" \t"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

void read_counters(std::string_view line, Counters& into) {
  const std::vector<std::string_view> words = words_of(line);
  for (size_t i = 0; i < words.size(); ++i) {
    const size_t colon = words[i].find(':');
    if (colon == std::string_view::npos || colon == 0) continue;
    std::string_view value = words[i].substr(colon + 1);
    if (value.empty() && i + 1 < words.size()) value = words[i + 1];
    if (const auto number = leading_number(value); number && *number >= 0) into.set(words[i].substr(0, colon), *number);
  }
}

}  // namespace oomcast::oomlog
