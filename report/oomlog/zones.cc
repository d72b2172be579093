// Computes zones of a request. See zones.h.
#include "report/oomlog/zones.h"

#include <algorithm>

#include "model/spec/parse_text.h"
#include "report/oomlog/facts.h"

namespace oomcast::oomlog {
namespace {

// GFP bits that are the same from 3.10 to 6.12 (include/linux/gfp_types.h).
constexpr int64_t kDma = 0x1, kHighmem = 0x2, kDma32 = 0x4, kMovable = 0x8, kHigh = 0x20, kIo = 0x40, kFs = 0x80;

using Columns = std::vector<std::string_view>;

std::optional<size_t> place_of(const Columns& columns, std::string_view zone) {
  const auto at = std::find(columns.begin(), columns.end(), zone);
  return at == columns.end() ? std::nullopt : std::optional(static_cast<size_t>(at - columns.begin()));
}

bool is_shown(const OomReport& report, std::string_view zone) {
  return std::any_of(report.zones.begin(), report.zones.end(),
                     [&](const ZoneReport& each) { return each.name == zone; });
}

/// How often the printed reserves contradict this order of zones: a zone keeps nothing from itself and lower zones, and
/// something from each higher zone that has memory.
int contradictions(const OomReport& report, const Columns& columns) {
  int count = 0;
  for (const ZoneReport& zone : report.zones) {
    const auto own = place_of(columns, zone.name);
    if (!own) return 1000;
    for (size_t i = 0; i < zone.lowmem_reserve.size() && i <= *own; ++i) count += zone.lowmem_reserve[i] != 0;
    for (const ZoneReport& other : report.zones)
      if (const auto higher = place_of(columns, other.name); other.node == zone.node && higher && *higher > *own &&
                                                             *higher < zone.lowmem_reserve.size() &&
                                                             managed_kb(other) > 0)
        count += zone.lowmem_reserve[*higher] == 0;
  }
  return count;
}

/// The zones of the kernel, lowest first: the columns of lowmem_reserve[]. The report does not name them; which there
/// are depends on the architecture.
Columns zone_columns(const OomReport& report) {
  size_t printed = 0;
  for (const ZoneReport& zone : report.zones) printed = std::max(printed, zone.lowmem_reserve.size());
  const bool high = has_high_memory(report);
  Columns best{"DMA", "DMA32", "Normal", high ? "HighMem" : "Movable", high ? "Movable" : "Device"};
  int least = 1000;
  for (const bool device : {true, false})
    for (const bool dma32 : {true, false})
      for (const bool dma : {true, false}) {
        Columns columns;
        if (dma) columns.push_back("DMA");
        if (dma32) columns.push_back("DMA32");
        columns.push_back("Normal");
        if (high) columns.push_back("HighMem");
        columns.push_back("Movable");
        if (device) columns.push_back("Device");
        if (columns.size() != printed) continue;
        if (const int count = contradictions(report, columns); count < least) {
          least = count;
          best = columns;
        }
      }
  return best;
}

/// gfp_zone().
std::string_view highest_of(int64_t mask, const Columns& columns) {
  if ((mask & kDma) && place_of(columns, "DMA")) return "DMA";
  if ((mask & kDma32) && !(mask & kDma) && place_of(columns, "DMA32")) return "DMA32";
  if ((mask & kHighmem) && (mask & kMovable)) return "Movable";
  return (mask & kHighmem) && place_of(columns, "HighMem") ? "HighMem" : "Normal";
}

/// Letters of the free lists that hold blocks of an order. H is for atomic requests, C for movable ones, I for nobody.
bool may_take(const std::string& lists, bool movable, bool urgent) {
  return lists.empty() || lists.find_first_of(movable ? "UMERC" : urgent ? "UMERH" : "UMER") != std::string::npos;
}

}  // namespace

std::optional<std::vector<int>> nodes_in(const std::string& list) {
  if (list.empty() || list == "(null)") return std::nullopt;
  return host::parse_cpu_list(list);
}

bool has_node_constraint(const OomReport& report) {
  return report.constraint == "CONSTRAINT_CPUSET" || report.constraint == "CONSTRAINT_MEMORY_POLICY";
}

bool has_policy(const OomReport& report) {
  if (!report.constraint.empty()) return report.constraint == "CONSTRAINT_MEMORY_POLICY";
  const auto mask = nodes_in(report.request.nodemask), cpuset = nodes_in(report.request.mems_allowed);
  if (!mask || mask->empty() || mask == cpuset) return false;
  return cpuset ? cpuset->size() > 1 : report.request.nodemask != "0";
}

bool node_allowed(const OomReport& report, int node) {
  for (const std::string* list : {&report.request.nodemask, &report.request.mems_allowed}) {
    const auto nodes = nodes_in(*list);
    if (nodes && !nodes->empty() && std::find(nodes->begin(), nodes->end(), node) == nodes->end()) return false;
  }
  return true;
}

bool has_high_memory(const OomReport& report) {
  if (is_shown(report, "HighMem")) return true;
  if (report.movable_only_pages.value_or(0) == 0 || report.page_kb != 4) return false;
  for (const char* name : {"x86_64", "amd64", "aarch64", "arm64", "ppc64", "s390x"})
    if (report.kernel_release.find(name) != std::string::npos) return false;
  return !is_shown(report, "Movable") && !is_shown(report, "DMA32");
}

std::string_view highest_zone(const OomReport& report) {
  return report.request.gfp_mask ? highest_of(*report.request.gfp_mask, zone_columns(report)) : "Movable";
}

bool for_low_zone(const OomReport& report) {
  const std::string_view highest = highest_zone(report);
  return highest == "DMA" || highest == "DMA32";
}

std::string purpose_of(const OomReport& report) {
  if (!report.request.gfp_mask) return "";
  const int64_t mask = *report.request.gfp_mask;
  const std::string_view highest = highest_zone(report);
  if (highest == "DMA") return "memory of the kernel's for a device that reaches only zone DMA";
  if (highest == "DMA32") return "memory of the kernel's for a device that reaches only 4 GiB";
  if ((mask & kHighmem) && (mask & kMovable)) return "memory of a program or the cache of a file";
  if (mask & kHighmem) return "memory of a program that cannot be moved";
  if (could_not_wait(report)) return "memory of the kernel's, wanted at once";
  if (!(mask & kIo)) return "memory of the kernel's, by code that must not start I/O (GFP_NOIO)";
  if (!(mask & kFs)) return "memory of the kernel's, by code of a file system that must not enter it again (GFP_NOFS)";
  return "memory of the kernel's own: page tables, stacks, buffers, or objects of slab";
}

int64_t managed_kb(const ZoneReport& zone) { return zone.kb.get(zone.kb.has("managed") ? "managed" : "present"); }

int64_t managed_kb(const OomReport& report) {
  int64_t sum = 0;
  for (const ZoneReport& zone : report.zones) sum += managed_kb(zone);
  return sum;
}

bool could_not_wait(const OomReport& report) {
  const std::string& names = report.request.gfp_names;
  return names.find("GFP_ATOMIC") != std::string::npos || names.find("GFP_NOWAIT") != std::string::npos;
}

int64_t mark_kb(const OomReport& report, const ZoneReport& zone) {
  int64_t mark = zone.kb.get("min");
  // __zone_watermark_ok(): urgent requests may take half of what is kept, and if they cannot wait a quarter of the rest
  // and the highatomic reserve.
  if (report.request.gfp_mask.value_or(0) & kHigh) mark -= mark / 2;
  if (could_not_wait(report)) return mark - mark / 4;
  // __zone_watermark_unusable_free(): before 6.13 all of the reserve counts, then what is free of it.
  return mark + zone.kb.get(zone.kb.has("free_highatomic") ? "free_highatomic" : "reserved_highatomic");
}

std::vector<ZoneState> zone_states(const OomReport& report) {
  const int64_t mask = report.request.gfp_mask.value_or(kHighmem | kMovable);
  const bool movable = (mask & kMovable) != 0;
  const int order = std::max(0, report.request.order.value_or(0));
  const Columns columns = zone_columns(report);
  const size_t highest = place_of(columns, highest_of(mask, columns)).value_or(columns.size() - 1);
  std::vector<ZoneState> states;
  for (const ZoneReport& zone : report.zones) {
    ZoneState& state = states.emplace_back();
    state.zone = &zone;
    state.allowed_node = node_allowed(report, zone.node);
    const auto own = place_of(columns, zone.name);
    state.usable = state.allowed_node && own && *own <= highest;
    state.free_kb = zone.kb.get("free") - (movable ? 0 : std::min(zone.kb.get("free"), zone.kb.get("free_cma")));
    state.needed_kb = mark_kb(report, zone);
    if (!zone.lowmem_reserve.empty()) {
      const size_t at = std::min(highest, zone.lowmem_reserve.size() - 1);
      state.needed_kb += std::min(zone.lowmem_reserve[at], kCountLimit) * report.page_kb;
    }
    for (size_t i = static_cast<size_t>(order); i < zone.free_blocks.size(); ++i) {
      const bool takes = i >= zone.free_lists.size() || may_take(zone.free_lists[i], movable, could_not_wait(report));
      (takes ? state.in_order_kb : state.kept_in_order_kb) +=
          std::min(zone.free_blocks[i], kCountLimit) * (report.page_kb << i);
    }
  }
  return states;
}

bool lacks_pieces(const OomReport& report, const ZoneState& state) {
  const int order = report.request.order.value_or(0);
  if (order <= 0 || state.above_kb() <= 0 || state.zone->free_blocks.empty()) return false;
  // Before 4.4 __zone_watermark_ok() wanted a part of the min mark in pieces that large; since then one piece is
  // enough.
  const bool old = version_of(report).version < host::KernelVersion{4, 4};
  return state.in_order_kb == 0 || (old && state.in_order_kb <= state.zone->kb.get("min") >> std::min(order, 20));
}

bool fragmented(const OomReport& report) {
  return !report.memcg && std::ranges::any_of(zone_states(report), [&](const ZoneState& state) {
    return state.usable && lacks_pieces(report, state);
  });
}

bool only_programs_had_room(const OomReport& report) {
  const std::string_view highest = highest_zone(report);
  if (highest == "Movable" || for_low_zone(report) || report.memcg) return false;
  if (has_high_memory(report) && highest != "HighMem" && !is_shown(report, "HighMem")) return true;
  return std::ranges::any_of(zone_states(report), [](const ZoneState& state) {
    return (state.zone->name == "Movable" || state.zone->name == "HighMem") && !state.usable && state.allowed_node &&
           state.above_kb() > 0;
  });
}

}  // namespace oomcast::oomlog
