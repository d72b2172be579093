// Slab memory of cached files. See cache_slab.h.
#include "model/mm/cache_slab.h"

#include "model/mm/free_blocks.h"
#include "model/mm/memcg.h"
#include "model/mm/mempolicy.h"
#include "model/mm/page_alloc.h"

namespace oomcast::mm {

using host::Page;

namespace {

constexpr int64_t kBufferHeadsPerPage = 39;  // struct buffer_head, 104 bytes
constexpr int64_t kTreeNodesPerPage = 7;     // struct xa_node, 576 bytes, 28 in a slab of four pages
constexpr int64_t kBufferHeadBytes = 104, kTreeNodeBytes = 576;

int64_t slab_pages(const host::Host& host) {
  return (host.buffer_heads + kBufferHeadsPerPage - 1) / kBufferHeadsPerPage +
         (host.tree_nodes + kTreeNodesPerPage - 1) / kTreeNodesPerPage;
}

int64_t blocks_per_page(const host::Host& host) {
  return host.spec.file_block_bytes > 0 ? kPageBytes / host.spec.file_block_bytes : 0;
}

int64_t pages_charged_for(const host::Cgroup& group) { return (cache_slab_bytes(group) + kPageBytes - 1) / kPageBytes; }

int64_t shrink_cache_slab(Kernel& k, host::CgroupIndex cgroup) {
  host::Cgroup& group = k.host.cgroups[cgroup];
  if (const int64_t over = group.slab - pages_charged_for(group); cgroup != host::kRootCgroup && over > 0) {
    group.slab -= over;
    uncharge(k.host, cgroup, over);
  }
  const int64_t want = slab_pages(k.host);
  int64_t freed = 0;
  for (; static_cast<int64_t>(k.host.cache_slab.size()) > want; ++freed) {
    const auto [node, zone] = k.host.cache_slab.back();
    k.host.cache_slab.pop_back();
    --k.host.nodes[node].slab_reclaimable;
    free_page(k, {node, zone}, k.sched.current().cpu);
    give_back(k.host.nodes[node].zones[zone], host::Migratetype::kReclaimable);
  }
  return freed;
}

}  // namespace

int64_t cache_slab_bytes(const host::Cgroup& group) {
  return group.buffer_heads * kBufferHeadBytes + group.tree_nodes * kTreeNodeBytes;
}

void attach_buffers(Kernel& k, host::PageId id) {
  Page& page = k.host.pages[id];
  if (page.has(host::kPageBuffers)) return;
  page.set(host::kPageBuffers);
  k.host.buffer_heads += blocks_per_page(k.host);
  k.host.cgroups[page.cgroup()].buffer_heads += blocks_per_page(k.host);
}

void detach_buffers(Kernel& k, host::PageId id) {
  Page& page = k.host.pages[id];
  if (!page.test_and_clear(host::kPageBuffers)) return;
  k.host.buffer_heads -= blocks_per_page(k.host);
  k.host.cgroups[page.cgroup()].buffer_heads -= blocks_per_page(k.host);
  shrink_cache_slab(k, page.cgroup());
}

void add_tree_node(Kernel& k, host::FileIndex file, uint64_t index, host::NodeIndex node, host::CgroupIndex cgroup) {
  *k.host.files[file].tree_node(index) = {node, cgroup, 0};
  ++k.host.tree_nodes;
  ++k.host.cgroups[cgroup].tree_nodes;
}

int64_t drop_tree_node(Kernel& k, const host::TreeNode& node) {
  --k.host.tree_nodes;
  --k.host.cgroups[node.cgroup].tree_nodes;
  return shrink_cache_slab(k, node.cgroup);
}

void grow_cache_slab(Kernel& k, host::CgroupIndex cgroup) {
  while (static_cast<int64_t>(k.host.cache_slab.size()) < slab_pages(k.host)) {
    const ZoneRef where = alloc_page_task(k, kGfpReclaimable);
    if (!where.ok()) return;
    k.host.cache_slab.push_back(where);
    ++k.host.nodes[where.node].slab_reclaimable;
  }
  if (cgroup == host::kRootCgroup) return;
  // A charge may reclaim, which may free such objects.
  while (k.host.cgroups[cgroup].slab < pages_charged_for(k.host.cgroups[cgroup])) {
    if (!try_charge(k, cgroup)) return;
    ++k.host.cgroups[cgroup].slab;
  }
}

}  // namespace oomcast::mm
