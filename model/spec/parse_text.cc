// Parses numbers, sizes and lists. See parse_text.h.
#include "model/spec/parse_text.h"

#include <algorithm>
#include <charconv>

namespace oomcast::host {
namespace {

constexpr int64_t kSizeMax = int64_t{64} << 40;
constexpr size_t kCpusMax = 8192;

int unit_shift(std::string_view unit) {
  if (unit.empty() || unit == "B") return 0;
  const std::string_view rest = unit.substr(1);
  if (!rest.empty() && rest != "B" && rest != "iB" && rest != "i") return -1;
  switch (unit.front()) {
    case 'k':
    case 'K':
      return 10;
    case 'm':
    case 'M':
      return 20;
    case 'g':
    case 'G':
      return 30;
    case 't':
    case 'T':
      return 40;
    default:
      return -1;
  }
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<int64_t> parse_integer(std::string_view word, int64_t min, int64_t max) {
  int64_t value = 0;
  const char* end = word.data() + word.size();
  const auto [stop, problem] = std::from_chars(word.data(), end, value);
  if (problem != std::errc() || stop != end || value < min || value > max) return std::nullopt;
  return value;
}

std::optional<int64_t> parse_size_bytes(std::string_view word) {
  const size_t digits = std::min(word.find_first_not_of("0123456789."), word.size());
  const int shift = unit_shift(trim(word.substr(digits)));
  std::string_view whole = word.substr(0, digits), fraction;
  if (const size_t dot = whole.find('.'); dot != std::string_view::npos) {
    fraction = whole.substr(dot + 1);
    whole = whole.substr(0, dot);
    // At most six digits, and a unit: there are no fractions of a byte.
    if (fraction.empty() || fraction.size() > 6 || shift == 0) return std::nullopt;
  }
  if (shift < 0) return std::nullopt;
  const auto units = parse_integer(whole, 0, kSizeMax >> shift);
  if (!units) return std::nullopt;
  int64_t bytes = *units << shift;
  if (!fraction.empty()) {
    const auto part = parse_integer(fraction, 0, 999'999);
    if (!part) return std::nullopt;
    int64_t scale = 1;
    for (size_t i = 0; i < fraction.size(); ++i) scale *= 10;
    bytes += static_cast<int64_t>((static_cast<__int128>(*part) << shift) / scale);
  }
  if (bytes > kSizeMax) return std::nullopt;
  return bytes;
}

std::optional<std::vector<int>> parse_cpu_list(std::string_view text) {
  std::vector<int> cpus;
  text = trim(text);
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view range = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const size_t dash = range.find('-');
    const auto first = parse_integer(range.substr(0, dash), 0, kCpusMax - 1);
    const auto last = dash == std::string_view::npos ? first : parse_integer(range.substr(dash + 1), 0, kCpusMax - 1);
    if (!first || !last || *last < *first || (!cpus.empty() && *first <= cpus.back())) return std::nullopt;
    for (int64_t cpu = *first; cpu <= *last; ++cpu) cpus.push_back(static_cast<int>(cpu));
  }
  return cpus;
}

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  for (size_t at = text.find_first_not_of(" \t\r"); at != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(" \t\r", at), text.size());
    found.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(" \t\r", end);
  }
  return found;
}

std::vector<Line> lines(std::string_view text) {
  std::vector<Line> found;
  int number = 1;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    found.push_back({number++, text.substr(0, end)});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  const std::string_view shortened = word.substr(0, 64);  // edit_distance() is quadratic, and the input may be hostile
  const std::string* best = nullptr;
  size_t best_distance = std::max<size_t>(2, shortened.size() / 3) + 1;
  for (const std::string& name : known) {
    size_t distance = edit_distance(shortened, name);
    if (shortened.size() >= 4 && name.find(shortened) != std::string::npos) distance = std::min<size_t>(distance, 1);
    if (distance < best_distance) {
      best_distance = distance;
      best = &name;
    }
  }
  if (best) return "; did you mean '" + *best + "'?";
  std::string list = "; known are: ";
  for (size_t i = 0; i < known.size(); ++i) list += (i ? ", " : "") + known[i];
  return list;
}

std::string quote(std::string_view text) {
  std::string result = "'";
  for (char c : text.substr(0, 40)) result += (c >= ' ' && c < 127) ? c : '?';
  if (text.size() > 40) result += "...";
  return result + "'";
}

}  // namespace oomcast::host
