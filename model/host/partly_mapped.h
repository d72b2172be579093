// Huge pages of which a part is unmapped. All their memory stays allocated until they are split (mm/deferred_split.h).
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "model/host/indices.h"
#include "model/host/page.h"

namespace oomcast::host {

/// A huge page on the deferred split queue of its cgroup.
struct PartlyMapped {
  uint64_t number = 0;  // position in the queue: the smallest is split first
  CgroupIndex cgroup;
  bool taken = false;        // a shrinker has taken it off the queue
  std::bitset<512> mapped;   // pages that the process still maps, by position in the huge page
  std::vector<PageId> held;  // the others: unmapped, on their LRU lists, not freed
};

/// Key: process and first vpn.
using PartlyMappedKey = std::pair<ProcessIndex, uint64_t>;
using PartlyMappedPages = std::map<PartlyMappedKey, PartlyMapped>;

}  // namespace oomcast::host
