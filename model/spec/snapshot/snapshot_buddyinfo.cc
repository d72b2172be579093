// Reads the sizes of a zone's free blocks: proc/buddyinfo by order, proc/pagetypeinfo by order and migrate type.
#include <algorithm>

#include "model/spec/defaults.h"
#include "model/spec/field_names.h"
#include "model/spec/parse_text.h"
#include "model/spec/snapshot/snapshot_reader.h"

namespace oomcast::host {
namespace {

constexpr int64_t kPagesMax = int64_t{1} << 34;  // 64 TiB

}  // namespace

void read_buddyinfo(SnapshotReader& reader) {
  constexpr const char* path = "proc/buddyinfo";
  const std::string* text = reader.text(path);
  if (!text) {
    for (NodeSpec& node : reader.spec.nodes) {
      for (ZoneSpec& zone : node.zones) unfragment(zone);
    }
    reader.assume("free_blocks", "unfragmented", "no proc/buddyinfo");
    return;
  }
  for (const Line& line : lines(*text)) {
    const std::vector<std::string_view> word = words(line.text);
    if (word.empty()) continue;
    // "Node 0, zone    DMA32      4      3 ..."
    if (word.size() < 4 + 11 || word[0] != "Node" || word[2] != "zone" || !word[1].ends_with(",")) {
      return reader.fail(path, line.number, "expected 'Node N, zone NAME' and eleven counts; is the file cut off?");
    }
    const auto id = parse_integer(word[1].substr(0, word[1].size() - 1), 0, 1023);
    const auto kind = zone_kind(word[3]);
    if (!id || !kind)
      return reader.fail(path, line.number, "zone " + quote(word[3]) + " of node " + quote(word[1]) + " is unknown");
    for (NodeSpec& node : reader.spec.nodes) {
      for (ZoneSpec& zone : node.zones) {
        if (node.id.value != *id || zone.kind != *kind) continue;
        for (size_t order = 0; order < zone.free_blocks.size(); ++order) {
          const auto blocks = parse_integer(word[4 + order], 0, kPagesMax >> order);
          if (!blocks)
            return reader.fail(path, line.number,
                               "free blocks of order " + std::to_string(order) + " are " + quote(word[4 + order]) +
                                   ", expected a number");
          zone.free_blocks[order] = *blocks;
        }
        int64_t pages = 0;
        for (size_t order = 0; order < zone.free_blocks.size(); ++order) pages += zone.free_blocks[order] << order;
        if (pages > zone.managed.count())
          return reader.fail(path, line.number,
                             std::to_string(pages) + " pages in free blocks, but proc/zoneinfo has " +
                                 std::to_string(zone.managed.count()) +
                                 " managed in that zone; copy both from the same machine");
      }
    }
  }
}

namespace {

constexpr const char* kPageTypes = "proc/pagetypeinfo";

ZoneSpec* zone_of(HostSpec& spec, std::string_view node_word, std::string_view zone_word) {
  for (NodeSpec& node : spec.nodes)
    for (ZoneSpec& zone : node.zones)
      if (std::to_string(node.id.value) + "," == node_word && zone_name(zone.kind) == zone_word) return &zone;
  return nullptr;
}

// "Node    0, zone    DMA32, type    Unmovable      4      3 ..."; a count above 100000 is printed as ">100000". Whole
// free pageblocks are not counted (kHugeOrder is pageblock_order): the kernel changes their type without a fallback
// that matters.
void read_free_by_type(SnapshotReader& reader, int line, const std::vector<std::string_view>& word) {
  constexpr size_t kFirstCount = 6;
  const bool highatomic = word[5] == "HighAtomic";
  if (!highatomic && word[5] != "Unmovable" && word[5] != "Reclaimable") return;
  int64_t pages = 0;
  for (size_t order = 0; order < 11; ++order) {
    std::string_view count = order + kFirstCount < word.size() ? word[order + kFirstCount] : "";
    if (count.starts_with(">")) count.remove_prefix(1);
    const auto blocks = parse_integer(count, 0, kPagesMax >> order);
    if (!blocks)
      return reader.fail(kPageTypes, line,
                         "free blocks of order " + std::to_string(order) + " are " + quote(count) +
                             ", expected a number; is the file cut off?");
    if (highatomic || order < kHugeOrder) pages += *blocks << order;
  }
  ZoneSpec* zone = zone_of(reader.spec, word[1], word[3].substr(0, word[3].size() - 1));
  if (zone == nullptr) return;
  // The files of a snapshot are read one after the other: the sum is limited to the zone's free pages.
  const Pages others =
      highatomic ? Pages(0) : std::max(zone->free_unmovable, Pages(0)) + std::max(zone->free_reclaimable, Pages(0));
  const Pages free_here = std::min(Pages(pages), zone->free - others);
  if (highatomic)
    zone->highatomic_free = free_here;
  else if (word[5] == "Unmovable")
    zone->free_unmovable = free_here;
  else
    zone->free_reclaimable = free_here;
}

}  // namespace

// Two tables: free blocks by type and order; then, after "Number of blocks type Unmovable ...", all pageblocks by type.
void read_pagetypeinfo(SnapshotReader& reader) {
  const std::string* text = reader.text(kPageTypes);
  if (!text) return;
  size_t highatomic_column = 0;
  for (const Line& line : lines(*text)) {
    const std::vector<std::string_view> word = words(line.text);
    if (word.size() > 4 && word[0] == "Number" && word[3] == "type") {
      for (size_t i = 4; i < word.size(); ++i)
        if (word[i] == "HighAtomic") highatomic_column = i;
      continue;
    }
    if (word.size() < 6 || word[0] != "Node") continue;
    if (word[4] == "type") {
      read_free_by_type(reader, line.number, word);
      continue;
    }
    if (highatomic_column == 0 || highatomic_column >= word.size()) continue;
    const auto blocks = parse_integer(word[highatomic_column], 0, kPagesMax >> 9);
    if (!blocks)
      return reader.fail(kPageTypes, line.number,
                         "blocks of type HighAtomic are " + quote(word[highatomic_column]) + ", expected a number");
    if (ZoneSpec* zone = zone_of(reader.spec, word[1], word[3]))
      zone->highatomic_reserved = Pages(std::min(*blocks << 9, zone->managed.count()));
  }
}

}  // namespace oomcast::host
