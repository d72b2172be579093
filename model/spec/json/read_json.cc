// Reads a host that is written as JSON. oomcast.host.v1: as little as nodes and their memory, or every field.
#include <algorithm>

#include "model/spec/defaults.h"
#include "model/spec/field_names.h"
#include "model/spec/json/json_host.h"
#include "model/spec/json/json_object.h"
#include "model/spec/neighbours.h"
#include "model/spec/node_counters.h"
#include "model/spec/parse_text.h"
#include "model/spec/read_host.h"
#include "model/spec/validate.h"
#include "model/spec/watermarks.h"

namespace oomcast::host {
namespace {

using nlohmann::ordered_json;
constexpr int64_t kCountMax = int64_t{1} << 48;

std::string at(const std::string& list, size_t index) { return list + "[" + std::to_string(index) + "]"; }

// Which parts of a zone its file gave; the others follow from the kernel's rules once the whole host is known.
struct ZoneGiven {
  bool free = false, watermarks = false, lowmem_reserve = false, pcp = false, threshold = false, free_blocks = false;
};

class HostReader {
 public:
  HostReader(JsonFile& file, const std::string& name) : file_(file) { spec_.name = name; }

  HostSpec read(const ordered_json& root) {
    JsonObject object(file_, root, "");
    read_identity(object);
    read_nodes(object);
    read_page_cache(object, spec_);
    if (file_.error()) return spec_;
    spread_page_cache();
    settle_topology(object);
    settle_memory(object);
    if (file_.error()) return spec_;
    read_vm(object, spec_);
    if (file_.error()) return spec_;
    settle_zones();
    read_devices(object, spec_);
    read_zswap(object, spec_);
    read_vfs_cache(object, spec_);
    read_processes(object, spec_);
    settle_processes();
    read_background(object, spec_);
    read_cgroup(object, spec_);
    read_tmpfs(object, spec_);
    read_kubelet(object, spec_);
    object.done();
    note_kernel_rules(spec_);
    return spec_;
  }

 private:
  void assume(const std::string& note) { spec_.assumed.push_back(note); }

  void read_identity(JsonObject& object) {
    std::string schema;
    if (!object.text("schema", schema))
      object.fail("schema", std::string("missing; write \"schema\": \"") + kHostSchema + "\"");
    else if (schema != kHostSchema)
      object.fail("schema", quote(schema) + " is not " + kHostSchema);
    object.text("name", spec_.name);
    for (const ordered_json* note : object.elements("assumed")) {
      if (note->is_string())
        assume(note->get<std::string>());
      else
        object.fail("assumed", quote_json(*note) + ", expected a text in quotes");
    }
    spec_.kernel_release = "6.1";
    if (!object.text("kernel", spec_.kernel_release)) assume("kernel: 6.1 (not in the file)");
    if (const auto version = kernel_version(spec_.kernel_release))
      spec_.kernel = *version;
    else
      object.fail("kernel", quote(spec_.kernel_release) + " does not begin with MAJOR.MINOR, for example \"6.1\"");
    spec_.lru = default_lru(spec_.kernel);
    object.flag("lru_gen_mm_walk", spec_.lru_gen_mm_walk);
    std::string lru;
    if (!object.text("lru", lru)) return;
    if (const auto kind = lru_kind(lru))
      spec_.lru = *kind;
    else
      object.fail("lru", quote(lru) + suggestion(lru, {"classic", "mglru"}));
  }

  void read_lru(JsonObject& parent, LruSizes& lru, bool& given) {
    const ordered_json* value = parent.get("lru_pages");
    if (!value) return;
    given = true;
    JsonObject object(file_, *value, parent.path_of("lru_pages"));
    for (const LruCounter& list : kLruCounters) object.pages(list.key, lru.*list.of);
    object.done();
  }

  void read_nodes(JsonObject& object) {
    const auto nodes = object.elements("nodes");
    if (nodes.empty()) object.fail("nodes", "missing or empty; give at least {\"managed\": \"8G\"}");
    if (nodes.size() > kNodesMax)
      object.fail("nodes",
                  std::to_string(nodes.size()) + " nodes; at most " + std::to_string(kNodesMax) + " can be modelled");
    for (size_t i = 0; i < nodes.size() && !file_.error(); ++i) read_node(*nodes[i], i);
  }

