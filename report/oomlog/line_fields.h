// Takes numbers out of a line of the kernel's: "name:12kB", "name=12", "12 words". No value is ever guessed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// What is larger is damaged and passes as absent; the unlimited counter of a cgroup, 2^53 KiB less a page, is not.
inline constexpr int64_t kCountMost = int64_t{1} << 53;

std::string_view trimmed(std::string_view text);
/// The decimal number at the beginning, with what follows it left to the caller. Absent: no digit, or too large.
std::optional<int64_t> leading_number(std::string_view text);
/// The number as an int. Absent: there is none, it is above `most` or far below 0.
std::optional<int> as_int(std::optional<int64_t> number, int64_t most = 1 << 30);
/// All of the word, with a sign if it has one.
std::optional<int64_t> whole_number(std::string_view word);
/// What follows `name` in the line, a number: number_after("pid=12,uid=0", "pid=") is 12.
std::optional<int64_t> number_after(std::string_view line, std::string_view name);
/// What stands between two marks; "" when the first is missing, to the end when the second is.
std::string_view between(std::string_view line, std::string_view from, std::string_view to);
std::vector<std::string_view> words_of(std::string_view line);
/// All "name:NUMBER" of the line, whatever unit follows; a blank after the colon is allowed, as 6.1 has one.
void read_counters(std::string_view line, Counters& into);

}  // namespace oomcast::oomlog
