// Divides a sweep into parts, and names them. See part.h.
#include "report/fleet/part.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace oomcast::report {
namespace {

constexpr size_t kHostsPerPart = 10, kMostParts = 1000;

std::optional<size_t> number_of(std::string_view text) {
  size_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

}  // namespace

Result<Part> parse_part(const std::string& text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const auto number = number_of(std::string_view(text).substr(0, slash));
  const auto parts = number_of(std::string_view(text).substr(std::min(slash + 1, text.size())));
  if (!number || !parts || *number > *parts)
    return Error{"--part " + text + ": expected K/N, the K-th of N parts, for example 1/10"};
  return Part{*number, *parts};
}

SweepRange range_of(const Part& part, size_t combinations) {
  const size_t first = combinations * (part.number - 1) / part.parts, end = combinations * part.number / part.parts;
  return {first, end - first};
}

size_t default_parts(size_t combinations) {
  return std::clamp<size_t>((combinations + kHostsPerPart - 1) / kHostsPerPart, 1, kMostParts);
}

std::string numbers_text(const std::vector<size_t>& numbers) {
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(numbers[i]);
    if (last > i) text += "-" + std::to_string(numbers[last]);
    i = last + 1;
  }
  return text;
}

}  // namespace oomcast::report
