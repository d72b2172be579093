// Watches how much memory this machine still has for the guest; see memory_guard.h.
#include "preload/record/server/memory_guard.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "model/base/mount_point.h"
#include "preload/record/kernel/proc_maps.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kNoLimit = UINT64_MAX;
constexpr uint64_t kFarAbove = 2;                      // times the floor: what is left is not asked for more exactly
constexpr uint64_t kAsGoodAsNone = uint64_t{1} << 60;  // cgroup v1 says "no limit" as a number near 2^63

bool lists(const std::string& comma_list, const std::string& word) {
  return ("," + comma_list + ",").find("," + word + ",") != std::string::npos;
}

/// From a cgroup up to the directory where its hierarchy is mounted.
void add_with_ancestors(const std::string& mount_point, std::string below, bool unified,
                        std::vector<CgroupDirectory>* out) {
  for (;;) {
    while (!below.empty() && below.back() == '/') below.pop_back();
    out->push_back({mount_point + below, unified});
    if (below.empty()) return;
    below.resize(below.rfind('/') == std::string::npos ? 0 : below.rfind('/'));
  }
}

}  // namespace

std::vector<CgroupDirectory> memory_cgroups(const std::string& membership, const std::string& mounts) {
  std::string v1, v2;
  bool has_v1 = false, has_v2 = false;
  std::istringstream groups(membership);
  for (std::string line; std::getline(groups, line);) {  // ID:CONTROLLERS:PATH
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty())
      has_v2 = true, v2 = path;
    else if (lists(controllers, "memory"))
      has_v1 = true, v1 = path;
  }
  std::vector<CgroupDirectory> found;
  std::istringstream lines(mounts);
  // ID PARENT DEVICE ROOT MOUNT_POINT OPTIONS... - TYPE SOURCE SUPER_OPTIONS
  for (std::string line; std::getline(lines, line);) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream front(line.substr(0, dash)), back(line.substr(dash + 3));
    std::string id, parent, device, root, point, type, source, options;
    front >> id >> parent >> device >> root >> point;
    back >> type >> source >> options;
    const bool unified = type == "cgroup2";
    if (!(unified && has_v2) && !(type == "cgroup" && has_v1 && lists(options, "memory"))) continue;
    std::string path = unified ? v2 : v1;
    root = unescaped_mount_point(root);
    // A container's mount may begin below the hierarchy's root.
    if (root != "/") path = path.starts_with(root) ? path.substr(root.size()) : "/";
    add_with_ancestors(unescaped_mount_point(point), path, unified, &found);
    (unified ? has_v2 : has_v1) = false;  // mounted elsewhere too: the same groups
  }
  return found;
}

uint64_t cgroup_left_bytes(const std::string& limit, const std::string& usage, const std::string& stat, bool unified) {
  if (limit.empty() || limit.starts_with("max")) return kNoLimit;
  const uint64_t most = std::strtoull(limit.c_str(), nullptr, 10), used = std::strtoull(usage.c_str(), nullptr, 10);
  if (most >= kAsGoodAsNone) return kNoLimit;
  const std::string prefix = unified ? "" : "total_";
  const uint64_t cache = number_behind(stat, prefix + "inactive_file ") + number_behind(stat, prefix + "active_file ");
  const uint64_t held = used - std::min(used, cache);
  return most - std::min(most, held);
}

MemoryGuard::MemoryGuard(int percent)
    : percent_(percent),
      cgroups_(memory_cgroups(read_whole_path("/proc/self/cgroup"), read_whole_path("/proc/self/mountinfo"))) {
  limits_.push_back({});
  for (const CgroupDirectory& cgroup : cgroups_) limits_.push_back({cgroup.path, cgroup.unified, 0});
  for (Limit& limit : limits_) limit.at_start_bytes = left_bytes(limit, kNoLimit);
  std::erase_if(limits_,
                [](const Limit& limit) { return limit.at_start_bytes == kNoLimit || limit.at_start_bytes == 0; });
  kills_at_start_ = count_kills();
}

/// memory.stat makes the kernel add up what all CPUs have counted: it is not read where already without it as much is
/// left as `enough`.
uint64_t MemoryGuard::left_bytes(const Limit& limit, uint64_t enough) const {
  if (limit.cgroup.empty()) return number_behind(read_whole_path("/proc/meminfo"), "MemAvailable:") * 1024;
  const std::string base = limit.cgroup + "/memory.";
  const std::string most = read_whole_path(base + (limit.unified ? "max" : "limit_in_bytes"));
  const std::string used = read_whole_path(base + (limit.unified ? "current" : "usage_in_bytes"));
  const uint64_t at_least = cgroup_left_bytes(most, used, "", limit.unified);
  return at_least >= enough ? at_least : cgroup_left_bytes(most, used, read_whole_path(base + "stat"), limit.unified);
}

/// Memory may be short because of others: then to stop the guest, which has taken less than they, would be of no
/// use.
MemoryGuard::Measurement MemoryGuard::measure(uint64_t guest_bytes) const {
  Measurement seen;
  if (percent_ <= 0) return seen;
  for (const Limit& limit : limits_) {
    const uint64_t floor = limit.at_start_bytes / 100 * static_cast<uint64_t>(percent_),
                   left = left_bytes(limit, floor * kFarAbove);
    if (left == 0 && limit.cgroup.empty()) continue;  // /proc/meminfo could not be read
    seen.room_bytes = std::min(seen.room_bytes, left - std::min(left, floor));
    seen.must_strike |= left < floor && guest_bytes >= (limit.at_start_bytes - left) / 2;
  }
  return seen;
}

/// __oom_kill_process() counts each victim for its own group and those above, whether a group or the machine was short.
uint64_t MemoryGuard::count_kills() const {
  for (const CgroupDirectory& cgroup : cgroups_) {
    const std::string events =
        read_whole_path(cgroup.path + (cgroup.unified ? "/memory.events" : "/memory.oom_control"));
    if (!events.empty()) return number_behind(events, "oom_kill ");
  }
  return number_behind(read_whole_path("/proc/vmstat"), "oom_kill ");
}

uint64_t MemoryGuard::kernel_kills() const {
  const uint64_t now = count_kills();
  return now - std::min(now, kills_at_start_);
}

}  // namespace oomcast::record
