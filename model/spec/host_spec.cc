// Names of zones, modes and sysctls. See field_names.h.
#include "model/spec/host_spec.h"

#include <limits>

#include "model/spec/field_names.h"
#include "model/spec/parse_text.h"

namespace oomcast::host {
namespace {

constexpr int64_t kIntMax = std::numeric_limits<int>::max();
constexpr int64_t kKilobytesMax = int64_t{1} << 36;  // 64 TiB
constexpr int64_t kBytesMax = int64_t{1} << 46;

}  // namespace

const char* zone_name(ZoneKind kind) {
  switch (kind) {
    case ZoneKind::kDma:
      return "DMA";
    case ZoneKind::kDma32:
      return "DMA32";
    case ZoneKind::kNormal:
      return "Normal";
    case ZoneKind::kMovable:
      return "Movable";
    case ZoneKind::kDevice:
      return "Device";
  }
  return "?";
}

std::optional<ZoneKind> zone_kind(std::string_view name) {
  for (int i = 0; i < kZoneKinds; ++i) {
    if (name == zone_name(static_cast<ZoneKind>(i))) return static_cast<ZoneKind>(i);
  }
  return std::nullopt;
}

const char* thp_mode_name(ThpMode mode) {
  switch (mode) {
    case ThpMode::kNever:
      return "never";
    case ThpMode::kMadvise:
      return "madvise";
    case ThpMode::kAlways:
      return "always";
  }
  return "?";
}

std::optional<ThpMode> thp_mode(std::string_view name) {
  for (ThpMode mode : {ThpMode::kNever, ThpMode::kMadvise, ThpMode::kAlways}) {
    if (name == thp_mode_name(mode)) return mode;
  }
  return std::nullopt;
}

const char* thp_defrag_name(ThpDefrag defrag) {
  switch (defrag) {
    case ThpDefrag::kNever:
      return "never";
    case ThpDefrag::kMadvise:
      return "madvise";
    case ThpDefrag::kDefer:
      return "defer";
    case ThpDefrag::kDeferMadvise:
      return "defer+madvise";
    case ThpDefrag::kAlways:
      return "always";
  }
  return "?";
}

std::optional<ThpDefrag> thp_defrag(std::string_view name) {
  for (ThpDefrag defrag :
       {ThpDefrag::kNever, ThpDefrag::kMadvise, ThpDefrag::kDefer, ThpDefrag::kDeferMadvise, ThpDefrag::kAlways}) {
    if (name == thp_defrag_name(defrag)) return defrag;
  }
  return std::nullopt;
}

const char* memory_qos_name(MemoryQos qos) {
  switch (qos) {
    case MemoryQos::kOff:
      return "off";
    case MemoryQos::kMin:
      return "min";
    case MemoryQos::kTiered:
      return "tiered";
  }
  return "?";
}

std::optional<MemoryQos> memory_qos(std::string_view name) {
  for (const MemoryQos qos : {MemoryQos::kOff, MemoryQos::kMin, MemoryQos::kTiered})
    if (name == memory_qos_name(qos)) return qos;
  return std::nullopt;
}

const char* lru_name(LruKind lru) {
  switch (lru) {
    case LruKind::kClassic:
      return "classic";
    case LruKind::kMultiGen:
      return "mglru";
  }
  return "?";
}

std::optional<LruKind> lru_kind(std::string_view name) {
  if (name == "classic") return LruKind::kClassic;
  if (name == "mglru") return LruKind::kMultiGen;
  return std::nullopt;
}

std::optional<KernelVersion> kernel_version(std::string_view release) {
  const size_t dot = release.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view rest = release.substr(dot + 1);
  const auto major = parse_integer(release.substr(0, dot), 0, 999);
  const auto minor = parse_integer(rest.substr(0, rest.find_first_not_of("0123456789")), 0, 9999);
  if (!major || !minor) return std::nullopt;
  return KernelVersion{static_cast<int>(*major), static_cast<int>(*minor)};
}

int64_t VmField::get(const VmTunables& vm) const {
  return std::visit([&](auto pointer) { return static_cast<int64_t>(vm.*pointer); }, member);
}

void VmField::set(VmTunables& vm, int64_t value) const {
  std::visit([&](auto pointer) { vm.*pointer = static_cast<std::remove_reference_t<decltype(vm.*pointer)>>(value); },
             member);
}

const std::vector<VmField>& vm_fields() {
  using V = VmTunables;
  static const std::vector<VmField> fields = {
      {"min_free_kbytes", "proc/sys/vm/min_free_kbytes", &V::min_free_kbytes, -1, kKilobytesMax},
      {"watermark_scale_factor", "proc/sys/vm/watermark_scale_factor", &V::watermark_scale_factor, 1, 3000},
      {"watermark_boost_factor", "proc/sys/vm/watermark_boost_factor", &V::watermark_boost_factor, 0, kIntMax},
      {"percpu_pagelist_high_fraction", "proc/sys/vm/percpu_pagelist_high_fraction", &V::percpu_pagelist_high_fraction,
       0, kIntMax},
      {"swappiness", "proc/sys/vm/swappiness", &V::swappiness, 0, 200},
      {"page_cluster", "proc/sys/vm/page-cluster", &V::page_cluster, 0, 31},
      {"zone_reclaim_mode", "proc/sys/vm/zone_reclaim_mode", &V::zone_reclaim_mode, 0, kIntMax},
      {"min_unmapped_ratio", "proc/sys/vm/min_unmapped_ratio", &V::min_unmapped_ratio, 0, 100},
      {"min_slab_ratio", "proc/sys/vm/min_slab_ratio", &V::min_slab_ratio, 0, 100},
      {"vfs_cache_pressure", "proc/sys/vm/vfs_cache_pressure", &V::vfs_cache_pressure, 0, kIntMax},
      {"dirty_ratio", "proc/sys/vm/dirty_ratio", &V::dirty_ratio, 0, 100},
      {"dirty_background_ratio", "proc/sys/vm/dirty_background_ratio", &V::dirty_background_ratio, 0, 100},
      {"dirty_bytes", "proc/sys/vm/dirty_bytes", &V::dirty_bytes, 0, kBytesMax},
      {"dirty_background_bytes", "proc/sys/vm/dirty_background_bytes", &V::dirty_background_bytes, 0, kBytesMax},
      {"dirty_expire_centisecs", "proc/sys/vm/dirty_expire_centisecs", &V::dirty_expire_centisecs, 0, kIntMax},
      {"dirty_writeback_centisecs", "proc/sys/vm/dirty_writeback_centisecs", &V::dirty_writeback_centisecs, 0, kIntMax},
      {"overcommit_memory", "proc/sys/vm/overcommit_memory", &V::overcommit_memory, 0, 2},
      {"overcommit_ratio", "proc/sys/vm/overcommit_ratio", &V::overcommit_ratio, 0, kIntMax},
      {"overcommit_kbytes", "proc/sys/vm/overcommit_kbytes", &V::overcommit_kbytes, 0, kKilobytesMax},
      {"admin_reserve_kbytes", "proc/sys/vm/admin_reserve_kbytes", &V::admin_reserve_kbytes, 0, kKilobytesMax},
      {"user_reserve_kbytes", "proc/sys/vm/user_reserve_kbytes", &V::user_reserve_kbytes, 0, kKilobytesMax},
      {"max_map_count", "proc/sys/vm/max_map_count", &V::max_map_count, 0, kIntMax},
      {"panic_on_oom", "proc/sys/vm/panic_on_oom", &V::panic_on_oom, 0, 2},
      {"oom_kill_allocating_task", "proc/sys/vm/oom_kill_allocating_task", &V::oom_kill_allocating_task, 0, kIntMax},
      {"numa_balancing", "proc/sys/kernel/numa_balancing", &V::numa_balancing, 0, 3},
      {"lru_gen_min_ttl_ms", "sys/kernel/mm/lru_gen/min_ttl_ms", &V::lru_gen_min_ttl_ms, 0, kIntMax},
      {"khugepaged_scan_sleep_ms", "sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs",
       &V::khugepaged_scan_sleep_ms, 0, kIntMax, true},
      {"khugepaged_alloc_sleep_ms", "sys/kernel/mm/transparent_hugepage/khugepaged/alloc_sleep_millisecs",
       &V::khugepaged_alloc_sleep_ms, 0, kIntMax, true},
      {"khugepaged_pages_to_scan", "sys/kernel/mm/transparent_hugepage/khugepaged/pages_to_scan",
       &V::khugepaged_pages_to_scan, 1, kIntMax, true},
      {"khugepaged_max_ptes_none", "sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none",
       &V::khugepaged_max_ptes_none, 0, 511, true},
      {"khugepaged_max_ptes_swap", "sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_swap",
       &V::khugepaged_max_ptes_swap, 0, 511, true},
      {"khugepaged_max_ptes_shared", "sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_shared",
       &V::khugepaged_max_ptes_shared, 0, 511, true},
      {"khugepaged_defrag", "sys/kernel/mm/transparent_hugepage/khugepaged/defrag", &V::khugepaged_defrag, 0, 1, true},
  };
  return fields;
}

bool root_in_memory(const HostSpec& spec) {
  constexpr int64_t kNoPageCache = 256;  // 1 MiB: no program was ever read from a disk
  int64_t file_pages = 0;
  for (const NodeSpec& node : spec.nodes) file_pages += (node.lru.active_file + node.lru.inactive_file).count();
  return file_pages < kNoPageCache;
}

}  // namespace oomcast::host
