// Computes what follows from an OOM report: points of the tasks, uncounted memory. What zones say: zones.h.
//
// Every fact follows from printed figures and from the kernel's rules. A fact that cannot be computed is absent.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "model/spec/host_spec.h"
#include "report/oomlog/oom_report.h"
#include "report/oomlog/zones.h"

namespace oomcast::oomlog {

/// The kernel's version, from the "CPU:" line or from the form of the report.
struct Version {
  host::KernelVersion version;
  std::string guessed_from;  // what the version was guessed from; "" if the log states it
};
Version version_of(const OomReport& report);

/// Whether reclaim had searched all slab and all file lists before this kill. It had, at priority after priority, if
/// the request was for a single page of the host's, not for low zones only, and not limited to certain nodes.
bool reclaim_searched_all(const OomReport& report);

struct Score {
  const TaskRow* task = nullptr;
  int64_t points = 0;
};
/// oom_badness() of the report's kernel version (kernel-spec 8.4), for each task of the table.
struct Scores {
  std::optional<int64_t> total_pages;  // the memory that a step of oom_score_adj is a 1000th of
  std::vector<Score> most_first;       // tasks that may be killed, most points first
  int unkillable = 0;                  // tasks with oom_score_adj -1000, and init
  std::string caveat;                  // what the points assume beyond the printed figures
};
Scores scores_of(const OomReport& report);

/// Managed memory less everything that the report counts, in KiB: drivers, balloons, per-CPU areas. Absent without
/// totals.
std::optional<int64_t> unaccounted_kb(const OomReport& report);
int64_t kernel_stacks_kb(const OomReport& report);
/// cgroup v1: memory.memsw stopped the group, which had room below its limit of memory alone.
bool limit_of_both(const OomReport& report);
/// What a hypervisor's balloon had taken, in KiB; printed from 6.16 on.
int64_t balloon_kb(const OomReport& report);
/// What zram and zswap keep compressed, in KiB; printed from 6.18 on.
int64_t zspages_kb(const OomReport& report);
/// Whole pages of 4 KiB, rounded down.
inline Pages pages_of_kb(int64_t kb) { return Pages(std::min(kb, kCountLimit) / 4); }
/// A counter of Mem-Info (in pages) in KiB; 0 if it is absent.
int64_t pages_kb(const OomReport& report, std::string_view mem_info_name);

}  // namespace oomcast::oomlog
