// What may a group of processes use, and what does it use? One cgroup v2 memory controller.
//
// Index 0 is the root, which has no limits and is not charged; 1 is the group that the program runs in.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "model/host/host_spec.h"

namespace oomcast::host {

using CgroupIndex = uint8_t;
inline constexpr CgroupIndex kRootCgroup = 0;
inline constexpr CgroupIndex kAppCgroup = 1;
inline constexpr int64_t kUnlimited = INT64_MAX / 2;

struct Cgroup {
  std::string path = "/";
  int64_t max = kUnlimited, high = kUnlimited, low = 0, min = 0;  // pages
  int64_t swap_max = kUnlimited, swap_high = kUnlimited;
  bool oom_group = false;

  int64_t usage = 0;              // page_counter memory: charged pages, parked stock included
  int64_t swap_usage = 0;
  int64_t peak = 0;
  std::vector<int64_t> stock;     // by CPU: charged ahead, not yet used
  struct {
    int64_t low = 0, high = 0, max = 0, oom = 0, oom_kill = 0, oom_group_kill = 0;
  } events;                       // memory.events
  struct {
    int64_t max = 0, fail = 0;
  } swap_events;
  int64_t pgscan = 0, pgsteal = 0;  // memory.stat

  int64_t parked() const {
    int64_t sum = 0;
    for (int64_t pages : stock) sum += pages;
    return sum;
  }
};

}  // namespace oomcast::host
