// Reads the zones: free memory, marks, reserves, buddy lists; and the huge pages of a node.
#include "model/spec/field_names.h"
#include "report/oomlog/line_fields.h"
#include "report/oomlog/parts.h"

namespace oomcast::oomlog {
namespace {

bool is_zone(std::string_view name) { return host::zone_kind(name) || name == "HighMem"; }

struct Place {
  int node = 0;
  std::string_view zone, rest;
};

/// "Node 0 DMA32 free:..."; kernels without NUMA print "DMA32 free:...".
std::optional<Place> place_of(std::string_view line) {
  Place place;
  if (line.starts_with("Node ")) {
    line.remove_prefix(5);
    const auto node = leading_number(line);
    if (!node || *node < 0 || *node > 1023) return std::nullopt;
    place.node = static_cast<int>(*node);
    line = trimmed(line.substr(std::min(line.find(' '), line.size())));
  }
  const size_t end = line.find_first_of(" :");
  if (end == std::string_view::npos || !is_zone(line.substr(0, end))) return std::nullopt;
  place.zone = line.substr(0, end);
  place.rest = line.substr(end);
  return place;
}

ZoneReport* zone_at(OomReport& report, const Place& place) {
  for (ZoneReport& zone : report.zones)
    if (zone.node == place.node && zone.name == place.zone) return &zone;
  return nullptr;
}

/// ": 8*4kB (UME) 3*8kB ... = 24752kB".
void read_buddy(std::string_view text, ZoneReport& zone, OomReport& report) {
  std::vector<int64_t> blocks;
  std::vector<std::string> lists;
  int64_t first_kb = 0;
  for (const std::string_view word : words_of(text)) {
    if (word.starts_with('(') && word.ends_with(')') && !lists.empty()) lists.back() = word.substr(1, word.size() - 2);
    const size_t star = word.find('*');
    if (star == std::string_view::npos) continue;
    const auto count = whole_number(word.substr(0, star)), size = leading_number(word.substr(star + 1));
    if (!count || !size || *count < 0 || *size <= 0 || blocks.size() > 16) return;
    // Each order's block size is twice the one before. A line that lost a word in the middle is ignored.
    if (first_kb == 0) first_kb = *size;
    if (first_kb > 256 || *size != first_kb << blocks.size()) return;
    blocks.push_back(*count);
    lists.emplace_back();
  }
  if (blocks.empty()) return;
  report.page_kb = first_kb;
  report.page_kb_known = true;
  zone.free_blocks = std::move(blocks);
  zone.free_lists = std::move(lists);
}

bool read_huge_pages(std::string_view line, OomReport& report) {
  const auto total = number_after(line, "hugepages_total="), free = number_after(line, "hugepages_free="),
             size = number_after(line, "hugepages_size=");
  if (!total || !free || !size) return false;
  const auto node = number_after(line, "Node ");
  const auto sane = [](int64_t value) { return value >= 0 && value < int64_t{1} << 24; };
  if (sane(*total) && sane(*free) && sane(*size))
    report.huge_pages.push_back(
        {static_cast<int>(std::min<int64_t>(std::max<int64_t>(node.value_or(0), 0), 1023)), *total, *free, *size});
  return true;
}

}  // namespace

bool read_zones(std::string_view line, OomReport& report) {
  if (line.starts_with("lowmem_reserve[]:")) {
    if (report.zones.empty() || !report.zones.back().lowmem_reserve.empty()) return true;
    for (const std::string_view word : words_of(line.substr(17))) {
      const auto pages = whole_number(word);
      if (!pages || *pages < 0) break;
      report.zones.back().lowmem_reserve.push_back(*pages);
    }
    return true;
  }
  if (line.find("hugepages_total=") != std::string_view::npos) return read_huge_pages(line, report);
  const std::optional<Place> place = place_of(line);
  if (!place) return false;
  if (trimmed(place->rest).starts_with("free:")) {
    if (zone_at(report, *place)) return true;  // a second copy of the line
    ZoneReport& zone = report.zones.emplace_back();
    zone.node = place->node;
    zone.name = place->zone;
    read_counters(place->rest, zone.kb);
    return true;
  }
  if (!place->rest.starts_with(":")) return false;  // "Node 0 DMA per-cpu:" of old kernels
  if (ZoneReport* zone = zone_at(report, *place)) read_buddy(place->rest, *zone, report);
  return true;
}

}  // namespace oomcast::oomlog
