// Finds numbers in a line of the kernel's: "name:12kB", "name=12", "12 words". Never guesses a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// A larger number is damaged and counts as absent. A cgroup's "no limit", 2^53 KiB less a page, is smaller.
inline constexpr int64_t kCountMost = int64_t{1} << 53;

std::string_view trimmed(std::string_view text);
/// The decimal number at the beginning; any text may follow. Absent: no digit, or too large.
std::optional<int64_t> leading_number(std::string_view text);
/// The number as an int. Absent: no number, above `most`, or below -2^30.
std::optional<int> as_int(std::optional<int64_t> number, int64_t most = 1 << 30);
/// The whole word as a number, with or without a minus sign.
std::optional<int64_t> whole_number(std::string_view word);
/// The number after `name`: number_after("pid=12,uid=0", "pid=") is 12.
std::optional<int64_t> number_after(std::string_view line, std::string_view name);
/// The text between two marks. "" without the first; up to the end of the line without the second.
std::string_view between(std::string_view line, std::string_view from, std::string_view to);
std::vector<std::string_view> words_of(std::string_view line);
/// All "name:NUMBER" of the line, with any unit. A blank after the colon is allowed, as 6.1 prints one.
void read_counters(std::string_view line, Counters& into);

}  // namespace oomcast::oomlog
