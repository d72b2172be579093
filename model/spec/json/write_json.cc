// Writes a host as JSON. oomcast.host.v1 with every field, so that reading it back gives the same host.
#include "model/spec/field_names.h"
#include "model/spec/json/json_host.h"
#include "model/spec/node_counters.h"
#include "model/spec/read_host.h"

namespace oomcast::host {
namespace {

using nlohmann::ordered_json;

ordered_json lru_json(const LruSizes& lru) {
  ordered_json json;
  for (const LruCounter& list : kLruCounters) json[list.key] = (lru.*list.of).count();
  return json;
}

ordered_json zone_json(const ZoneSpec& zone) {
  ordered_json json = {{"kind", zone_name(zone.kind)},
                       {"present_pages", zone.present.count()},
                       {"managed_pages", zone.managed.count()},
                       {"free_pages", zone.free.count()},
                       {"boost_pages", zone.boost.count()},
                       {"watermarks_pages",
                        {{"min", zone.watermarks.min.count()},
                         {"low", zone.watermarks.low.count()},
                         {"high", zone.watermarks.high.count()}}}};
  json["lowmem_reserve_pages"] = ordered_json::array();
  for (Pages pages : zone.lowmem_reserve) json["lowmem_reserve_pages"].push_back(pages.count());
  json["lru_pages"] = lru_json(zone.lru);
  json["mlocked_pages"] = zone.mlocked.count();
  json["write_pending_pages"] = zone.write_pending.count();
  json["stat_threshold_pages"] = zone.stat_threshold.count();
  json["pcp"] = ordered_json::array();
  for (const PcpSpec& pcp : zone.pcp)
    json["pcp"].push_back(ordered_json::array({pcp.count.count(), pcp.high.count(), pcp.batch.count()}));
  json["free_blocks"] = zone.free_blocks;
  if (zone.free_cma > Pages(0)) json["free_cma_pages"] = zone.free_cma.count();
  if (zone.free_unmovable.count() >= 0) json["free_unmovable_pages"] = zone.free_unmovable.count();
  if (zone.free_reclaimable.count() >= 0) json["free_reclaimable_pages"] = zone.free_reclaimable.count();
  if (zone.highatomic_reserved.count() > 0) json["highatomic_reserved_pages"] = zone.highatomic_reserved.count();
  if (zone.highatomic_free.count() > 0) json["highatomic_free_pages"] = zone.highatomic_free.count();
  return json;
}

ordered_json node_json(const NodeSpec& node) {
  ordered_json json = {
      {"id", node.id.value}, {"cpus", node.cpus}, {"distance", node.distance}, {"lru_pages", lru_json(node.lru)}};
  for (const NodeCounter& counter : kNodeCounters) json[counter.key] = (node.*counter.of).count();
  json["kernel_stack_kb"] = node.kernel_stack_kb;
  json["unreclaimable"] = node.unreclaimable;
  json["zones"] = ordered_json::array();
  for (const ZoneSpec& zone : node.zones) json["zones"].push_back(zone_json(zone));
  return json;
}

void add_times(ordered_json& json, const DeviceTimes& times) {
  json["read_4k_ns"] = times.read_4k.count();
  json["write_4k_ns"] = times.write_4k.count();
  json["read_128k_ns"] = times.read_128k.count();
  json["write_128k_ns"] = times.write_128k.count();
}

ordered_json swap_json(const SwapSpec& swap) {
  ordered_json json = {
      {"name", swap.name},         {"size", swap.size.count()},     {"used", swap.used.count()},
      {"priority", swap.priority}, {"rotational", swap.rotational}, {"zram_percent", swap.zram_percent}};
  add_times(json, swap.times);
  return json;
}

ordered_json zswap_json(const ZswapSpec& zswap) {
  return {{"enabled", zswap.enabled},
          {"max_pool_percent", zswap.max_pool_percent},
          {"accept_threshold_percent", zswap.accept_threshold_percent},
          {"shrinker_enabled", zswap.shrinker_enabled},
          {"same_filled_pages_enabled", zswap.same_filled},
          {"zpool", zpool_name(zswap.zpool)},
          {"compressor", zswap.compressor},
          {"stored_percent", zswap.stored_percent},
          {"same_filled_percent", zswap.same_filled_percent},
          {"compress_ns", zswap.compress.count()},
          {"decompress_ns", zswap.decompress.count()},
          {"pool_pages", zswap.pool.count()}};
}

ordered_json process_json(const ProcessSpec& process) {
  return {{"pid", process.pid},
          {"parent_pid", process.parent_pid},
          {"uid", process.uid},
          {"comm", process.comm},
          {"rss_anon_pages", process.rss_anon.count()},
          {"rss_file_pages", process.rss_file.count()},
          {"rss_shmem_pages", process.rss_shmem.count()},
          {"swap_pages", process.swap_entries.count()},
          {"total_vm_pages", process.total_vm.count()},
          {"page_tables", process.page_tables.count()},
          {"oom_score_adj", process.oom_score_adj}};
}

ordered_json cached_file_json(const CachedFileSpec& file) {
  return {{"file", file.file},
          {"file_id", file.file_id},
          {"bytes", file.bytes.count()},
          {"dirty_bytes", file.dirty.count()},
          {"active_percent", file.active_percent}};
}

ordered_json background_json(const BackgroundSpec& actor) {
  return {{"comm", actor.comm},
          {"pid", actor.pid},
          {"file", actor.file},
          {"file_id", actor.file_id},
          {"file_bytes", actor.file_size.count()},
          {"read_bytes_s", actor.read_bytes_s},
          {"write_bytes_s", actor.write_bytes_s},
          {"sequential", actor.sequential}};
}

ordered_json tmpfs_json(const TmpfsSpec& tmpfs) {
  ordered_json json = {{"mount", tmpfs.mount}};
  if (tmpfs.size) json["size"] = tmpfs.size->count();
  return json;
}

ordered_json limit_json(int64_t bytes) { return bytes < 0 ? ordered_json("max") : ordered_json(bytes); }

ordered_json cgroup_json(const CgroupSpec& cgroup) {
  ordered_json json = {{"path", cgroup.path},
                       {"memory.max", limit_json(cgroup.memory_max)},
                       {"memory.high", limit_json(cgroup.memory_high)},
                       {"memory.low", limit_json(cgroup.memory_low)},
                       {"memory.min", limit_json(cgroup.memory_min)},
                       {"memory.swap.max", limit_json(cgroup.memory_swap_max)},
                       {"memory.swap.high", limit_json(cgroup.memory_swap_high)},
                       {"memory.oom.group", cgroup.memory_oom_group ? 1 : 0}};
  if (cgroup.memory_zswap_max >= 0) json["memory.zswap.max"] = cgroup.memory_zswap_max;
  if (!cgroup.memory_zswap_writeback) json["memory.zswap.writeback"] = 0;
  if (!cgroup.v1) return json;
  json["version"] = 1;
  json["memory.memsw.limit_in_bytes"] = limit_json(cgroup.memory_memsw_max);
  json["memory.soft_limit_in_bytes"] = limit_json(cgroup.memory_soft_limit);
  if (cgroup.memory_swappiness >= 0) json["memory.swappiness"] = cgroup.memory_swappiness;
  if (cgroup.memory_oom_kill_disable) json["memory.oom_control"] = 1;
  return json;
}

ordered_json host_group_json(const CgroupSpec& group) {
  ordered_json json = cgroup_json(group);
  json["memory.current"] = group.memory_current;
  json["file"] = group.file;
  if (group.shmem > 0) json["shmem"] = group.shmem;
  json["procs"] = group.procs;
  return json;
}

bool is_scalar_list(const ordered_json& value) {
  if (!value.is_array()) return false;
  for (const ordered_json& element : value) {
    if (element.is_structured()) return false;
  }
  return true;
}

// As dump(2), but lists of numbers stay on one line: a host with 128 CPUs is read by people too.
void print(const ordered_json& value, int indent, std::string& out) {
  const auto pad = [&](int by) { out.append(static_cast<size_t>(by), ' '); };
  if (is_scalar_list(value) && !(value.size() > 0 && value[0].is_string())) {
    out += "[";
    for (size_t i = 0; i < value.size(); ++i) {
      if (i) out += ", ";
      out += value[i].dump();
    }
    out += "]";
  } else if (value.is_structured() && !value.empty()) {
    const bool object = value.is_object();
    out += object ? "{\n" : "[\n";
    size_t index = 0;
    for (const auto& item : value.items()) {
      pad(indent + 2);
      if (object) out += ordered_json(item.key()).dump(-1, ' ', false, ordered_json::error_handler_t::replace) + ": ";
      print(item.value(), indent + 2, out);
      out += ++index < value.size() ? ",\n" : "\n";
    }
    pad(indent);
    out += object ? "}" : "]";
  } else {
    out += value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }
}

}  // namespace

ordered_json host_to_json(const HostSpec& spec) {
  ordered_json json = {{"schema", kHostSchema},
                       {"name", spec.name},
                       {"kernel", spec.kernel_release},
                       {"lru", lru_name(spec.lru)},
                       {"cpus", spec.cpus},
                       {"total_ram_pages", spec.total_ram.count()},
                       {"committed_as_pages", spec.committed_as.count()},
                       {"buffers_pages", spec.buffers.count()}};
  if (spec.hugetlb > Pages(0)) json["hugetlb_pages"] = spec.hugetlb.count();
  if (!spec.lru_gen_mm_walk) json["lru_gen_mm_walk"] = false;
  if (spec.shared_anon > Pages(0)) json["shared_anon_pages"] = spec.shared_anon.count();
  json["nodes"] = ordered_json::array();
  for (const NodeSpec& node : spec.nodes) json["nodes"].push_back(node_json(node));
  json["swap"] = ordered_json::array();
  for (const SwapSpec& swap : spec.swaps) json["swap"].push_back(swap_json(swap));
  if (spec.zswap.enabled) json["zswap"] = zswap_json(spec.zswap);
  add_times(json["disk"] = ordered_json::object(), spec.disk);
  json["disk"]["block_bytes"] = spec.file_block_bytes;
  ordered_json& vm = json["vm"] = ordered_json::object();
  for (const VmField& field : vm_fields()) vm[field.name] = field.get(spec.vm);
  vm["lowmem_reserve_ratio"] = spec.vm.lowmem_reserve_ratio;
  vm["thp_enabled"] = thp_mode_name(spec.vm.thp_enabled);
  vm["thp_defrag"] = thp_defrag_name(spec.vm.thp_defrag);
  json["calibration"] = {{"page_fault_ns", spec.calibration.page_fault.count()},
                         {"page_touch_ps", spec.calibration.page_touch_ps},
                         {"cpu_loop_20m_ns", spec.calibration.cpu_loop_20m.count()}};
  const VfsCacheSpec& vfs = spec.vfs_cache;
  json["vfs_cache"] = {{"dentries_unused", vfs.dentries_unused},
                       {"dentries_negative", vfs.dentries_negative},
                       {"inodes", vfs.inodes},
                       {"inodes_unused", vfs.inodes_unused},
                       {"dentry_bytes", vfs.dentry_bytes},
                       {"inode_bytes", vfs.inode_bytes}};
  json["processes"] = ordered_json::array();
  for (const ProcessSpec& process : spec.processes) json["processes"].push_back(process_json(process));
  if (!spec.page_cache.empty()) json["page_cache"] = ordered_json::array();
  for (const CachedFileSpec& file : spec.page_cache) json["page_cache"].push_back(cached_file_json(file));
  if (!spec.background.empty()) json["background"] = ordered_json::array();
  for (const BackgroundSpec& actor : spec.background) json["background"].push_back(background_json(actor));
  if (spec.cgroup_version != 2) json["cgroup_version"] = spec.cgroup_version;
  if (!spec.cgroups.empty()) json["cgroups"] = ordered_json::array();
  for (const CgroupSpec& group : spec.cgroups) json["cgroups"].push_back(host_group_json(group));
  if (spec.cgroup.present) json["cgroup"] = cgroup_json(spec.cgroup);
  for (const TmpfsSpec& tmpfs : spec.tmpfs) json["tmpfs"].push_back(tmpfs_json(tmpfs));
  if (spec.kubelet.eviction_hard > Bytes(0) || spec.kubelet.memory_qos != MemoryQos::kOff)
    json["kubelet"] = {{"eviction_hard", spec.kubelet.eviction_hard.count()},
                       {"memory_qos", memory_qos_name(spec.kubelet.memory_qos)}};
  json["assumed"] = spec.assumed;
  return json;
}

std::string to_json(const HostSpec& spec) {
  std::string out;
  print(host_to_json(spec), 0, out);
  return out + "\n";
}

}  // namespace oomcast::host
