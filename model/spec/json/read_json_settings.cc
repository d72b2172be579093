// Reads the settings, devices, processes and cgroup of a host that is written as JSON.
#include <algorithm>

#include "model/spec/defaults.h"
#include "model/spec/field_names.h"
#include "model/spec/json/json_host.h"
#include "model/spec/json/json_object.h"
#include "model/spec/parse_text.h"
#include "model/spec/vfs_cache_spec.h"

namespace oomcast::host {

using nlohmann::ordered_json;

void read_vm(JsonObject& object, HostSpec& spec) {
  VmTunables& vm = spec.vm;
  default_settings(spec);
  const ordered_json* value = object.get("vm");
  const ordered_json empty = ordered_json::object();
  JsonObject settings(object.file(), value ? *value : empty, "vm");
  bool all = true;
  for (const VmField& field : vm_fields()) {
    int64_t number = field.get(vm);
    const bool given = settings.integer(field.name, number, field.min, field.max);
    all = (given || field.rarely_changed) && all;
    field.set(vm, number);
  }
  std::vector<int> ratio;
  all = settings.integers("lowmem_reserve_ratio", ratio, 0, 1 << 30) && all;
  if (!ratio.empty() && ratio.size() != vm.lowmem_reserve_ratio.size())
    settings.fail("lowmem_reserve_ratio", "expected four numbers");
  else
    std::copy(ratio.begin(), ratio.end(), vm.lowmem_reserve_ratio.begin());
  std::string word;
  all = settings.text("thp_enabled", word) && all;
  if (const auto mode = thp_mode(word))
    vm.thp_enabled = *mode;
  else if (!word.empty())
    settings.fail("thp_enabled", quote(word) + suggestion(word, {"always", "madvise", "never"}));
  word.clear();
  all = settings.text("thp_defrag", word) && all;
  if (const auto defrag = thp_defrag(word))
    vm.thp_defrag = *defrag;
  else if (!word.empty())
    settings.fail("thp_defrag",
                  quote(word) + suggestion(word, {"always", "defer", "defer+madvise", "madvise", "never"}));
  settings.done();
  if (!all) spec.assumed.push_back("vm: the kernel's own defaults (not all in the file)");
}

static void read_times(JsonObject& object, DeviceTimes& times) {
  const std::pair<const char*, Nanoseconds*> all[] = {{"read_4k", &times.read_4k},
                                                      {"write_4k", &times.write_4k},
                                                      {"read_128k", &times.read_128k},
                                                      {"write_128k", &times.write_128k}};
  for (const auto& [name, time] : all) {
    int64_t ns = 0;
    object.decimal((std::string(name) + "_us").c_str(), ns, 1000, 60'000'000'000);
    object.integer((std::string(name) + "_ns").c_str(), ns, 0, 60'000'000'000);
    *time = Nanoseconds(ns);
  }
}

void read_devices(JsonObject& object, HostSpec& spec) {
  constexpr const char* why = "not in the file";
  spec.file_block_bytes = -1;
  if (const ordered_json* value = object.get("disk")) {
    JsonObject disk(object.file(), *value, "disk");
    read_times(disk, spec.disk);
    if (disk.integer("block_bytes", spec.file_block_bytes, 0, 4096) && !is_block_size(spec.file_block_bytes)) {
      disk.fail("block_bytes", "is no block size; expected 1024, 2048, 4096, or 0 for XFS and btrfs");
    }
    disk.done();
  }
  if (spec.file_block_bytes < 0) assume_block_size(spec, why);
  if (const ordered_json* value = object.get("calibration")) {
    JsonObject speed(object.file(), *value, "calibration");
    int64_t fault = 0, loop = 0;
    speed.integer("page_fault_ns", fault, 0, 1'000'000'000);
    speed.decimal("page_touch_ns", spec.calibration.page_touch_ps, 1000, 1'000'000'000);
    speed.integer("page_touch_ps", spec.calibration.page_touch_ps, 0, 1'000'000'000);
    speed.decimal("cpu_loop_20m_s", loop, 1e9, 3'600'000'000'000);
    speed.integer("cpu_loop_20m_ns", loop, 0, 3'600'000'000'000);
    spec.calibration.page_fault = Nanoseconds(fault);
    spec.calibration.cpu_loop_20m = Nanoseconds(loop);
    speed.done();
  }
  assume_calibration(spec, why);
  assume_ssd(spec, spec.disk, "disk", why);
  const auto swaps = object.elements("swap");
  for (size_t i = 0; i < swaps.size(); ++i) {
    JsonObject device(object.file(), *swaps[i], std::string("swap[") + std::to_string(i) + "]");
    SwapSpec swap;
    swap.name = "/dev/swap" + std::to_string(i);
    swap.priority = -2 - static_cast<int>(i);  // as swapon without -p numbers them
    swap.rotational = false;
    device.text("name", swap.name);
    if (!device.bytes("size", swap.size)) device.fail("size", "missing; for example \"size\": \"2G\"");
    device.bytes("used", swap.used);
    device.integer("priority", swap.priority, -32768, 32767);
    device.flag("rotational", swap.rotational);
    device.integer("zram_percent", swap.zram_percent, 0, 100);
    read_times(device, swap.times);
    device.done();
    assume_swap_times(spec, swap, std::string("swap[") + std::to_string(i) + "]", why);
    spec.swaps.push_back(std::move(swap));
  }
}

// One that is named is on, unless it says otherwise.
void read_zswap(JsonObject& object, HostSpec& spec) {
  const ordered_json* value = object.get("zswap");
  if (!value) return;
  JsonObject given(object.file(), *value, "zswap");
  ZswapSpec& zswap = spec.zswap;
  zswap.enabled = true;
  zswap.zpool = default_zpool(spec.kernel);
  given.flag("enabled", zswap.enabled);
  given.integer("max_pool_percent", zswap.max_pool_percent, 0, 100);
  given.integer("accept_threshold_percent", zswap.accept_threshold_percent, 0, 100);
  given.flag("shrinker_enabled", zswap.shrinker_enabled);
  given.flag("same_filled_pages_enabled", zswap.same_filled);
  std::string zpool = zpool_name(zswap.zpool);
  given.text("zpool", zpool);
  if (const auto known = zpool_of(zpool))
    zswap.zpool = *known;
  else
    given.fail("zpool", quote(zpool) + suggestion(zpool, {"zbud", "z3fold", "zsmalloc"}));
  given.text("compressor", zswap.compressor);
  const bool stored_known = given.integer("stored_percent", zswap.stored_percent, 1, 100);
  given.integer("same_filled_percent", zswap.same_filled_percent, 0, 100);
  const std::pair<const char*, Nanoseconds*> times[] = {{"compress", &zswap.compress},
                                                        {"decompress", &zswap.decompress}};
  for (const auto& [name, time] : times) {
    int64_t ns = 0;
    given.decimal((std::string(name) + "_us").c_str(), ns, 1000, 1'000'000'000);
    given.integer((std::string(name) + "_ns").c_str(), ns, 0, 1'000'000'000);
    *time = Nanoseconds(ns);
  }
  given.pages("pool_pages", zswap.pool);
  given.done();
  assume_zswap(spec, stored_known, "not in the file");
}

void read_vfs_cache(JsonObject& object, HostSpec& spec) {
  const ordered_json* value = object.get("vfs_cache");
  if (!value) {
    Pages slab;
    for (const NodeSpec& node : spec.nodes) slab += node.slab_reclaimable;
    if (slab > Pages(0)) assume_vfs_cache(spec, "not in the file");
    return;
  }
  constexpr int64_t kObjectsMax = int64_t{1} << 40;
  VfsCacheSpec& cache = spec.vfs_cache;
  JsonObject given(object.file(), *value, "vfs_cache");
  given.integer("dentries_unused", cache.dentries_unused, 0, kObjectsMax);
  given.integer("dentries_negative", cache.dentries_negative, 0, kObjectsMax);
  const bool counted = given.integer("inodes", cache.inodes, 0, kObjectsMax);
  given.integer("inodes_unused", cache.inodes_unused, 0, kObjectsMax);
  given.integer("dentry_bytes", cache.dentry_bytes, 64, 65536);
  given.integer("inode_bytes", cache.inode_bytes, 64, 65536);
  if (cache.dentries_negative > cache.dentries_unused)
    given.fail("dentries_negative", "more than dentries_unused, of which they are a part");
  if (!counted) cache.inodes = cache.dentries_unused - cache.dentries_negative + cache.inodes_unused;
  given.done();
}

void read_processes(JsonObject& object, HostSpec& spec) {
  const auto processes = object.elements("processes");
  for (size_t i = 0; i < processes.size(); ++i) {
    JsonObject entry(object.file(), *processes[i], std::string("processes[") + std::to_string(i) + "]");
    ProcessSpec process;
    if (!entry.integer("pid", process.pid, 1, 4'194'304)) entry.fail("pid", "missing");
    entry.integer("parent_pid", process.parent_pid, 0, 4'194'304);
    entry.integer("uid", process.uid, INT32_MIN, INT32_MAX);
    entry.text("comm", process.comm);
    entry.pages("rss_anon_pages", process.rss_anon);
    entry.pages("rss_file_pages", process.rss_file);
    entry.pages("rss_shmem_pages", process.rss_shmem);
    entry.pages("swap_pages", process.swap_entries);
    process.total_vm = process.rss_anon + process.rss_file + process.rss_shmem + process.swap_entries;
    entry.pages("total_vm_pages", process.total_vm);
    // One page of entries per 2 MiB and one each of the upper levels.
    process.page_tables = to_bytes(process.total_vm / 512 + Pages(3));
    entry.bytes("page_tables", process.page_tables);
    entry.integer("oom_score_adj", process.oom_score_adj, -1000, 1000);
    entry.done();
    spec.processes.push_back(std::move(process));
  }
}

static void read_limits(JsonObject& object, CgroupSpec& group) {
  group.present = true;
  object.text("path", group.path);
  if (!group.path.starts_with('/')) object.fail("path", quote(group.path) + " does not begin with /");
  const std::pair<const char*, int64_t*> limits[] = {{"memory.max", &group.memory_max},
                                                     {"memory.high", &group.memory_high},
                                                     {"memory.low", &group.memory_low},
                                                     {"memory.min", &group.memory_min},
                                                     {"memory.swap.max", &group.memory_swap_max},
                                                     {"memory.swap.high", &group.memory_swap_high},
                                                     {"memory.zswap.max", &group.memory_zswap_max},
                                                     {"memory.limit_in_bytes", &group.memory_max},
                                                     {"memory.memsw.limit_in_bytes", &group.memory_memsw_max},
                                                     {"memory.soft_limit_in_bytes", &group.memory_soft_limit}};
  int64_t version = 2;
  object.integer("version", version, 1, 2);
  // A file that only v1 has makes the group one of v1.
  group.v1 = version == 1 || object.has("memory.swappiness") || object.has("memory.oom_control");
  for (const auto& [key, target] : limits) {
    const ordered_json* limit = object.get(key);
    if (!limit) continue;
    group.v1 |= std::string_view(key).ends_with("limit_in_bytes");
    if (limit->is_string() && limit->get<std::string>() == "max") {
      *target = -1;
      continue;
    }
    Bytes bytes;
    object.bytes(key, bytes);
    *target = to_bytes(to_pages(bytes)).count();  // page_counter_memparse() counts whole pages
  }
  object.flag("memory.oom.group", group.memory_oom_group);
  object.flag("memory.zswap.writeback", group.memory_zswap_writeback);
  object.integer("memory.swappiness", group.memory_swappiness, 0, 200);
  object.flag("memory.oom_control", group.memory_oom_kill_disable);
}

// The groups of the host's own processes.
static void read_host_groups(JsonObject& object, HostSpec& spec) {
  const auto groups = object.elements("cgroups");
  for (size_t i = 0; i < groups.size(); ++i) {
    JsonObject entry(object.file(), *groups[i], std::string("cgroups[") + std::to_string(i) + "]");
    CgroupSpec group;
    if (!entry.has("path")) entry.fail("path", "missing");
    read_limits(entry, group);
    Bytes current, file, shmem;
    entry.bytes("memory.current", current);
    entry.bytes("file", file);
    entry.bytes("shmem", shmem);
    if (shmem > file) entry.fail("shmem", "more than file, of which it is a part (as in memory.stat)");
    group.memory_current = current.count();
    group.file = file.count();
    group.shmem = shmem.count();
    entry.integers("procs", group.procs, 1, 4'194'304);
    entry.done();
    spec.cgroups.push_back(std::move(group));
  }
  if (groups.size() > 120) object.fail("cgroups", "more than 120 groups");
  std::sort(spec.cgroups.begin(), spec.cgroups.end(),
            [](const CgroupSpec& a, const CgroupSpec& b) { return a.path < b.path; });
}

void read_tmpfs(JsonObject& object, HostSpec& spec) {
  const auto mounts = object.elements("tmpfs");
  for (size_t i = 0; i < mounts.size(); ++i) {
    JsonObject entry(object.file(), *mounts[i], std::string("tmpfs[") + std::to_string(i) + "]");
    std::string mount;
    if (!entry.text("mount", mount)) entry.fail("mount", "missing; for example \"mount\": \"/dev/shm\"");
    if (!mount.starts_with('/')) entry.fail("mount", quote(mount) + " does not begin with /");
    Bytes size;
    const bool given = entry.bytes("size", size);
    entry.done();
    mount_tmpfs(spec.tmpfs, {without_slashes(mount), given ? std::optional(size) : std::nullopt});
  }
}

void read_kubelet(JsonObject& object, HostSpec& spec) {
  const ordered_json* value = object.get("kubelet");
  if (!value) return;
  JsonObject kubelet(object.file(), *value, "kubelet");
  kubelet.bytes("eviction_hard", spec.kubelet.eviction_hard);
  std::string memory_qos = memory_qos_name(spec.kubelet.memory_qos);
  kubelet.text("memory_qos", memory_qos);
  if (const auto known = host::memory_qos(memory_qos))
    spec.kubelet.memory_qos = *known;
  else
    kubelet.fail("memory_qos", quote(memory_qos) + suggestion(memory_qos, {"off", "min", "tiered"}));
  kubelet.done();
}

void read_cgroup(JsonObject& object, HostSpec& spec) {
  object.integer("cgroup_version", spec.cgroup_version, 1, 2);
  read_host_groups(object, spec);
  const ordered_json* value = object.get("cgroup");
  if (!value) return;
  JsonObject cgroup(object.file(), *value, "cgroup");
  read_limits(cgroup, spec.cgroup);
  cgroup.done();
}

}  // namespace oomcast::host
