// Changes one setting of a host. --set KEY=VALUE on any key of oomcast.host.v1, with what the kernel would
// recompute.
#include <algorithm>
#include <optional>

#include "model/spec/defaults.h"
#include "model/spec/field_names.h"
#include "model/spec/json/json_host.h"
#include "model/spec/parse_text.h"
#include "model/spec/percentage.h"
#include "model/spec/proportion.h"
#include "model/spec/read_host.h"
#include "model/spec/shrink.h"
#include "model/spec/validate.h"
#include "model/spec/watermarks.h"

namespace oomcast::host {
namespace {

using nlohmann::ordered_json;

struct Step {
  std::string key;  // empty: an index
  size_t index = 0;
};

// "nodes[0].zones[1].free_pages" -> nodes, 0, zones, 1, free_pages
std::optional<std::vector<Step>> split_path(std::string_view path) {
  std::vector<Step> steps;
  while (!path.empty()) {
    if (path.front() == '[') {
      const size_t close = path.find(']');
      const auto index =
          close == std::string_view::npos ? std::nullopt : parse_integer(path.substr(1, close - 1), 0, 1 << 20);
      if (!index || steps.empty()) return std::nullopt;
      steps.push_back({"", static_cast<size_t>(*index)});
      path.remove_prefix(close + 1);
      if (path.starts_with('.'))
        path.remove_prefix(1);
      else if (!path.empty() && path.front() != '[')
        return std::nullopt;
      continue;
    }
    const size_t end = std::min(path.find_first_of(".["), path.size());
    if (end == 0) return std::nullopt;
    steps.push_back({std::string(path.substr(0, end))});
    path.remove_prefix(end);
    if (path.starts_with('.')) {
      path.remove_prefix(1);
      if (path.empty()) return std::nullopt;
    }
  }
  return steps;
}

// 0, true, [0,1] as JSON has them; everything else is text ("8G", "max", "madvise"). Where text stood, text remains.
ordered_json value_of(std::string_view text, const ordered_json* before) {
  if (before && before->is_string()) return std::string(text);
  ordered_json value = ordered_json::parse(text, nullptr, false);
  return value.is_discarded() ? ordered_json(std::string(text)) : value;
}

// "read_4k_us" is another way to write "read_4k_ns": only the one that is set may stay.
void drop_other_units(ordered_json& object, const std::string& key) {
  const size_t cut = key.rfind('_');
  if (cut == std::string::npos) return;
  const std::vector<std::string> units = {"_s", "_us", "_ns", "_ps"};
  if (std::find(units.begin(), units.end(), key.substr(cut)) == units.end()) return;
  for (const std::string& unit : units) {
    if (key.substr(cut) != unit) object.erase(key.substr(0, cut) + unit);
  }
}

Result<void> put(ordered_json& root, const std::vector<Step>& steps, const std::string& path, std::string_view text) {
  ordered_json* at = &root;
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    const bool last = i + 1 == steps.size();
    if (step.key.empty()) {
      if (!at->is_array())
        return Error{path + ": " + steps[i - 1].key + " is not a list; leave out the [" + std::to_string(step.index) +
                     "]"};
      if (step.index > at->size() || (step.index == at->size() && (last || steps[i - 1].key == "nodes"))) {
        return Error{path + ": " + (steps[i - 1].key.empty() ? "list" : steps[i - 1].key) + " has " +
                     std::to_string(at->size()) + " entries, counted from 0"};
      }
      // One past the end adds an entry: --set swap[0].size=2G gives swap to a host without.
      if (step.index == at->size()) at->push_back(ordered_json::object());
      at = &(*at)[step.index];
    } else {
      if (!at->is_object())
        return Error{path + ": " + (i ? steps[i - 1].key : "host") + " has no keys; is an index such as [0] missing?"};
      if (last) drop_other_units(*at, step.key);
      // A key that is not there is added all the same: the reader knows all keys and names the nearest.
      at = &(*at)[step.key];
    }
    if (last) *at = value_of(text, at->is_null() ? nullptr : at);
  }
  return {};
}

NodeMemory memory_of(const NodeSpec& node) {
  NodeMemory memory;
  memory.managed = node.managed();
  for (const ZoneSpec& zone : node.zones) {
    memory.present += zone.present;
    memory.free += zone.free;
  }
  return memory;
}

// A snapshot holds the effective min_free_kbytes, which hides whether someone chose it. What the kernel's formulas
// would give to within a tenth was theirs, and follows the memory.
bool chosen_by_kernel(const HostSpec& spec) {
  if (spec.vm.min_free_kbytes < 0) return true;
  const auto near = [&](int64_t formula) { return std::abs(formula - spec.vm.min_free_kbytes) * 10 <= formula; };
  return near(boot_min_free_kbytes(spec)) || near(default_min_free_kbytes(spec));
}

// More or less memory in the nodes: zones are cut anew, what they hold stays, all that depends on size is recomputed.
Result<void> resize(HostSpec& spec, const std::vector<NodeMemory>& memory) {
  const bool formula = chosen_by_kernel(spec);
  Pages before, after;
  for (size_t i = 0; i < memory.size(); ++i) {
    before += spec.nodes[i].managed();
    after += memory[i].managed;
  }
  if (auto laid = lay_out_zones(spec, memory); !laid) return laid;
  spec.total_ram += after - before;
  if (formula) spec.vm.min_free_kbytes = -1;
  setup_zones(spec);
  return {};
}

Pages high_marks(const NodeSpec& node) {
  Pages sum;
  for (const ZoneSpec& zone : node.zones) sum += zone.watermarks.high + zone.boost;
  return sum;
}

// More or less memory in the nodes, by what each will manage. Where it gets tight, as much stays free as kswapd would
// leave free: the high marks of the smaller nodes.
Result<void> resize_nodes(HostSpec& spec, const std::vector<Pages>& managed) {
  std::vector<Pages> reserve(managed.size());
  HostSpec smaller = spec;
  auto memory = shrink_nodes(smaller, managed, reserve);
  if (!memory) return memory.error();
  if (auto resized = resize(smaller, memory.value()); !resized) return resized;
  for (size_t i = 0; i < reserve.size(); ++i) reserve[i] = high_marks(smaller.nodes[i]);
  memory = shrink_nodes(spec, managed, reserve);
  if (!memory) return memory.error();
  return resize(spec, memory.value());
}

Result<Pages> parse_memory(const std::string& path, std::string_view text) {
  const auto bytes = parse_size_bytes(text);
  if (!bytes) return Error{path + ": " + quote(text) + " is not a size such as 8G or 512M, at most 64T"};
  return to_pages(Bytes(*bytes));
}

Result<void> set_node_memory(HostSpec& spec, size_t index, const std::string& key, const std::string& path,
                             std::string_view text) {
  const auto pages = parse_memory(path, text);
  if (!pages) return pages.error();
  if (index >= spec.nodes.size())
    return Error{path + ": the host has " + std::to_string(spec.nodes.size()) + " nodes with memory, counted from 0"};
  if (key == "free") {
    std::vector<NodeMemory> memory;
    for (const NodeSpec& node : spec.nodes) memory.push_back(memory_of(node));
    memory[index].free = pages.value();
    return resize(spec, memory);
  }
  std::vector<Pages> managed;
  for (const NodeSpec& node : spec.nodes) managed.push_back(node.managed());
  managed[index] = pages.value();
  if (auto resized = resize_nodes(spec, managed); !resized) {
    return Error{path + ": " + std::string(text) + " " + resized.error().message};
  }
  return {};
}

// "memory=4G": the managed memory of the whole host, every node by the same factor.
Result<void> set_memory(HostSpec& spec, std::string_view text) {
  const auto pages = parse_memory("memory", text);
  if (!pages) return pages.error();
  Pages total, assigned;
  for (const NodeSpec& node : spec.nodes) total += node.managed();
  std::vector<Pages> managed;
  for (size_t i = 0; i < spec.nodes.size(); ++i) {
    const Pages old = spec.nodes[i].managed();
    const bool last = i + 1 == spec.nodes.size();
    managed.push_back(last ? pages.value() - assigned : proportion(pages.value(), old, total));
    assigned += managed.back();
  }
  if (auto resized = resize_nodes(spec, managed); !resized)
    return Error{"memory: " + std::string(text) + " " + resized.error().message};
  return {};
}

// What a write to the sysctl makes the kernel recompute.
void recompute(HostSpec& spec, const HostSpec& before, const std::string& path) {
  if (path == "vm.min_free_kbytes" || path == "vm.watermark_scale_factor") {
    setup_watermarks(spec);
    setup_pcp(spec);
  } else if (path.starts_with("vm.lowmem_reserve_ratio")) {
    setup_lowmem_reserve(spec);
  } else if (path == "vm.percpu_pagelist_high_fraction") {
    setup_pcp(spec);
  } else if (path == "vm.thp_enabled" && spec.vm.thp_enabled != before.vm.thp_enabled) {
    // As on a host that booted with it: start_stop_khugepaged() raises min_free_kbytes or goes back to the square root.
    if (chosen_by_kernel(before)) spec.vm.min_free_kbytes = -1;
    setup_watermarks(spec);
    setup_pcp(spec);
  } else if (path.find("zones[") != std::string::npos && path.ends_with("managed_pages")) {
    setup_zones(spec);
  }
}

Result<void> set_generic(HostSpec& spec, const std::vector<Step>& step, const std::string& path,
                         std::string_view text) {
  ordered_json json = host_to_json(spec);
  // Left out of a host without one.
  for (const char* part : {"kubelet", "zswap"})
    if (step[0].key == part && !json.contains(part)) json[part] = ordered_json::object();
  const auto zone_parts_follow = [&](std::initializer_list<const char*> parts) {
    for (ordered_json& node : json["nodes"]) {
      for (ordered_json& zone : node["zones"]) {
        for (const char* part : parts) zone.erase(part);
      }
    }
  };
  if (step[0].key == "nodes" && step.back().key == "cpus") {
    // Per-CPU lists belong to CPUs: with other CPUs they start empty.
    json.erase("cpus");
    zone_parts_follow({"pcp", "stat_threshold_pages"});
  }
  if (step.back().key == "free_pages") zone_parts_follow({"free_blocks"});
  if (auto done = put(json, step, path, text); !done) return done;
  auto changed = host_from_json(json, "", "", spec.name);
  if (!changed) return changed.error();
  recompute(changed.value(), spec, path);
  spec = std::move(changed).value();
  return {};
}

// "swap=2G": the size of the host's one swap device, which a host without any gets. "swap=0": no swap.
Result<void> set_swap(HostSpec& spec, std::string_view text) {
  if (parse_size_bytes(text) == int64_t{0}) return set_generic(spec, *split_path("swap"), "swap", "[]");
  if (spec.swaps.size() > 1)
    return Error{"swap: the host has " + std::to_string(spec.swaps.size()) +
                 " swap devices; set swap[0].size or another"};
  const std::string size = "swap[0].size";
  return set_generic(spec, *split_path(size), size, text);
}

// "5%": the kubelet takes percentages of the node's memory.
Result<void> set_eviction(HostSpec& spec, std::string_view text) {
  const std::string path = "kubelet.eviction_hard";
  if (!text.ends_with('%')) return set_generic(spec, *split_path(path), path, text);
  const auto permyriad = parse_permyriad(text);
  if (!permyriad) return Error{path + ": " + quote(text) + " is not a percentage from 0% to 100%"};
  spec.kubelet.eviction_hard = share_of(to_bytes(spec.total_ram), *permyriad);
  return {};
}

Result<void> set_one(HostSpec& spec, const std::string& path, std::string_view text) {
  if (path == "kubelet.eviction_hard") return set_eviction(spec, text);
  if (path.starts_with("cgroup.memory.")) return set_cgroup(spec, path.substr(7) + "=" + std::string(text));
  if (path.starts_with("tmpfs./")) return set_tmpfs(spec, path.substr(6) + "=" + std::string(text));
  if (path == "memory") return set_memory(spec, text);
  if (path == "swap" && !text.starts_with('[')) return set_swap(spec, text);
  const auto steps = split_path(path);
  if (!steps || steps->empty()) return Error{"not a key; keys look like vm.swappiness or nodes[0].managed"};
  const std::vector<Step>& step = *steps;
  if (step.size() == 3 && step[0].key == "nodes" && step[1].key.empty() &&
      (step[2].key == "managed" || step[2].key == "free")) {
    return set_node_memory(spec, step[1].index, step[2].key, path, text);
  }
  return set_generic(spec, step, path, text);
}

}  // namespace

