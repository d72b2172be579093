// zpool: allocates memory for zswap's entries. See zpool.h.
#include "model/mm/zpool.h"

#include <algorithm>

#include "model/mm/kernel_pages.h"
#include "model/mm/page_alloc.h"

namespace oomcast::mm {

using host::SlotId;
using host::Zpool;
using host::ZpoolPage;
using host::ZswapEntry;
using host::ZswapPool;
using host::ZswapSpec;

namespace {

// zbud divides a page into 64 chunks and keeps a header in the first. The slot number precedes each entry's data.
constexpr int kChunks = 63, kChunkBytes = 64, kEntryHeader = 8;

Gfp pool_gfp(const ZswapSpec& spec) {
  Gfp gfp = spec.zpool == Zpool::kZsmalloc ? kGfpHighUserMovable : kGfpKernel;
  gfp.direct_reclaim = false;
  gfp.noretry = true;
  return gfp;
}

ZoneRef new_pool_page(Kernel& k) { return alloc_page(k, pool_gfp(k.host.spec.zswap), k.sched.current().node); }

void note_peak(Kernel& k) { k.host.zswap.pool_peak = std::max(k.host.zswap.pool_peak, zpool_pages(k)); }

// Pages that so many entries take in zsmalloc.
int64_t packed_pages(const Kernel& k, int64_t entries) {
  return (entries * k.host.spec.zswap.stored_percent + 99) / 100;
}

bool pack(Kernel& k) {
  ZswapPool& pool = k.host.zswap.pool;
  while (static_cast<int64_t>(pool.packed.size()) < packed_pages(k, pool.compressed + 1)) {
    const ZoneRef got = new_pool_page(k);
    if (!got.ok()) return false;
    pool.packed.push_back(got);
  }
  return true;
}

void unpack(Kernel& k) {
  ZswapPool& pool = k.host.zswap.pool;
  while (static_cast<int64_t>(pool.packed.size()) > packed_pages(k, pool.compressed)) {
    const ZoneRef where = pool.packed.back();
    pool.packed.pop_back();
    free_page(k, where, k.sched.current().cpu);
  }
}

uint32_t page_number(ZswapPool& pool) {
  if (pool.free.empty()) {
    pool.pages.emplace_back();
    return static_cast<uint32_t>(pool.pages.size() - 1);
  }
  const uint32_t number = pool.free.back();
  pool.free.pop_back();
  return number;
}

bool has_room(const Kernel& k, const ZpoolPage& page) {
  return static_cast<int>(page.slots.size()) < entries_per_page(k.host.spec.zswap);
}

void offer(Kernel& k, uint32_t number) {
  ZswapPool& pool = k.host.zswap.pool;
  if (!has_room(k, pool.pages[number])) return;
  pool.unbuddied.push_front(number);
  pool.pages[number].unbuddied = pool.unbuddied.begin();
}

void withdraw(Kernel& k, uint32_t number) {
  ZswapPool& pool = k.host.zswap.pool;
  if (has_room(k, pool.pages[number])) pool.unbuddied.erase(pool.pages[number].unbuddied);
}

void free_pool_page(Kernel& k, uint32_t number) {
  ZswapPool& pool = k.host.zswap.pool;
  free_kernel_page(k, pool.pages[number].at, host::kRootCgroup);
  pool.pages[number] = {};
  pool.free.push_back(number);
}

void move_to_front(ZswapPool& pool, uint32_t number) {
  pool.lru.push_front(number);
  pool.pages[number].place = pool.lru.begin();
}

bool buddy(Kernel& k, SlotId slot, ZswapEntry& entry) {
  ZswapPool& pool = k.host.zswap.pool;
  uint32_t number;
  if (!pool.unbuddied.empty()) {
    number = pool.unbuddied.front();
    withdraw(k, number);
    pool.lru.erase(pool.pages[number].place);
  } else {
    const ZoneRef got = new_pool_page(k);
    if (!got.ok()) return false;
    number = page_number(pool);
    pool.pages[number].at = got;
  }
  pool.pages[number].slots.push_back(slot);
  entry.pool_page = number;
  offer(k, number);
  move_to_front(pool, number);
  return true;
}

void unbuddy(Kernel& k, SlotId slot, const ZswapEntry& entry) {
  ZswapPool& pool = k.host.zswap.pool;
  ZpoolPage& page = pool.pages[entry.pool_page];
  if (page.under_reclaim) {
    std::erase(page.slots, slot);
    return;
  }
  withdraw(k, entry.pool_page);
  std::erase(page.slots, slot);
  if (!page.slots.empty()) return offer(k, entry.pool_page);
  pool.lru.erase(page.place);
  free_pool_page(k, entry.pool_page);
}

}  // namespace

int entries_per_page(const ZswapSpec& spec) {
  if (spec.zpool == Zpool::kZsmalloc) return 0;
  const int bytes = static_cast<int>(kPageBytes) * spec.stored_percent / 100 + kEntryHeader;
  const int chunks = (bytes + kChunkBytes - 1) / kChunkBytes;
  return std::clamp(kChunks / chunks, 1, spec.zpool == Zpool::kZbud ? 2 : 3);
}

bool zpool_malloc(Kernel& k, SlotId slot, ZswapEntry& entry) {
  const bool packed = k.host.spec.zswap.zpool == Zpool::kZsmalloc;
  if (packed ? !pack(k) : !buddy(k, slot, entry)) return false;
  ++k.host.zswap.pool.compressed;
  note_peak(k);
  return true;
}

void zpool_free(Kernel& k, SlotId slot, const ZswapEntry& entry) {
  --k.host.zswap.pool.compressed;
  if (k.host.spec.zswap.zpool == Zpool::kZsmalloc)
    unpack(k);
  else
    unbuddy(k, slot, entry);
}

int64_t zpool_pages(const Kernel& k) { return k.host.zswap.pool.size() + k.host.spec.zswap.pool.count(); }

std::optional<uint32_t> begin_reclaim(Kernel& k) {
  ZswapPool& pool = k.host.zswap.pool;
  if (pool.lru.empty()) return std::nullopt;
  const uint32_t number = pool.lru.back();
  pool.lru.pop_back();
  withdraw(k, number);
  pool.pages[number].under_reclaim = true;
  return number;
}

bool end_reclaim(Kernel& k, uint32_t number) {
  ZswapPool& pool = k.host.zswap.pool;
  ZpoolPage& page = pool.pages[number];
  page.under_reclaim = false;
  if (page.slots.empty()) {
    free_pool_page(k, number);
    return true;
  }
  offer(k, number);
  move_to_front(pool, number);
  return false;
}

}  // namespace oomcast::mm