  // Where no node says what is on its lists, the named files are, in equal parts.
  void spread_page_cache() {
    Pages inactive, active;
    for (const CachedFileSpec& file : spec_.page_cache) {
      const Pages pages = to_pages(file.bytes), hot = pages * file.active_percent / 100;
      active += hot;
      inactive += pages - hot;
    }
    if (inactive + active == Pages(0) || lists_given_) return;
    const int64_t nodes = static_cast<int64_t>(spec_.nodes.size());
    for (int64_t i = 0; i < nodes; ++i) {
      NodeSpec& node = spec_.nodes[static_cast<size_t>(i)];
      node.lru.inactive_file = inactive * (i + 1) / nodes - inactive * i / nodes;
      node.lru.active_file = active * (i + 1) / nodes - active * i / nodes;
      node.file_pages = std::max(node.file_pages, node.lru.inactive_file + node.lru.active_file);
      Pages& free = to_lay_out_[static_cast<size_t>(i)].free;
      if (!free_given_[static_cast<size_t>(i)])
        free = std::max(Pages(0), free - node.lru.inactive_file - node.lru.active_file);
    }
  }

  // "cpus": [0, 1] or "0-1".
  bool read_cpus(JsonObject& object, std::vector<int>& cpus) {
    const ordered_json* value = object.get("cpus");
    if (!value || !value->is_string()) return object.integers("cpus", cpus, 0, 8191);
    const auto list = parse_cpu_list(value->get<std::string>());
    if (list)
      cpus = *list;
    else
      object.fail("cpus", quote_json(*value) + " is not a CPU list such as \"0-3,8\"");
    return true;
  }

  void read_node(const ordered_json& value, size_t index) {
    JsonObject object(file_, value, at("nodes", index));
    NodeSpec node;
    node.id = NodeId{static_cast<int>(index)};
    object.integer("id", node.id.value, 0, 1023);
    cpus_given_.push_back(read_cpus(object, node.cpus));
    object.integers("distance", node.distance, 0, 255);
    read_lru(object, node.lru, lists_given_);
    for (const NodeCounter& counter : kNodeCounters) object.pages(counter.key, node.*counter.of);
    object.integer("kernel_stack_kb", node.kernel_stack_kb, 0, kCountMax);
    object.flag("unreclaimable", node.unreclaimable);

    Bytes managed, present, free;
    const bool sized = object.bytes("managed", managed);
    const bool present_given = object.bytes("present", present), free_given = object.bytes("free", free);
    std::vector<ZoneGiven> given;
    const auto zones = object.elements("zones");
    for (size_t z = 0; z < zones.size() && !file_.error(); ++z) {
      given.emplace_back();
      node.zones.push_back(read_zone(*zones[z], at(object.path_of("zones"), z), given.back()));
    }
    object.done();
    if (zones.empty() && !sized)
      object.fail("managed", "missing; give the node's memory, for example \"managed\": \"8G\", or its zones");
    if (!zones.empty() && (sized || present_given || free_given)) {
      object.fail(sized           ? "managed"
                  : present_given ? "present"
                                  : "free",
                  "given together with zones, which say the same; leave one out");
    }
    if (zones.empty()) {
      NodeMemory memory{to_pages(managed), to_pages(present), to_pages(free)};
      // The struct pages (a 64th) are taken before the buddy allocator sees the rest; node 0 also loses what the
      // firmware keeps below 1 MiB.
      if (!present_given) memory.present = memory.managed + memory.managed / 63 + Pages(index == 0 ? 158 : 0);
      if (memory.present < memory.managed)
        object.fail("present", "less than managed; the kernel manages a part of what is present");
      const LruSizes& lru = node.lru;
      const Pages held = lru.inactive_anon + lru.active_anon + lru.inactive_file + lru.active_file + lru.unevictable;
      if (!free_given) {
        memory.free = std::max(Pages(0), memory.managed - memory.managed * 3 / 100 - held);
        assume(at("nodes", index) + ".free: managed less 3 % and what the LRU lists hold (not in the file)");
      }
      to_lay_out_.push_back(memory);
    } else {
      to_lay_out_.push_back({});
    }
    laid_out_.push_back(zones.empty());
    free_given_.push_back(free_given);
    lists_given_ |= !zones.empty();
    zones_given_.push_back(std::move(given));
    spec_.nodes.push_back(std::move(node));
  }

