// Shrinks what a node holds to fit into less memory. See shrink.h.
#include "model/spec/shrink.h"

#include <algorithm>

#include "model/spec/proportion.h"

namespace oomcast::host {
namespace {

struct Held {
  Pages managed, present, free, file, processes, own;  // own: the kernel's pages, neither free nor on a list
};

Held held_by(const NodeSpec& node) {
  Held held;
  held.managed = node.managed();
  for (const ZoneSpec& zone : node.zones) {
    held.present += zone.present;
    held.free += zone.free;
    held.file += zone.lru.inactive_file + zone.lru.active_file;
    held.processes += zone.lru.inactive_anon + zone.lru.active_anon + zone.lru.unevictable + zone.on_pcp();
    held.own += zone.pinned();
  }
  return held;
}

void scale_files(NodeSpec& node, Pages part, Pages whole) {
  for (ZoneSpec& zone : node.zones) {
    for (auto list : {&LruSizes::inactive_file, &LruSizes::active_file})
      zone.lru.*list = proportion(zone.lru.*list, part, whole);
    zone.write_pending = proportion(zone.write_pending, part, whole);
  }
  for (auto list : {&LruSizes::inactive_file, &LruSizes::active_file})
    node.lru.*list = proportion(node.lru.*list, part, whole);
  for (auto counter : {&NodeSpec::file_pages, &NodeSpec::mapped, &NodeSpec::dirty, &NodeSpec::writeback}) {
    node.*counter = proportion(node.*counter, part, whole);
  }
}

struct Kept {
  Pages file, own;
};

Kept what_stays(const Held& held, Pages managed, Pages reserve) {
  Pages over = held.file + held.processes + held.own + reserve - managed;
  const auto give_up = [&](Pages part) {
    const Pages least = proportion(part, managed, held.managed);
    const Pages less = std::clamp(over, Pages(0), std::max(Pages(0), part - least));
    over -= less;
    return part - less;
  };
  const Pages file = give_up(held.file);
  return {file, give_up(held.own)};
}

void give_up(NodeSpec& node, const Held& held, const Kept& kept) {
  if (kept.file < held.file) scale_files(node, kept.file, held.file);
  if (kept.own == held.own) return;
  for (auto counter : {&NodeSpec::slab_reclaimable, &NodeSpec::slab_unreclaimable}) {
    node.*counter = proportion(node.*counter, kept.own, held.own);
  }
}

Pages all_files(const HostSpec& spec) {
  Pages sum;
  for (const NodeSpec& node : spec.nodes) sum += held_by(node).file;
  return sum;
}

// The group keeps its share of the page cache. CgroupSpec::file includes shared memory, which is on the anonymous lists
// and stays.
void scale_group_files(CgroupSpec& group, Pages part, Pages whole) {
  const int64_t cache = group.file - group.shmem;
  const int64_t given_up = cache - proportion(cache, part.count(), whole.count());
  group.file -= given_up;
  group.memory_current = std::max<int64_t>(0, group.memory_current - given_up);
}

// Named files and the groups' files are part of the lists, and shrink with them.
void scale_owned_files(HostSpec& spec, Pages part, Pages whole) {
  if (part == whole) return;
  for (CgroupSpec& group : spec.cgroups) scale_group_files(group, part, whole);
  for (CachedFileSpec& file : spec.page_cache) {
    // One page less: each list was rounded down on its own, so that the sum may be smaller than the rounded total.
    file.bytes = to_bytes(std::max(Pages(0), proportion(to_pages(file.bytes), part, whole) - Pages(1)));
    file.dirty = std::min(file.dirty, file.bytes);
  }
  spec.buffers = proportion(spec.buffers, part, whole);
}

}  // namespace

Result<std::vector<NodeMemory>> shrink_nodes(HostSpec& spec, const std::vector<Pages>& managed,
                                             const std::vector<Pages>& reserve) {
  const Pages files_before = all_files(spec);
  std::vector<NodeMemory> memory;
  for (size_t i = 0; i < spec.nodes.size(); ++i) {
    NodeSpec& node = spec.nodes[i];
    const Held before = held_by(node);
    const Pages grown = managed[i] - before.managed;
    Kept kept{before.file, before.own};
    if (grown < Pages(0)) kept = what_stays(before, managed[i], reserve[i]);
    give_up(node, before, kept);
    const Pages in_use = held_by(node).file + before.processes + kept.own;
    if (in_use > managed[i]) {
      return Error{"leaves node " + std::to_string(node.id.value) + " less than the " +
                   std::to_string((to_bytes(in_use).count() >> 20) + 1) +
                   " MiB that its processes and the kernel need"};
    }
    // struct page takes a 64th of the present memory: 63 managed pages come with 64 present ones.
    memory.push_back({managed[i], before.present + grown + grown / 63, managed[i] - in_use});
  }
  scale_owned_files(spec, all_files(spec), files_before);
  return memory;
}

}  // namespace oomcast::host
