// Computes what follows from an OOM report: zones that the request could use, points of the tasks, uncounted memory.
//
// Every fact follows from printed figures and from the kernel's rules. A fact that cannot be computed is absent.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "model/spec/host_spec.h"
#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// The kernel's version, from the "CPU:" line or from the form of the report.
struct Version {
  host::KernelVersion version;
  std::string guessed_from;  // what the version was guessed from; "" if the log states it
};
Version version_of(const OomReport& report);

/// The numbers in "0-1,3"; nothing if the text is no list of nodes.
std::optional<std::vector<int>> nodes_in(const std::string& list);

/// The kill was for lack of memory on certain nodes. Before 5.0 the report does not say: false.
bool has_node_constraint(const OomReport& report);

/// What the request was for, in words: "memory of a program or the cache of a file". "" without gfp_mask.
std::string purpose_of(const Request& request);
/// The highest zone that the request may use (gfp_zone() of x86-64): DMA 0, DMA32 1, Normal 2, Movable 3. 3 without
/// gfp_mask.
int highest_zone(const Request& request);

/// A zone and the mark that the request needs (__zone_watermark_ok()), in KiB.
struct ZoneState {
  const ZoneReport* zone = nullptr;
  bool usable = false;  // the request may use the kind of zone, and the node
  bool allowed_node = true;
  int64_t free_kb = 0;    // free memory; without CMA, unless the request is movable
  int64_t needed_kb = 0;  // min mark, highatomic reserve and lowmem_reserve[]
  int64_t above_kb() const { return free_kb - needed_kb; }
  /// Free memory in blocks of the request's order and larger.
  int64_t in_order_kb = 0;
};
std::vector<ZoneState> zone_states(const OomReport& report);

/// Whether reclaim had searched all slab and all file lists before this kill. It had, at priority after priority, if
/// the request was for a single page, not for a device's zone, and not limited to certain nodes.
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
int64_t managed_kb(const OomReport& report);
/// Whole pages of 4 KiB, rounded down.
inline Pages pages_of_kb(int64_t kb) { return Pages(std::min(kb, kCountLimit) / 4); }
/// A counter of Mem-Info (in pages) in KiB; 0 if it is absent.
int64_t pages_kb(const OomReport& report, std::string_view mem_info_name);

}  // namespace oomcast::oomlog
