// Finds where a file system is mounted. See mount_info.h.
#include "preload/record/kernel/mount_info.h"

#include <sys/sysmacros.h>

#include <sstream>

#include "model/base/mount_point.h"

namespace oomcast::record {

std::vector<std::string> mount_points_of(std::string_view mountinfo, uint64_t device) {
  const std::string wanted = std::to_string(gnu_dev_major(device)) + ":" + std::to_string(gnu_dev_minor(device));
  std::vector<std::string> points;
  // ID PARENT DEVICE ROOT MOUNT_POINT OPTIONS... - TYPE SOURCE SUPER_OPTIONS
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string id, parent, number, root, point;
    if (fields >> id >> parent >> number >> root >> point && number == wanted)
      points.push_back(unescaped_mount_point(point));
  }
  return points;
}

std::string mount_point_above(const std::vector<std::string>& points, std::string_view path) {
  std::string nearest;
  for (const std::string& point : points) {
    if (is_within(path, point) && point.size() > nearest.size()) nearest = point;
  }
  return nearest;
}

}  // namespace oomcast::record
