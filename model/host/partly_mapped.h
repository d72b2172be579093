// Holds huge pages of which a part is unmapped. Their memory stays one block until it is split.
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "model/host/indices.h"
#include "model/host/page.h"

namespace oomcast::host {

/// A compound page on the deferred split queue of its group.
struct PartlyMapped {
  uint64_t number = 0;  // its place in the queue: the smallest is split first
  CgroupIndex cgroup;
  bool taken = false;        // a shrinker has it in hand
  std::bitset<512> mapped;   // which of its pages the process still has, by their place in the huge page
  std::vector<PageId> held;  // the others: unmapped, on their lists, not free
};

/// By process and first page number.
using PartlyMappedKey = std::pair<ProcessIndex, uint64_t>;
using PartlyMappedPages = std::map<PartlyMappedKey, PartlyMapped>;

}  // namespace oomcast::host
