// Reads two common forms of files in /proc and /sys: lines of a name and a number, and directories of numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace oomcast::record {

/// The number after `name` at the beginning of a line; 0: there is no such line. `name` includes the separator, but not
/// the blanks after it ("VmHWM:", "oom_kill ").
uint64_t number_behind(std::string_view text, std::string_view name, int base = 10);

/// The entries of a directory that are numbers, as in /proc, /proc/PID/task and /proc/PID/fd. Empty: it cannot be read.
std::vector<uint32_t> numbers_in_directory(const std::string& path);

}  // namespace oomcast::record
