// Holds what one of several programs on a host has in memory and in swap, and what reclaim has taken from it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "model/host/cgroup.h"

namespace oomcast::host {

/// More programs than that have no number of their own (Process::service), and no process ids (trace/stream_numbers.h).
inline constexpr size_t kServicesMax = 100;

struct Service {
  CgroupIndex cgroup = kRootCgroup;     // where its processes start
  int64_t anon = 0, swapped = 0;        // pages, as Host::guest_anon and guest_swapped count them
  int64_t footprint_peak = 0;           // the most of both together
  int64_t swap_outs = 0, swap_ins = 0;  // pages written and read, as pswpout and pswpin count them
  // Its anonymous pages that reclaim took out of memory, by the service that reclaimed; [0]: kswapd and others.
  std::vector<int64_t> taken_by;

  void count_anon(int64_t pages) {
    anon += pages;
    footprint_peak = std::max(footprint_peak, anon + swapped);
  }
};

}  // namespace oomcast::host