  ZoneSpec read_zone(const ordered_json& value, const std::string& path, ZoneGiven& given) {
    JsonObject object(file_, value, path);
    ZoneSpec zone;
    std::string kind;
    object.text("kind", kind);
    if (const auto known = zone_kind(kind))
      zone.kind = *known;
    else
      object.fail("kind",
                  "zone " + quote(kind) + " is unknown; the zones of x86-64 are DMA, DMA32, Normal, Movable, Device");
    if (!object.pages("managed_pages", zone.managed)) object.fail("managed_pages", "missing");
    zone.present = zone.managed;
    object.pages("present_pages", zone.present);
    given.free = object.pages("free_pages", zone.free);
    if (!given.free) {
      zone.free = zone.managed - zone.managed * 3 / 100;
      assume(path + ".free_pages: managed less 3 % (not in the file)");
    }
    object.pages("boost_pages", zone.boost);
    if (const ordered_json* marks = object.get("watermarks_pages")) {
      JsonObject inner(file_, *marks, object.path_of("watermarks_pages"));
      given.watermarks = true;
      bool all = inner.pages("min", zone.watermarks.min);
      all = inner.pages("low", zone.watermarks.low) && all;
      all = inner.pages("high", zone.watermarks.high) && all;
      if (!all) object.fail("watermarks_pages", "needs all of min, low and high");
      inner.done();
    }
    std::vector<int> list;
    given.lowmem_reserve = object.integers("lowmem_reserve_pages", list, 0, INT32_MAX);
    if (list.size() > zone.lowmem_reserve.size()) object.fail("lowmem_reserve_pages", "more than five columns");
    for (size_t i = 0; i < list.size() && i < zone.lowmem_reserve.size(); ++i) zone.lowmem_reserve[i] = Pages(list[i]);
    bool lru_given = false;
    read_lru(object, zone.lru, lru_given);
    object.pages("mlocked_pages", zone.mlocked);
    object.pages("write_pending_pages", zone.write_pending);
    object.pages("free_cma_pages", zone.free_cma);
    given.threshold = object.pages("stat_threshold_pages", zone.stat_threshold);
    list.clear();
    given.free_blocks = object.integers("free_blocks", list, 0, INT32_MAX);
    if (list.size() > zone.free_blocks.size()) object.fail("free_blocks", "more than eleven orders");
    std::copy_n(list.begin(), std::min(list.size(), zone.free_blocks.size()), zone.free_blocks.begin());
    object.pages("free_unmovable_pages", zone.free_unmovable);
    object.pages("free_reclaimable_pages", zone.free_reclaimable);
    object.pages("highatomic_reserved_pages", zone.highatomic_reserved);
    object.pages("highatomic_free_pages", zone.highatomic_free);
    read_pcp(object, zone, given);
    object.done();
    return zone;
  }

  // "pcp": [[count, high, batch], ...], one per online CPU.
  void read_pcp(JsonObject& object, ZoneSpec& zone, ZoneGiven& given) {
    given.pcp = object.has("pcp");
    for (const ordered_json* entry : object.elements("pcp")) {
      std::optional<int64_t> number[3];
      for (size_t i = 0; i < 3 && entry->is_array() && entry->size() == 3; ++i)
        number[i] = whole_number((*entry)[i], 0, kCountMax);
      if (!number[0] || !number[1] || !number[2])
        return object.fail("pcp", quote_json(*entry) + ", expected [count, high, batch] in pages");
      zone.pcp.push_back({Pages(*number[0]), Pages(*number[1]), Pages(*number[2])});
    }
  }

  void settle_topology(JsonObject& object) {
    const bool online_given = read_cpus(object, spec_.cpus);
    const bool any_node = std::find(cpus_given_.begin(), cpus_given_.end(), true) != cpus_given_.end();
    if (!online_given) {
      for (const NodeSpec& node : spec_.nodes) spec_.cpus.insert(spec_.cpus.end(), node.cpus.begin(), node.cpus.end());
      if (!any_node) {
        const int count = 2 * static_cast<int>(spec_.nodes.size());
        for (int cpu = 0; cpu < count; ++cpu) spec_.cpus.push_back(cpu);
        assume("cpus: two per node (not in the file)");
      }
      std::sort(spec_.cpus.begin(), spec_.cpus.end());
      spec_.cpus.erase(std::unique(spec_.cpus.begin(), spec_.cpus.end()), spec_.cpus.end());
    }
    const size_t nodes = spec_.nodes.size(), cpus = spec_.cpus.size();
    for (size_t i = 0; i < nodes; ++i) {
      NodeSpec& node = spec_.nodes[i];
      for (size_t c = i * cpus / nodes; !any_node && c < (i + 1) * cpus / nodes; ++c)
        node.cpus.push_back(spec_.cpus[c]);
      if (!node.distance.empty()) continue;
      for (size_t j = 0; j < nodes; ++j) node.distance.push_back(i == j ? 10 : 20);
      if (nodes > 1) assume(at("nodes", i) + ".distance: 10 and 20 (not in the file)");
    }
  }

