// The page counters of a node: their names in the host description, in proc/zoneinfo and in meminfo.
#pragma once

#include <string_view>

#include "model/spec/host_spec.h"

namespace oomcast::host {

struct NodeCounter {
  const char* key;       // in oomcast.host.v1
  const char* zoneinfo;  // in proc/zoneinfo
  const char* meminfo;   // label in meminfo
  Pages NodeSpec::*of;
};
inline constexpr NodeCounter kNodeCounters[] = {
    {"slab_reclaimable_pages", "nr_slab_reclaimable", "SReclaimable:", &NodeSpec::slab_reclaimable},
    {"slab_unreclaimable_pages", "nr_slab_unreclaimable", "SUnreclaim:", &NodeSpec::slab_unreclaimable},
    {"anon_pages", "nr_anon_pages", "AnonPages:", &NodeSpec::anon_pages},
    {"mapped_pages", "nr_mapped", "Mapped:", &NodeSpec::mapped},
    {"file_pages", "nr_file_pages", "Cached:", &NodeSpec::file_pages},
    {"shmem_pages", "nr_shmem", "Shmem:", &NodeSpec::shmem},
    {"dirty_pages", "nr_dirty", "Dirty:", &NodeSpec::dirty},
    {"writeback_pages", "nr_writeback", "Writeback:", &NodeSpec::writeback},
    {"page_table_pages", "nr_page_table_pages", "PageTables:", &NodeSpec::page_tables},
    {"swapcached_pages", "nr_swapcached", "SwapCached:", &NodeSpec::swapcached},
};

/// LRU sizes of a node or zone. proc/zoneinfo has "nr_" or "nr_zone_" before the key, the host description
/// "lru_pages.".
struct LruCounter {
  const char* key;
  const char* meminfo;
  Pages LruSizes::*of;
};
inline constexpr LruCounter kLruCounters[] = {
    {"inactive_anon", "Inactive(anon):", &LruSizes::inactive_anon},
    {"active_anon", "Active(anon):", &LruSizes::active_anon},
    {"inactive_file", "Inactive(file):", &LruSizes::inactive_file},
    {"active_file", "Active(file):", &LruSizes::active_file},
    {"unevictable", "Unevictable:", &LruSizes::unevictable},
};

}  // namespace oomcast::host
