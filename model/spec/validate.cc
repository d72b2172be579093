// Finds what would make the model lie in a host description. Contradictions that no running kernel shows.
#include "model/spec/validate.h"

#include <set>

#include "model/spec/field_names.h"
#include "model/spec/node_counters.h"
#include "model/spec/parse_text.h"
#include "model/spec/read_host.h"

namespace oomcast::host {
namespace {

constexpr int64_t kPagesMax = int64_t{1} << 34;  // 64 TiB
constexpr int64_t kNodeIdMax = 1023;             // CONFIG_NODES_SHIFT=10
constexpr size_t kCpusMax = 8192;                // CONFIG_NR_CPUS

using Problem = std::optional<Contradiction>;

std::string text(Pages pages) { return std::to_string(pages.count()); }

std::string at(const char* list, size_t index) { return std::string(list) + "[" + std::to_string(index) + "]"; }

Problem out_of_range(std::string field, int64_t value, int64_t min, int64_t max) {
  if (value >= min && value <= max) return std::nullopt;
  return Contradiction{std::move(field), std::to_string(value) + " is outside " + std::to_string(min) + ".." +
                                             std::to_string(max) + "; correct the value"};
}

Problem check_lru(const std::string& where, const LruSizes& lru, Pages managed) {
  Pages sum;
  for (const LruCounter& list : kLruCounters) {
    const Pages pages = lru.*list.of;
    if (auto bad = out_of_range(where + "." + list.key, pages.count(), 0, kPagesMax)) return bad;
    sum += pages;
  }
  if (sum > managed) {
    return Contradiction{where, "the LRU lists hold " + text(sum) + " pages but only " + text(managed) +
                                    " are managed; were the figures taken at different times?"};
  }
  return std::nullopt;
}

Problem check_zone(const std::string& where, const ZoneSpec& zone, const HostSpec& spec) {
  const std::string name = std::string("zone ") + zone_name(zone.kind);
  if (static_cast<int>(zone.kind) >= kZoneKinds) return Contradiction{where + ".kind", "is not a zone of x86-64"};
  const std::pair<const char*, Pages> counts[] = {{"present_pages", zone.present},
                                                  {"managed_pages", zone.managed},
                                                  {"free_pages", zone.free},
                                                  {"boost_pages", zone.boost},
                                                  {"watermarks_pages.min", zone.watermarks.min},
                                                  {"watermarks_pages.low", zone.watermarks.low},
                                                  {"watermarks_pages.high", zone.watermarks.high},
                                                  {"mlocked_pages", zone.mlocked},
                                                  {"free_cma_pages", zone.free_cma},
                                                  {"write_pending_pages", zone.write_pending},
                                                  {"stat_threshold_pages", zone.stat_threshold}};
  for (const auto& [field, pages] : counts) {
    if (auto bad = out_of_range(where + "." + field, pages.count(), 0, kPagesMax)) return bad;
  }
  if (zone.managed > zone.present) {
    return Contradiction{where + ".managed_pages", name + " has " + text(zone.managed) + " managed pages but only " +
                                                       text(zone.present) + " present; managed never exceeds present"};
  }
  if (zone.free > zone.managed) {
    return Contradiction{where + ".free_pages", name + " has " + text(zone.free) + " free pages but only " +
                                                    text(zone.managed) + " managed; free never exceeds managed"};
  }
  if (zone.free_cma > zone.free) {
    return Contradiction{where + ".free_cma_pages", name + " has " + text(zone.free_cma) +
                                                        " free pages for CMA but only " + text(zone.free) +
                                                        " free; they are a part of those"};
  }
  const Watermarks& marks = zone.watermarks;
  if (marks.min > marks.low || marks.low > marks.high) {
    return Contradiction{where + ".watermarks_pages", name + " has the watermarks min " + text(marks.min) + ", low " +
                                                          text(marks.low) + ", high " + text(marks.high) +
                                                          "; min <= low <= high has to hold"};
  }
  for (size_t i = 0; i < zone.lowmem_reserve.size(); ++i) {
    if (auto bad =
            out_of_range(where + "." + at("lowmem_reserve_pages", i), zone.lowmem_reserve[i].count(), 0, kPagesMax))
      return bad;
  }
  if (auto bad = check_lru(where + ".lru_pages", zone.lru, zone.managed)) return bad;
  if (zone.pcp.size() != spec.cpus.size()) {
    return Contradiction{where + ".pcp", name + " has per-CPU lists for " + std::to_string(zone.pcp.size()) +
                                             " CPUs, but " + std::to_string(spec.cpus.size()) + " are online"};
  }
  for (size_t i = 0; i < zone.pcp.size(); ++i) {
    const PcpSpec& pcp = zone.pcp[i];
    for (Pages pages : {pcp.count, pcp.high, pcp.batch}) {
      if (auto bad = out_of_range(where + "." + at("pcp", i), pages.count(), 0, kPagesMax)) return bad;
    }
  }
  if (const Pages on_pcp = zone.on_pcp(); zone.free + on_pcp > zone.managed) {
    return Contradiction{where + ".pcp", name + " has " + text(zone.free) + " free pages and " + text(on_pcp) +
                                             " on per-CPU lists, more than the " + text(zone.managed) + " managed"};
  }
  for (size_t order = 0; order < zone.free_blocks.size(); ++order) {
    if (auto bad = out_of_range(where + "." + at("free_blocks", order), zone.free_blocks[order], 0, kPagesMax >> order))
      return bad;
  }
  if (zone.highatomic_reserved > zone.managed || zone.highatomic_free > zone.free ||
      std::max(zone.free_unmovable, Pages(0)) + std::max(zone.free_reclaimable, Pages(0)) > zone.free) {
    return Contradiction{where + ".highatomic_reserved_pages",
                         name + " has more pages in highatomic, unmovable or reclaimable blocks than it has"};
  }
  return std::nullopt;
}

Problem check_node(const std::string& where, const NodeSpec& node, const HostSpec& spec) {
  const std::string name = "node " + std::to_string(node.id.value);
  if (auto bad = out_of_range(where + ".id", node.id.value, 0, kNodeIdMax)) return bad;
  if (node.zones.empty()) return Contradiction{where + ".zones", name + " has no populated zone; leave the node out"};
  Pages managed;
  for (size_t i = 0; i < node.zones.size(); ++i) {
    const std::string zone_where = where + "." + at("zones", i);
    if (i > 0 && node.zones[i].kind <= node.zones[i - 1].kind) {
      return Contradiction{zone_where + ".kind", name + " has zone " + zone_name(node.zones[i].kind) +
                                                     " twice or out of order (DMA, DMA32, Normal, Movable, Device)"};
    }
    if (auto bad = check_zone(zone_where, node.zones[i], spec)) return bad;
    managed += node.zones[i].managed;
  }
  if (auto bad = check_lru(where + ".lru_pages", node.lru, managed)) return bad;
  for (const NodeCounter& counter : kNodeCounters) {
    const Pages pages = node.*counter.of;
    if (pages.count() >= 0 && pages <= managed) continue;
    return Contradiction{where + "." + counter.key, name + " counts " + text(pages) + " pages of " + text(managed) +
                                                        " managed; were the figures taken at different times?"};
  }
  if (auto bad = out_of_range(where + ".kernel_stack_kb", node.kernel_stack_kb, 0, kPagesMax * 4)) return bad;
  return std::nullopt;
}

Problem check_topology(const HostSpec& spec) {
  if (spec.nodes.empty()) return Contradiction{"nodes", "the host has no memory; give at least one node"};
  if (spec.nodes.size() > kNodesMax)
    return Contradiction{"nodes", std::to_string(spec.nodes.size()) + " nodes; at most " + std::to_string(kNodesMax) +
                                      " can be modelled"};
  if (spec.cpus.empty()) return Contradiction{"cpus", "no CPU is online; give at least one, for example \"cpus\": [0]"};
  if (spec.cpus.size() > kCpusMax)
    return Contradiction{"cpus", std::to_string(spec.cpus.size()) + " CPUs, the kernel allows 8192"};
  for (size_t i = 0; i < spec.cpus.size(); ++i) {
    if (auto bad = out_of_range(at("cpus", i), spec.cpus[i], 0, kCpusMax - 1)) return bad;
    if (i > 0 && spec.cpus[i] <= spec.cpus[i - 1])
      return Contradiction{at("cpus", i), "CPUs have to ascend, each once"};
  }
  const std::set<int> online(spec.cpus.begin(), spec.cpus.end());
  std::set<int> taken;
  for (size_t i = 0; i < spec.nodes.size(); ++i) {
    const NodeSpec& node = spec.nodes[i];
    const std::string where = at("nodes", i);
    if (i > 0 && node.id <= spec.nodes[i - 1].id) {
      return Contradiction{where + ".id", "node " + std::to_string(node.id.value) +
                                              " comes twice or out of order; number the nodes ascending"};
    }
    for (size_t c = 0; c < node.cpus.size(); ++c) {
      const std::string cpu = "CPU " + std::to_string(node.cpus[c]);
      if (c > 0 && node.cpus[c] <= node.cpus[c - 1])
        return Contradiction{where + ".cpus", cpu + " comes twice or out of order"};
      if (!online.count(node.cpus[c]))
        return Contradiction{where + ".cpus", cpu + " is not online; list it in cpus or take it out"};
      if (!taken.insert(node.cpus[c]).second) return Contradiction{where + ".cpus", cpu + " belongs to two nodes"};
    }
    if (node.distance.size() != spec.nodes.size()) {
      return Contradiction{where + ".distance", std::to_string(node.distance.size()) + " distances for " +
                                                    std::to_string(spec.nodes.size()) + " nodes; give one per node"};
    }
    for (size_t j = 0; j < node.distance.size(); ++j) {
      const int distance = node.distance[j];
      if (i == j ? distance == 10 : (distance > 10 && distance <= 255)) continue;
      return Contradiction{where + ".distance", "distance " + std::to_string(distance) + " from node " +
                                                    std::to_string(node.id.value) + " to node " +
                                                    std::to_string(spec.nodes[j].id.value) +
                                                    "; it is 10 to itself and 11..255 to others"};
    }
  }
  return std::nullopt;
}

Problem check_times(const std::string& where, const DeviceTimes& times) {
  const std::pair<const char*, Nanoseconds> all[] = {{".read_4k_ns", times.read_4k},
                                                     {".write_4k_ns", times.write_4k},
                                                     {".read_128k_ns", times.read_128k},
                                                     {".write_128k_ns", times.write_128k}};
  for (const auto& [name, time] : all) {
    if (auto bad = out_of_range(where + name, time.count(), 0, 60'000'000'000)) return bad;
  }
  return std::nullopt;
}

Problem check_swaps(const HostSpec& spec) {
  std::set<std::string> names;
  if (spec.swaps.size() > kSwapsMax)
    return Contradiction{"swap", std::to_string(spec.swaps.size()) + " swap devices; at most " +
                                     std::to_string(kSwapsMax) + " can be modelled"};
  for (size_t i = 0; i < spec.swaps.size(); ++i) {
    const SwapSpec& swap = spec.swaps[i];
    const std::string where = at("swap", i);
    if (auto bad = out_of_range(where + ".size", swap.size.count(), kPageBytes, kSwapPagesMax << kPageShift))
      return bad;
    if (swap.used.count() < 0 || swap.used > swap.size) {
      return Contradiction{where + ".used", std::to_string(swap.used.count()) + " bytes used of " +
                                                std::to_string(swap.size.count()) + "; used never exceeds size"};
    }
    if (auto bad = out_of_range(where + ".priority", swap.priority, -32768, 32767)) return bad;
    if (!names.insert(swap.name).second) return Contradiction{where + ".name", swap.name + " is listed twice"};
    if (auto bad = out_of_range(where + ".zram_percent", swap.zram_percent, 0, 100)) return bad;
    if (auto bad = check_times(where, swap.times)) return bad;
  }
  return std::nullopt;
}

Problem check_zswap(const HostSpec& spec) {
  const ZswapSpec& zswap = spec.zswap;
  const std::pair<const char*, int> percents[] = {{"max_pool_percent", zswap.max_pool_percent},
                                                  {"accept_threshold_percent", zswap.accept_threshold_percent},
                                                  {"same_filled_percent", zswap.same_filled_percent}};
  for (const auto& [name, percent] : percents) {
    if (auto bad = out_of_range(std::string("zswap.") + name, percent, 0, 100)) return bad;
  }
  if (auto bad = out_of_range("zswap.stored_percent", zswap.stored_percent, 1, 100)) return bad;
  for (const Nanoseconds time : {zswap.compress, zswap.decompress}) {
    if (auto bad = out_of_range("zswap.compress_ns", time.count(), 0, 1'000'000'000'000)) return bad;
  }
  return out_of_range("zswap.pool_pages", zswap.pool.count(), 0, spec.total_ram.count());
}

Problem check_processes(const HostSpec& spec) {
  for (size_t i = 0; i < spec.processes.size(); ++i) {
    const ProcessSpec& process = spec.processes[i];
    const std::string where = at("processes", i);
    if (auto bad = out_of_range(where + ".pid", process.pid, 1, 4'194'304)) return bad;
    if (i > 0 && process.pid <= spec.processes[i - 1].pid) {
      return Contradiction{where + ".pid", "pid " + std::to_string(process.pid) +
                                               " comes twice or out of order; list processes by ascending pid"};
    }
    for (Pages pages : {process.rss_anon, process.rss_file, process.rss_shmem, process.swap_entries}) {
      if (auto bad = out_of_range(where, pages.count(), 0, kPagesMax)) return bad;
    }
    const Pages rss = process.rss_anon + process.rss_file + process.rss_shmem;
    if (rss > spec.total_ram) {
      return Contradiction{where + ".rss_anon_pages", "pid " + std::to_string(process.pid) + " has " + text(rss) +
                                                          " resident pages on a host of " + text(spec.total_ram)};
    }
    if (auto bad = out_of_range(where + ".total_vm_pages", process.total_vm.count(), 0, int64_t{1} << 45)) return bad;
    if (auto bad = out_of_range(where + ".page_tables", process.page_tables.count(), 0, kPagesMax << kPageShift))
      return bad;
    if (auto bad = out_of_range(where + ".oom_score_adj", process.oom_score_adj, -1000, 1000)) return bad;
  }
  return std::nullopt;
}

Problem check_settings(const HostSpec& spec) {
  for (const VmField& field : vm_fields()) {
    if (auto bad = out_of_range(std::string("vm.") + field.name, field.get(spec.vm), field.min, field.max)) return bad;
  }
  for (size_t i = 0; i < spec.vm.lowmem_reserve_ratio.size(); ++i) {
    if (auto bad = out_of_range(at("vm.lowmem_reserve_ratio", i), spec.vm.lowmem_reserve_ratio[i], 0, 1 << 30))
      return bad;
  }
  if (auto bad = check_times("disk", spec.disk)) return bad;
  if (auto bad = out_of_range("calibration.page_fault_ns", spec.calibration.page_fault.count(), 0, 1'000'000'000))
    return bad;
  if (auto bad = out_of_range("calibration.page_touch_ps", spec.calibration.page_touch_ps, 0, 1'000'000'000))
    return bad;
  if (auto bad =
          out_of_range("calibration.cpu_loop_20m_ns", spec.calibration.cpu_loop_20m.count(), 0, 3'600'000'000'000))
    return bad;
  if (spec.cgroups.size() > kCgroupsMax)
    return Contradiction{"cgroups", std::to_string(spec.cgroups.size()) + " cgroups; at most " +
                                        std::to_string(kCgroupsMax) + " can be modelled"};
  const CgroupSpec& cgroup = spec.cgroup;
  const std::pair<const char*, int64_t> limits[] = {{"memory.max", cgroup.memory_max},
                                                    {"memory.high", cgroup.memory_high},
                                                    {"memory.low", cgroup.memory_low},
                                                    {"memory.min", cgroup.memory_min},
                                                    {"memory.swap.max", cgroup.memory_swap_max},
                                                    {"memory.swap.high", cgroup.memory_swap_high},
                                                    {"memory.zswap.max", cgroup.memory_zswap_max},
                                                    {"memory.memsw.limit_in_bytes", cgroup.memory_memsw_max},
                                                    {"memory.soft_limit_in_bytes", cgroup.memory_soft_limit}};
  for (const auto& [name, bytes] : limits) {
    if (auto bad = out_of_range(std::string("cgroup.") + name, bytes, -1, kPagesMax << kPageShift)) return bad;
  }
  const VfsCacheSpec& vfs = spec.vfs_cache;
  const std::pair<const char*, int64_t> objects[] = {{"dentries_unused", vfs.dentries_unused},
                                                     {"dentries_negative", vfs.dentries_negative},
                                                     {"inodes", vfs.inodes},
                                                     {"inodes_unused", vfs.inodes_unused}};
  for (const auto& [name, count] : objects) {
    if (auto bad = out_of_range(std::string("vfs_cache.") + name, count, 0, int64_t{1} << 40)) return bad;
  }
  if (const auto bad = out_of_range("buffers_pages", spec.buffers.count(), 0, int64_t{1} << 48)) return bad;
  if (const auto bad = out_of_range("shared_anon_pages", spec.shared_anon.count(), 0, int64_t{1} << 48)) return bad;
  if (const auto bad = out_of_range("hugetlb_pages", spec.hugetlb.count(), 0, spec.total_ram.count())) return bad;
  return out_of_range("committed_as_pages", spec.committed_as.count(), 0, int64_t{1} << 48);
}

Problem check_files(const HostSpec& spec) {
  Pages listed, named;
  for (const NodeSpec& node : spec.nodes) {
    for (const ZoneSpec& zone : node.zones) listed += zone.lru.inactive_file + zone.lru.active_file;
  }
  for (size_t i = 0; i < spec.page_cache.size(); ++i) {
    const CachedFileSpec& file = spec.page_cache[i];
    if (auto bad = out_of_range(at("page_cache", i) + ".bytes", file.bytes.count(), 0, kPagesMax << kPageShift))
      return bad;
    if (auto bad = out_of_range(at("page_cache", i) + ".dirty_bytes", file.dirty.count(), 0, file.bytes.count()))
      return bad;
    if (auto bad = out_of_range(at("page_cache", i) + ".active_percent", file.active_percent, 0, 100)) return bad;
    named += to_pages(file.bytes);
    if (named > listed) {
      return Contradiction{at("page_cache", i) + ".bytes",
                           "the files named so far have " + text(named) + " pages, the host's file lists only " +
                               text(listed) + "; give more in lru_pages, or leave lru_pages out of all nodes"};
    }
  }
  for (size_t i = 0; i < spec.background.size(); ++i) {
    const BackgroundSpec& actor = spec.background[i];
    if (auto bad =
            out_of_range(at("background", i) + ".file_bytes", actor.file_size.count(), 1, kPagesMax << kPageShift))
      return bad;
    if ((actor.read_bytes_s > 0) != (actor.write_bytes_s > 0)) continue;
    return Contradiction{at("background", i) + ".read_bytes_s",
                         "either read_bytes_s or write_bytes_s has to be given; for both, write two entries"};
  }
  return std::nullopt;
}

Problem check_tmpfs(const HostSpec& spec) {
  for (size_t i = 0; i < spec.tmpfs.size(); ++i) {
    const TmpfsSpec& tmpfs = spec.tmpfs[i];
    const std::string where = at("tmpfs", i);
    if (!tmpfs.mount.starts_with('/'))
      return Contradiction{where + ".mount", quote(tmpfs.mount) + " does not begin with /"};
    const int64_t most = to_bytes(Pages(kPagesMax)).count();
    if (auto bad = out_of_range(where + ".size", tmpfs.size.value_or(Bytes(0)).count(), 0, most)) return bad;
  }
  return std::nullopt;
}

Problem check_totals(const HostSpec& spec) {
  Pages managed, present;
  for (const NodeSpec& node : spec.nodes) {
    for (const ZoneSpec& zone : node.zones) {
      managed += zone.managed;
      present += zone.present;
    }
  }
  if (managed.count() > kPagesMax) return Contradiction{"nodes", text(managed) + " managed pages are more than 64 TiB"};
  // MemTotal is the sum of the managed pages but for a balloon or a hotplug, which let it lie anywhere up to present.
  if (spec.total_ram + managed / 16 >= managed && spec.total_ram <= present + present / 16) return std::nullopt;
  return Contradiction{"total_ram_pages", "MemTotal is " + text(spec.total_ram) + " pages but the zones manage " +
                                              text(managed) +
                                              "; do both come from the same machine, whole? "
                                              "In a container meminfo may show its limit: take it from the host"};
}

}  // namespace

std::optional<Contradiction> find_contradiction(const HostSpec& spec) {
  if (auto bad = check_topology(spec)) return bad;
  for (size_t i = 0; i < spec.nodes.size(); ++i) {
    if (auto bad = check_node(at("nodes", i), spec.nodes[i], spec)) return bad;
  }
  if (auto bad = check_totals(spec)) return bad;
  if (auto bad = check_swaps(spec)) return bad;
  if (auto bad = check_zswap(spec)) return bad;
  if (auto bad = check_processes(spec)) return bad;
  if (auto bad = check_files(spec)) return bad;
  if (auto bad = check_tmpfs(spec)) return bad;
  return check_settings(spec);
}

Result<void> validate(const HostSpec& spec) {
  if (auto bad = find_contradiction(spec)) return Error{"host " + spec.name + ": " + bad->field + ": " + bad->message};
  return {};
}

}  // namespace oomcast::host
