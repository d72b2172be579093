// What zswap holds: which swap slots have an entry, and the memory that the entries take.
//
// struct zswap_entry (mm/zswap.c), with a pool of struct zbud_header (mm/zbud.c) or of zsmalloc's pages. The swap slot
// of an entry is taken, as if the page were on the device.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <utility>
#include <vector>

#include "model/host/indices.h"
#include "model/host/page.h"

namespace oomcast::host {

/// kSameFilled: the page holds one value and takes no memory of the pool. kZero (6.12): a bit of the device's zeromap.
enum class ZswapKind : uint8_t { kCompressed, kSameFilled, kZero };

struct ZswapEntry {
  ZswapKind kind = ZswapKind::kCompressed;
  CgroupIndex cgroup;                 // the cgroup that is charged for it
  NodeIndex node;                     // the node of the LRU that it is on
  bool referenced = true;             // 6.8 on: second chance
  uint32_t pool_page = 0;             // kCompressed, not in zsmalloc: index in ZswapPool::pages
  std::list<SlotId>::iterator place;  // kCompressed: position on its LRU
};

/// A page of zbud or z3fold.
struct ZpoolPage {
  ZoneRef at;
  std::vector<SlotId> slots;  // first buddy first
  bool under_reclaim = false;
  std::list<uint32_t>::iterator place;      // position in ZswapPool::lru
  std::list<uint32_t>::iterator unbuddied;  // position in ZswapPool::unbuddied, if it has room
};

struct ZswapPool {
  std::vector<ZoneRef> packed;    // zsmalloc: every page that the entries take together
  std::vector<ZpoolPage> pages;   // zbud, z3fold; some are free
  std::vector<uint32_t> free;     // the free ones, as indices in `pages`
  std::list<uint32_t> lru;        // last filled first
  std::list<uint32_t> unbuddied;  // pages with room for another entry; the next to be used is first
  int64_t compressed = 0;         // entries that take memory of the pool
  int64_t size() const { return static_cast<int64_t>(packed.size() + pages.size() - free.size()); }
};

struct Zswap {
  using List = std::pair<NodeIndex, CgroupIndex>;
  std::map<SlotId, ZswapEntry> entries;
  std::map<List, std::list<SlotId>> lists;  // LRU, oldest first; from 6.8 on by node and cgroup, before one for all
  ZswapPool pool;
  std::vector<ZoneRef> slab;  // pages of the slab of struct zswap_entry
  int64_t stored = 0;         // zswap_stored_pages: entries without those of the zeromap
  bool reached_full = false;  // zswap_pool_reached_full: nothing is accepted until the pool has room

  int64_t pool_peak = 0, stored_peak = 0;  // pages
  int64_t pool_limit_hit = 0;              // stores refused because the pool was full
};

}  // namespace oomcast::host
