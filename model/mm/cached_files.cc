// Assigns page-cache pages to named files. See cached_files.h.
#include "model/mm/cached_files.h"

#include <algorithm>

#include "model/mm/cache_slab.h"
#include "model/mm/lru.h"
#include "model/mm/writeback.h"

namespace oomcast::mm {

using host::LruKindIndex;
using host::Node;
using host::PageId;

namespace {

// The node with the most reservoir pages on the list; kNoNode: there are none.
host::NodeIndex fullest_node(const host::Host& host, LruKindIndex list) {
  host::NodeIndex fullest = host::kNoNode;
  int64_t most = 0;
  for (const host::NodeIndex n : host.nodes.indices()) {
    const int64_t left = host.nodes[n].lruvec(host::kRootCgroup).reserved(list);
    if (left <= most) continue;
    most = left;
    fullest = n;
  }
  return fullest;
}

bool cache_page(Kernel& k, host::FileIndex file_index, uint64_t index, bool active) {
  LruKindIndex list = active ? LruKindIndex::kActiveFile : LruKindIndex::kInactiveFile;
  host::NodeIndex node = fullest_node(k.host, list);
  if (node == host::kNoNode) {
    list = active ? LruKindIndex::kInactiveFile : LruKindIndex::kActiveFile;
    node = fullest_node(k.host, list);
  }
  if (node == host::kNoNode) return false;
  const host::Reservoir taken = k.host.nodes[node].lruvec(host::kRootCgroup).take_reserved(list);
  const uint16_t flags = list == LruKindIndex::kActiveFile ? host::kPageFile | host::kPageActive : host::kPageFile;
  const PageId id = new_page(k, {node, taken.zone}, flags);
  host::Page& page = k.host.pages[id];
  page.slot = file_index;
  page.set_vpn(index);
  put_on_list(k, id, list);
  host::File& file = k.host.files[file_index];
  file.set_page(index, id);
  ++file.cached;
  return true;
}

}  // namespace

void cache_file(Kernel& k, host::FileIndex file_index, const host::CachedFileSpec& spec) {
  const int64_t pages = to_pages(spec.bytes).count(), active = pages * spec.active_percent / 100;
  int64_t cached = 0;
  while (cached < pages && cache_page(k, file_index, static_cast<uint64_t>(cached), cached < active)) ++cached;
  host::File& file = k.host.files[file_index];
  file.size_pages = std::max(file.size_pages, pages);
  file.for_each_node([&](uint64_t index, const host::TreeNode&) {
    add_tree_node(k, file_index, index, k.host.pages[file.page(index)].node(), host::kRootCgroup);
  });
  for (int64_t index = std::max<int64_t>(0, cached - to_pages(spec.dirty).count()); index < cached; ++index) {
    const PageId id = file.page(static_cast<uint64_t>(index));
    attach_buffers(k, id);
    set_page_dirty(k, id);
  }
  grow_cache_slab(k, host::kRootCgroup);
}

}  // namespace oomcast::mm
