// Divides a sweep into parts. See part.h.
#include "report/fleet/part.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "model/spec/parse_text.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

constexpr size_t kHostsPerPart = 10, kMostParts = 1000;
constexpr int64_t kMostNumber = std::numeric_limits<int>::max();

}  // namespace

Result<Part> parse_part(const std::string& text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const std::string_view words = text;
  const auto number = host::parse_integer(words.substr(0, slash), 1, kMostNumber);
  const auto parts = host::parse_integer(words.substr(std::min(slash + 1, text.size())), 1, kMostNumber);
  if (!number || !parts || *number > *parts)
    return Error{"--part " + text + ": expected K/N, the K-th of N parts, for example 1/10"};
  return Part{static_cast<size_t>(*number), static_cast<size_t>(*parts)};
}

SweepRange range_of(const Part& part, size_t combinations) {
  const size_t first = combinations * (part.number - 1) / part.parts, end = combinations * part.number / part.parts;
  return {first, end - first};
}

size_t default_parts(size_t combinations) {
  return std::clamp<size_t>((combinations + kHostsPerPart - 1) / kHostsPerPart, 1, kMostParts);
}

std::string numbers_text(const std::vector<size_t>& numbers) { return cpu_list_text({numbers.begin(), numbers.end()}); }

}  // namespace oomcast::report
