// Parses percentages. See percentage.h.
#include "model/spec/percentage.h"

#include <string>

#include "model/spec/parse_text.h"

namespace oomcast::host {

std::optional<int64_t> parse_permyriad(std::string_view word) {
  if (!word.ends_with('%')) return std::nullopt;
  word.remove_suffix(1);
  const size_t dot = word.find('.');
  std::string decimals(dot == std::string_view::npos ? "" : word.substr(dot + 1));
  if (decimals.size() > 2 || (dot != std::string_view::npos && decimals.empty())) return std::nullopt;
  decimals.resize(2, '0');
  const auto whole = parse_integer(word.substr(0, dot), 0, 100), part = parse_integer(decimals, 0, 99);
  if (!whole || !part || *whole * 100 + *part > 10'000) return std::nullopt;
  return *whole * 100 + *part;
}

}  // namespace oomcast::host
