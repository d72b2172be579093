// What one of several programs on a host has in memory and in swap, and what reclaim has taken from it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "model/host/cgroup.h"

namespace oomcast::host {

/// Process::service has numbers for this many, and trace/stream_numbers.h has pids.
inline constexpr size_t kServicesMax = 100;

struct Service {
  CgroupIndex cgroup = kRootCgroup;     // the cgroup in which its processes start
  int64_t anon = 0, swapped = 0;        // pages, as Host::guest_anon and Host::guest_swapped count them
  int64_t footprint_peak = 0;           // largest anon + swapped
  int64_t swap_outs = 0, swap_ins = 0;  // pages, as pswpout and pswpin count them
  // Anonymous pages that reclaim took from it, by the service that reclaimed. [0]: kswapd and others.
  std::vector<int64_t> taken_by;

  void count_anon(int64_t pages) {
    anon += pages;
    footprint_peak = std::max(footprint_peak, anon + swapped);
  }
};

}  // namespace oomcast::host