  void settle_memory(JsonObject& object) {
    const bool all = std::find(laid_out_.begin(), laid_out_.end(), false) == laid_out_.end();
    const bool none = std::find(laid_out_.begin(), laid_out_.end(), true) == laid_out_.end();
    if (!all && !none) return object.fail("nodes", "some nodes give zones and some only managed; use one way for all");
    if (all) {
      for (NodeSpec& node : spec_.nodes) {
        // Given for the node as a whole: the lists are in its zones in proportion. lay_out_zones() sees to what fits.
        ZoneSpec holder;
        holder.kind = ZoneKind::kDevice;
        holder.lru = node.lru;
        holder.managed = holder.lru.inactive_anon + holder.lru.active_anon + holder.lru.inactive_file +
                         holder.lru.active_file + holder.lru.unevictable;
        if (holder.managed > Pages(0)) node.zones.push_back(holder);
      }
      if (auto laid = lay_out_zones(spec_, to_lay_out_); !laid) {
        const std::string& message = laid.error().message;
        const size_t colon = message.find(": ");
        return file_.fail(message.substr(0, colon), message.substr(colon + 2));
      }
      assume("zones: cut from the nodes by address as on x86-64 (not in the file)");
    }
    if (!object.pages("total_ram_pages", spec_.total_ram)) {
      for (const NodeSpec& node : spec_.nodes) {
        for (const ZoneSpec& zone : node.zones) spec_.total_ram += zone.managed;
      }
    }
    object.pages("committed_as_pages", spec_.committed_as);
    object.pages("hugetlb_pages", spec_.hugetlb);
    object.pages("buffers_pages", spec_.buffers);
    object.pages("shared_anon_pages", spec_.shared_anon);
  }

  void settle_zones() {
    HostSpec computed = spec_;
    setup_zones(computed);
    for (size_t n = 0; n < spec_.nodes.size(); ++n) {
      for (size_t z = 0; z < spec_.nodes[n].zones.size(); ++z) {
        ZoneSpec& zone = spec_.nodes[n].zones[z];
        const ZoneSpec& rule = computed.nodes[n].zones[z];
        const ZoneGiven given = laid_out_[n] ? ZoneGiven{} : zones_given_[n][z];
        if (!given.watermarks) zone.watermarks = rule.watermarks;
        if (!given.lowmem_reserve) zone.lowmem_reserve = rule.lowmem_reserve;
        if (!given.pcp) zone.pcp = rule.pcp;
        if (!given.threshold) zone.stat_threshold = rule.stat_threshold;
        if (!given.free_blocks) zone.free_blocks = rule.free_blocks;
      }
    }
  }

  void settle_processes() {
    if (file_.error()) return;
    if (const auto bad = hold_process_memory(spec_)) file_.fail(bad->field, bad->message);
  }

  JsonFile& file_;
  HostSpec spec_;
  std::vector<bool> cpus_given_, laid_out_, free_given_;
  bool lists_given_ = false;  // some node says what is on its LRU lists
  std::vector<NodeMemory> to_lay_out_;
  std::vector<std::vector<ZoneGiven>> zones_given_;
};

}  // namespace

Result<HostSpec> host_from_json(const ordered_json& root, std::string_view text, const std::string& file_name,
                                const std::string& name) {
  JsonFile file(file_name, text);
  const JsonLines& lines = file.lines();
  if (!lines.duplicate.empty())
    file.fail_at(lines.duplicate_line, lines.duplicate, "the key stands twice; leave one out");
  HostSpec spec = HostReader(file, name).read(root);
  if (file.error()) return *file.error();
  if (const auto bad = find_contradiction(spec)) {
    file.fail(bad->field, bad->message);
    return *file.error();
  }
  return spec;
}

Result<HostSpec> parse_json(std::string_view text, const std::string& file, const std::string& name) {
  ordered_json root;
  const std::string where = file.empty() ? "" : file + ":";
  try {
    root = ordered_json::parse(text);
  } catch (const ordered_json::parse_error& error) {
    return Error{where + std::to_string(line_of_byte(text, error.byte)) +
                 ": not JSON here; is a comma, quote or brace missing?"};
  } catch (const ordered_json::exception&) {
    return Error{where + "1: holds a number that is too large"};
  }
  return host_from_json(root, text, file, name);
}

}  // namespace oomcast::host
