// How much kernel memory hangs on cached files? See cache_slab.h.
#include "model/mm/cache_slab.h"

#include "model/mm/free_blocks.h"
#include "model/mm/mempolicy.h"
#include "model/mm/page_alloc.h"

namespace oomcast::mm {

using host::Page;

namespace {

constexpr int64_t kBufferHeadsPerPage = 39;  // struct buffer_head, 104 bytes
constexpr int64_t kTreeNodesPerPage = 7;     // struct xa_node, 576 bytes, 28 in a slab of four pages

int64_t slab_pages(const host::Host& host) {
  return (host.buffer_heads + kBufferHeadsPerPage - 1) / kBufferHeadsPerPage + (host.tree_nodes + kTreeNodesPerPage - 1) / kTreeNodesPerPage;
}

int64_t blocks_per_page(const host::Host& host) { return host.spec.file_block_bytes > 0 ? kPageBytes / host.spec.file_block_bytes : 0; }

void shrink_cache_slab(Kernel& k) {
  const int64_t want = slab_pages(k.host);
  while (static_cast<int64_t>(k.host.cache_slab.size()) > want) {
    const auto [node, zone] = k.host.cache_slab.back();
    k.host.cache_slab.pop_back();
    --k.host.nodes[static_cast<size_t>(node)].slab_reclaimable;
    free_page(k, {node, zone}, k.sched.current().cpu);
    give_back(k.host.nodes[static_cast<size_t>(node)].zones[static_cast<size_t>(zone)], host::Migratetype::kReclaimable);
  }
}

}  // namespace

void attach_buffers(Kernel& k, host::PageId id) {
  Page& page = k.host.pages[id];
  if (page.has(host::kPageBuffers)) return;
  page.set(host::kPageBuffers);
  k.host.buffer_heads += blocks_per_page(k.host);
}

void detach_buffers(Kernel& k, host::PageId id) {
  if (!k.host.pages[id].test_and_clear(host::kPageBuffers)) return;
  k.host.buffer_heads -= blocks_per_page(k.host);
  shrink_cache_slab(k);
}

void add_tree_nodes(Kernel& k, size_t nodes) { k.host.tree_nodes += static_cast<int64_t>(nodes); }

void drop_tree_nodes(Kernel& k, size_t nodes) {
  k.host.tree_nodes -= static_cast<int64_t>(nodes);
  shrink_cache_slab(k);
}

void grow_cache_slab(Kernel& k) {
  while (static_cast<int64_t>(k.host.cache_slab.size()) < slab_pages(k.host)) {
    const ZoneRef where = alloc_page_task(k, kGfpReclaimable);
    if (!where.ok()) return;
    k.host.cache_slab.push_back({static_cast<int8_t>(where.node), static_cast<int8_t>(where.zone)});
    ++k.host.nodes[static_cast<size_t>(where.node)].slab_reclaimable;
  }
}

}  // namespace oomcast::mm
