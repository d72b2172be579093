// Finds where a file system is mounted, as the process sees it. /proc/PID/mountinfo.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace oomcast::record {

/// The mount points of the file system with this st_dev, in the order of the text.
std::vector<std::string> mount_points_of(std::string_view mountinfo, uint64_t device);
/// The one that the path lies under, the longest of several; empty: under none of them.
std::string mount_point_above(const std::vector<std::string>& points, std::string_view path);

}  // namespace oomcast::record
