// Reads the cgroups that limit the host's processes: sys/fs/cgroup/**/memory.* and cgroup.procs.
//
// Limits and counters of version 1 (memory.limit_in_bytes, total_cache, ...) go into the fields of version 2 that mean
// the same. Only groups with a limit or a protection are kept. The processes of other groups move to the nearest group
// above that is kept.
#include <algorithm>
#include <map>
#include <set>

#include "model/base/mount_point.h"
#include "model/spec/parse_text.h"
#include "model/spec/snapshot/snapshot_reader.h"

namespace oomcast::host {
namespace {

constexpr const char* kRoot = "sys/fs/cgroup";
constexpr int64_t kBytesMax = int64_t{1} << 46;
constexpr int64_t kUnlimitedV1 = int64_t{1} << 60;  // no limit is printed as PAGE_COUNTER_MAX, about 2^63
constexpr size_t kGroupsMax = 120;                  // Page::cgroup_bits has seven bits

class GroupReader {
 public:
  GroupReader(SnapshotReader& reader, std::string path) : reader_(reader), path_(std::move(path)) {}

  CgroupSpec read() {
    CgroupSpec group;
    group.present = true;
    group.path = path_;
    limit("memory.max", group.memory_max);
    limit("memory.high", group.memory_high);
    limit("memory.low", group.memory_low);
    limit("memory.min", group.memory_min);
    limit("memory.swap.max", group.memory_swap_max);
    limit("memory.swap.high", group.memory_swap_high);
    limit("memory.zswap.max", group.memory_zswap_max);
    limit("memory.current", group.memory_current);
    int64_t oom_group = 0;
    limit("memory.oom.group", oom_group);
    group.memory_oom_group = oom_group != 0;
    int64_t zswap_writeback = 1;
    limit("memory.zswap.writeback", zswap_writeback);
    group.memory_zswap_writeback = zswap_writeback != 0;
    if (reader_.text(file("memory.limit_in_bytes"))) read_version_1(group);
    read_stat(group);
    read_procs(group);
    return group;
  }

 private:
  std::string file(const char* name) const { return kRoot + path_ + "/" + name; }

  // A number of bytes, or "max".
  void limit(const char* name, int64_t& target) {
    const std::string* text = reader_.text(file(name));
    if (!text) return;
    const std::string_view word = trim(*text);
    const auto value = word == "max" ? std::optional<int64_t>(-1) : parse_integer(word, 0, kBytesMax);
    if (!value) return reader_.fail(file(name), 1, "expected bytes or max, got " + quote(word));
    target = *value;
  }

  std::optional<int64_t> bytes_of_version_1(const char* name) {
    const std::string* text = reader_.text(file(name));
    if (!text) return std::nullopt;
    const auto value = parse_integer(trim(*text), 0, INT64_MAX);
    if (!value) reader_.fail(file(name), 1, "expected bytes, got " + quote(trim(*text)));
    return value;
  }

  // memory.memsw limits memory and swap together. The path begins with the controller's name.
  void read_version_1(CgroupSpec& group) {
    group.v1 = true;
    if (group.path.starts_with("/memory/")) group.path.erase(0, std::string_view("/memory").size());
    const auto limit_of = [&](const char* name) {
      const auto bytes = bytes_of_version_1(name);
      return bytes && *bytes < kUnlimitedV1 ? *bytes : -1;
    };
    group.memory_max = limit_of("memory.limit_in_bytes");
    group.memory_memsw_max = limit_of("memory.memsw.limit_in_bytes");
    group.memory_soft_limit = limit_of("memory.soft_limit_in_bytes");
    if (const auto usage = bytes_of_version_1("memory.usage_in_bytes")) group.memory_current = *usage;
    if (const auto swappiness = bytes_of_version_1("memory.swappiness"))
      group.memory_swappiness = static_cast<int>(std::clamp<int64_t>(*swappiness, 0, 200));
    if (const std::string* control = reader_.text(file("memory.oom_control")))
      group.memory_oom_kill_disable = control->starts_with("oom_kill_disable 1");
  }

  // Descendants are included. Version 1 prints both: `cache` of the group alone, `total_cache` with descendants.
  void read_stat(CgroupSpec& group) {
    const std::string* text = reader_.text(file("memory.stat"));
    if (!text) return;
    std::map<std::string, int64_t> stat;
    for (const Line& line : lines(*text)) {
      const std::vector<std::string_view> word = words(line.text);
      if (word.size() != 2 || !is_wanted(word[0])) continue;
      const auto value = parse_integer(word[1], 0, kBytesMax);
      if (!value) return reader_.fail(file("memory.stat"), line.number, quote(line.text) + " has no number of bytes");
      stat[std::string(word[0])] = *value;
    }
    const auto first = [&](std::initializer_list<const char*> names) -> std::optional<int64_t> {
      for (const char* name : names) {
        if (const auto found = stat.find(name); found != stat.end()) return found->second;
      }
      return std::nullopt;
    };
    group.anon = first({"anon", "total_rss", "rss"}).value_or(0);
    group.file = first({"file", "total_cache", "cache"}).value_or(0);
    group.shmem = std::min(
        group.file, shmem_of(group, first({"total_shmem", "shmem"}), first({"total_inactive_file", "inactive_file"}),
                             first({"total_active_file", "active_file"})));
  }

