// Turns text into numbers. Whole words only: overflow, a sign out of place or trailing garbage is an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace oomcast::host {

/// Every byte of the word has to be used, and the value has to lie in min..max.
std::optional<int64_t> parse_integer(std::string_view word, int64_t min, int64_t max);
/// "8G", "512M", "1.5G", "4096" (bytes), "64kB"; binary multiples. Not negative, at most 64 TiB.
std::optional<int64_t> parse_size_bytes(std::string_view word);
/// "0-2,4" as the kernel prints CPU lists; empty text is an empty list. Ascending; at most 8192 entries.
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
/// For quoting input in an error: at most 40 characters, unprintable ones replaced.
std::string quote(std::string_view text);

}  // namespace oomcast::host
