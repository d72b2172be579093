// Keeps what zswap holds of pages that were swapped out: which slots have an entry, and the memory that they take.
//
// struct zswap_entry (mm/zswap.c), and a pool of struct zbud_header (mm/zbud.c) or of zsmalloc's pages. The swap slot
// is taken as if the page were on the device.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <utility>
#include <vector>

#include "model/host/indices.h"
#include "model/host/page.h"

namespace oomcast::host {

/// kSameFilled: one value, no memory in the pool. kZero {6.12}: a bit of the device's zeromap, not zswap's.
enum class ZswapKind : uint8_t { kCompressed, kSameFilled, kZero };

struct ZswapEntry {
  ZswapKind kind = ZswapKind::kCompressed;
  CgroupIndex cgroup;                 // who is charged for it
  NodeIndex node;                     // of the list that it is on
  bool referenced = true;             // {6.8} second chance
  uint32_t pool_page = 0;             // kCompressed, not in zsmalloc: Zpool::pages
  std::list<SlotId>::iterator place;  // kCompressed: on its list
};

/// A page of zbud or z3fold.
struct ZpoolPage {
  ZoneRef at;
  std::vector<SlotId> slots;  // first buddy first
  bool under_reclaim = false;
  std::list<uint32_t>::iterator place;      // in `lru`
  std::list<uint32_t>::iterator unbuddied;  // in `unbuddied`, if there is room
};

struct ZswapPool {
  std::vector<ZoneRef> packed;    // zsmalloc: each page that the entries take together
  std::vector<ZpoolPage> pages;   // zbud, z3fold; free ones among them
  std::vector<uint32_t> free;     // of those
  std::list<uint32_t> lru;        // most recently filled first
  std::list<uint32_t> unbuddied;  // with room for another, the one to be used next first
  int64_t compressed = 0;         // entries that have memory here
  int64_t size() const { return static_cast<int64_t>(packed.size() + pages.size() - free.size()); }
};

struct Zswap {
  using List = std::pair<NodeIndex, CgroupIndex>;
  std::map<SlotId, ZswapEntry> entries;
  std::map<List, std::list<SlotId>> lists;  // oldest first; {6.8} by node and group, before all in one
  ZswapPool pool;
  std::vector<ZoneRef> slab;  // of struct zswap_entry
  int64_t stored = 0;         // zswap_stored_pages: entries but those of the zeromap
  bool reached_full = false;  // zswap_pool_reached_full: nothing is accepted until there is room

  int64_t pool_peak = 0, stored_peak = 0;  // pages
  int64_t pool_limit_hit = 0;              // stores refused because the pool was full
};

}  // namespace oomcast::host
