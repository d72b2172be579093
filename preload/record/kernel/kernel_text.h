// Reads the forms in which the kernel writes most of what is in /proc and /sys: lines with a name and a number, and
// directories of numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace oomcast::record {

/// The number behind `name` at the beginning of a line; 0 if there is none. The name includes what parts it from the
/// number, but for blanks ("VmHWM:", "oom_kill ").
uint64_t number_behind(std::string_view text, std::string_view name, int base = 10);

/// The entries of a directory that are numbers, as in /proc, /proc/PID/task and /proc/PID/fd. None if it cannot be
/// read.
std::vector<uint32_t> numbers_in_directory(const std::string& path);

}  // namespace oomcast::record
