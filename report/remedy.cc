// Makes the kinds of remedies that several findings share. See remedy.h.
#include "report/remedy.h"

#include <algorithm>
#include <utility>

#include "report/words/format.h"

namespace oomcast::report {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kSmallStep = 64 << 10;

/// Returns the step of a search: 1 MiB, or 64 KiB for sizes below 64 MiB.
int64_t step_of(int64_t bytes) { return bytes >= 64 * kMiB ? kMiB : kSmallStep; }

/// Searches from `now` upwards, with `now` and `more` as the first guess. The range ends `more` times four above `now`,
/// but at least 512 MiB above it and at no less than twice `now`.
SearchedValue size_search(std::string name, std::string key, int64_t now, Bytes more, Bytes spread) {
  constexpr int64_t kFarther = 4, kLeastRange = 512 * kMiB;
  SearchedValue search;
  search.name = std::move(name);
  search.key = std::move(key);
  search.now = now;
  search.guess = more.count() > 0 ? now + more.count() : 0;
  search.most = now + std::max({kFarther * more.count(), now, kLeastRange});
  search.step = step_of(std::max(now, search.guess));
  search.spread = spread.count();
  return search;
}

}  // namespace

Remedy set_to(std::vector<std::string> words, Aim aim) { return {std::move(words), std::nullopt, aim}; }

Remedy more_memory_of(const host::HostSpec& host, Bytes more, Bytes spread, Aim aim) {
  Pages managed;
  for (const host::NodeSpec& node : host.nodes) managed += node.managed();
  return {{}, size_search("memory", "memory", to_bytes(managed).count(), more, spread), aim};
}

Remedy higher_limit(const host::HostSpec& host, const std::string& file, Bytes more, Bytes spread) {
  const int64_t now = file == "memory.high" ? host.cgroup.memory_high : host.cgroup.memory_max;
  if (now < 0) return {};
  const std::string name = host.cgroup.v1 && file == "memory.max" ? "memory.limit_in_bytes" : file;
  Remedy remedy{{}, size_search(name, "cgroup." + name, now, more, spread)};
  // Of cgroup v1: a limit of memory and swap together would hold next.
  if (host.cgroup.memory_memsw_max >= 0) remedy.words = {"cgroup.memory.memsw.limit_in_bytes=max"};
  return remedy;
}

Remedy more_swap_of(const host::HostSpec& host, Bytes more) {
  const int64_t of_group = host.cgroup.present ? host.cgroup.memory_swap_max : -1;
  if (of_group >= 0 && to_bytes(host.total_swap()).count() > of_group)
    return {{}, size_search("memory.swap.max", "cgroup.memory.swap.max", of_group, more, Bytes(0))};
  const int64_t now = host.swaps.empty() ? 0 : host.swaps.front().size.count();
  Remedy remedy{{}, size_search("swap", "swap[0].size", now, more, Bytes(0))};
  if (of_group >= 0) remedy.words = {"cgroup.memory.swap.max=max"};
  return remedy;
}

Remedy larger_sysctl(const std::string& name, int64_t now, int64_t most) {
  constexpr int kTenthPermille = 100;
  SearchedValue search;
  search.name = search.key = name;
  search.now = now;
  search.most = most;
  search.tolerance_permille = kTenthPermille;
  search.bytes = false;
  return {{}, search};
}

Remedy more_min_free(const host::HostSpec& host) {
  Pages managed, min;
  for (const host::NodeSpec& node : host.nodes) {
    managed += node.managed();
    for (const host::ZoneSpec& zone : node.zones) min += zone.watermarks.min;
  }
  constexpr int64_t kKilobytesOfPage = kPageBytes / 1024, kPart = 4;
  const int64_t now = host.vm.min_free_kbytes >= 0 ? host.vm.min_free_kbytes : min.count() * kKilobytesOfPage;
  return larger_sysctl("vm.min_free_kbytes", now, managed.count() * kKilobytesOfPage / kPart);
}

Remedy movable_as_normal(const host::HostSpec& host) {
  std::string largest, normal;  // paths of the zones
  const host::ZoneSpec *movable = nullptr, *beside = nullptr;
  for (size_t n = 0; n < host.nodes.size(); ++n) {
    const std::vector<host::ZoneSpec>& zones = host.nodes[n].zones;
    for (size_t z = 0; z < zones.size(); ++z) {
      if (zones[z].kind != host::ZoneKind::kMovable || (movable && zones[z].free <= movable->free)) continue;
      const std::string node = "nodes[" + std::to_string(n) + "].zones[";
      movable = &zones[z];
      largest = node + std::to_string(z) + "].";
      beside = z > 0 && zones[z - 1].kind == host::ZoneKind::kNormal ? &zones[z - 1] : nullptr;
      normal = node + std::to_string(z - (beside ? 1 : 0)) + "].";
    }
  }
  if (!movable) return {};
  const auto word = [](const std::string& zone, const char* key, Pages pages) {
    return zone + key + "=" + std::to_string(pages.count());
  };
  if (!beside) return set_to({largest + "kind=Normal", word(largest, "managed_pages", movable->managed)});
  const Pages moved = movable->free / 2;
  return set_to(
      {word(largest, "free_pages", movable->free - moved), word(largest, "managed_pages", movable->managed - moved),
       word(largest, "present_pages", movable->present - moved), word(normal, "present_pages", beside->present + moved),
       word(normal, "managed_pages", beside->managed + moved), word(normal, "free_pages", beside->free + moved)});
}

Remedy interleaved(const host::HostSpec& host) {
  std::string nodes;
  for (const host::NodeSpec& node : host.nodes) nodes += (nodes.empty() ? "" : ",") + std::to_string(node.id.value);
  return set_to({"--interleave=" + nodes});
}

std::string value_word(const SearchedValue& search, int64_t value) {
  return search.name + "=" + (search.bytes ? size_word(value) : std::to_string(value));
}

}  // namespace oomcast::report