Result<void> set_field(HostSpec& spec, std::string_view key_value) {
  const size_t equals = key_value.find('=');
  const std::string whole = "--set " + std::string(key_value) + ": ";
  const std::string path(trim(key_value.substr(0, equals)));
  if (equals == std::string_view::npos || path.empty())
    return Error{whole + "expected KEY=VALUE, for example vm.swappiness=0 or nodes[0].managed=8G"};
  HostSpec changed = spec;
  if (auto set = set_one(changed, path, trim(key_value.substr(equals + 1))); !set)
    return Error{whole + set.error().message};
  if (auto good = find_contradiction(changed)) return Error{whole + good->field + ": " + good->message};
  spec = std::move(changed);
  return {};
}

Result<void> set_cgroup(HostSpec& spec, std::string_view key_value) {
  const size_t equals = key_value.find('=');
  const std::string key(trim(key_value.substr(0, equals)));
  if (equals == std::string_view::npos || key.empty()) {
    return Error{"--cgroup " + std::string(key_value) + ": expected FILE=VALUE, for example memory.max=512M"};
  }
  const std::string_view text = trim(key_value.substr(equals + 1));
  CgroupSpec& cgroup = spec.cgroup;
  if (key == "path") {
    if (!text.starts_with('/')) return Error{"--cgroup path: " + quote(text) + " does not begin with /"};
    // In a group of the host its limits hold, until one is given here.
    const auto found = std::find_if(spec.cgroups.begin(), spec.cgroups.end(),
                                    [&](const CgroupSpec& each) { return each.path == text; });
    if (found != spec.cgroups.end()) cgroup = *found;
    if (found == spec.cgroups.end() && !spec.cgroups.empty())
      spec.assumed.push_back("cgroup " + std::string(text) + ": no limits of its own (the host has none of that path)");
    cgroup.path = std::string(text);
    cgroup.present = true;
    return {};
  }
  const std::pair<const char*, bool*> flags[] = {{"memory.oom.group", &cgroup.memory_oom_group},
                                                 {"memory.zswap.writeback", &cgroup.memory_zswap_writeback},
                                                 {"memory.oom_control", &cgroup.memory_oom_kill_disable}};
  for (const auto& [name, target] : flags) {
    if (key != name) continue;
    if (text != "0" && text != "1") return Error{"--cgroup " + key + ": " + quote(text) + ", expected 0 or 1"};
    *target = text == "1";
    cgroup.v1 |= key == "memory.oom_control";
    cgroup.present = true;
    return {};
  }
  if (key == "memory.swappiness") {
    const auto value = parse_integer(text, 0, 200);
    if (!value) return Error{"--cgroup " + key + ": " + quote(text) + ", expected 0 to 200"};
    cgroup.memory_swappiness = static_cast<int>(*value);
    cgroup.v1 = cgroup.present = true;
    return {};
  }
  const std::pair<const char*, int64_t*> limits[] = {{"memory.max", &cgroup.memory_max},
                                                     {"memory.high", &cgroup.memory_high},
                                                     {"memory.low", &cgroup.memory_low},
                                                     {"memory.min", &cgroup.memory_min},
                                                     {"memory.swap.max", &cgroup.memory_swap_max},
                                                     {"memory.swap.high", &cgroup.memory_swap_high},
                                                     {"memory.zswap.max", &cgroup.memory_zswap_max},
                                                     {"memory.limit_in_bytes", &cgroup.memory_max},
                                                     {"memory.memsw.limit_in_bytes", &cgroup.memory_memsw_max},
                                                     {"memory.soft_limit_in_bytes", &cgroup.memory_soft_limit}};
  std::vector<std::string> known = {"memory.oom.group", "memory.zswap.writeback", "memory.oom_control",
                                    "memory.swappiness", "path"};
  for (const auto& [name, target] : limits) {
    known.emplace_back(name);
    if (key != name) continue;
    const auto bytes = parse_size_bytes(text);
    if (text != "max" && !bytes)
      return Error{"--cgroup " + key + ": " + quote(text) + ", expected a size such as 512M, bytes, or max"};
    // page_counter_memparse() counts whole pages.
    *target = text == "max" ? -1 : to_bytes(to_pages(Bytes(*bytes))).count();
    cgroup.v1 |= key.ends_with("limit_in_bytes");
    cgroup.present = true;
    return {};
  }
  return Error{"--cgroup " + key + ": not a file that limits memory in cgroup v2 or v1" + suggestion(key, known)};
}

}  // namespace oomcast::host