  static bool is_wanted(std::string_view name) {
    if (name.starts_with("total_")) name.remove_prefix(6);
    constexpr std::string_view kWanted[] = {"anon", "file", "shmem", "rss", "cache", "inactive_file", "active_file"};
    return std::find(std::begin(kWanted), std::end(kWanted), name) != std::end(kWanted);
  }

  // Version 1 of older kernels does not print shmem: it is what counts as file and is on none of the file lists.
  int64_t shmem_of(const CgroupSpec& group, std::optional<int64_t> printed, std::optional<int64_t> inactive,
                   std::optional<int64_t> active) {
    if (printed) return *printed;
    if (group.file == 0) return 0;
    if (inactive && active) return std::max<int64_t>(0, group.file - *inactive - *active);
    reader_.assume("cgroups: shmem of " + group.path, "0", "no shmem in its memory.stat");
    return 0;
  }

  void read_procs(CgroupSpec& group) {
    const std::string* text = reader_.text(file("cgroup.procs"));
    if (!text) return;
    for (const Line& line : lines(*text)) {
      if (trim(line.text).empty()) continue;
      const auto pid = parse_integer(trim(line.text), 0, 4'194'304);
      if (!pid) return reader_.fail(file("cgroup.procs"), line.number, quote(line.text) + " is no process id");
      group.procs.push_back(static_cast<int>(*pid));
    }
  }

  SnapshotReader& reader_;
  std::string path_;
};

// "/kubepods/pod1" for sys/fs/cgroup/kubepods/pod1/memory.max.
std::set<std::string> group_paths(const SnapshotReader& reader) {
  std::set<std::string> paths;
  const std::string prefix = std::string(kRoot) + "/";
  for (const auto& [path, text] : reader.files.files) {
    if (!path.starts_with(prefix)) continue;
    const size_t name = path.rfind('/');
    if (name > prefix.size() - 1) paths.insert(path.substr(prefix.size() - 1, name - prefix.size() + 1));
  }
  return paths;
}

bool limits_anything(const CgroupSpec& group) {
  return group.memory_max >= 0 || group.memory_high >= 0 || group.memory_low != 0 || group.memory_min != 0 ||
         group.memory_swap_max >= 0 || group.memory_swap_high >= 0 || group.memory_oom_group ||
         group.memory_zswap_max >= 0 || !group.memory_zswap_writeback || group.memory_soft_limit >= 0 ||
         group.memory_oom_kill_disable;
}

// Keeps the kGroupsMax groups with the largest memory.current; the processes of the others move up.
void keep_largest(SnapshotReader& reader, std::vector<CgroupSpec>& groups) {
  if (groups.size() <= kGroupsMax) return;
  const size_t before = groups.size();
  // The groups stand by path: of groups of one size the first ones are kept.
  std::stable_sort(groups.begin(), groups.end(),
                   [](const CgroupSpec& a, const CgroupSpec& b) { return a.memory_current > b.memory_current; });
  groups.resize(kGroupsMax);
  std::sort(groups.begin(), groups.end(), [](const CgroupSpec& a, const CgroupSpec& b) { return a.path < b.path; });
  reader.assume(
      "cgroups", "the " + std::to_string(groups.size()) + " largest",
      "of " + std::to_string(before) + " with limits; at most " + std::to_string(kGroupsMax) + " are told apart");
}

}  // namespace

void read_cgroups(SnapshotReader& reader) {
  std::vector<CgroupSpec> all, kept;
  for (const std::string& path : group_paths(reader)) all.push_back(GroupReader(reader, path).read());
  if (reader.error) return;
  if (std::any_of(all.begin(), all.end(), [](const CgroupSpec& group) { return group.v1; }))
    reader.spec.cgroup_version = 1;
  std::sort(all.begin(), all.end(), [](const CgroupSpec& a, const CgroupSpec& b) { return a.path < b.path; });
  std::copy_if(all.begin(), all.end(), std::back_inserter(kept), limits_anything);
  keep_largest(reader, kept);
  for (const CgroupSpec& group : all) {
    // The nearest kept group above it (or itself) is the last match, because the groups are sorted by path.
    CgroupSpec* nearest = nullptr;
    for (CgroupSpec& candidate : kept) {
      if (is_within(group.path, candidate.path)) nearest = &candidate;
    }
    if (nearest && nearest->path != group.path)
      nearest->procs.insert(nearest->procs.end(), group.procs.begin(), group.procs.end());
  }
  reader.spec.cgroups = std::move(kept);
}

}  // namespace oomcast::host
