// Parses numbers, sizes and lists. The whole word must fit: overflow, a misplaced sign or trailing text gives nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace oomcast::host {

/// The decimal number, if it lies in min..max; else nothing.
std::optional<int64_t> parse_integer(std::string_view word, int64_t min, int64_t max);
/// "8G", "512M", "1.5G", "4096" (bytes), "64kB", all binary multiples, in bytes. Nothing if negative or above 64 TiB.
std::optional<int64_t> parse_size_bytes(std::string_view word);
/// "0-2,4" as the kernel prints CPU lists. Empty text is an empty list. Nothing if not ascending or beyond CPU 8191.
std::optional<std::vector<int>> parse_cpu_list(std::string_view text);

std::string_view trim(std::string_view text);
std::vector<std::string_view> words(std::string_view text);

struct Line {
  int number;  // from 1
  std::string_view text;
};
std::vector<Line> lines(std::string_view text);

/// "; did you mean 'swappiness'?" or, when nothing is near, "; known are: a, b, c".
std::string suggestion(std::string_view word, const std::vector<std::string>& known);
/// Quotes input for an error message: at most 40 characters, unprintable ones replaced by '?'.
std::string quote(std::string_view text);

}  // namespace oomcast::host
