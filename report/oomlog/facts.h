// Computes what an OOM report implies: zones that the request could use, points of the tasks, memory nobody accounts
// for.
//
// Every fact follows from printed figures and the kernel's own rules; what cannot be computed stays absent.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "model/spec/host_spec.h"
#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// The kernel's version, from the line of the CPU or from the form of the report.
struct Version {
  host::KernelVersion version;
  std::string guessed_from;  // "" when the log says it
};
Version version_of(const OomReport& report);

/// "0-1,3". Absent when the text is no list of nodes.
std::optional<std::vector<int>> nodes_in(const std::string& list);

/// The kill was for want of memory on certain nodes. {before 5.0} not known: false.
bool has_node_constraint(const OomReport& report);

/// What was asked for, in words: "a page for a program's own memory or for cached files". "" without gfp_mask.
std::string purpose_of(const Request& request);
/// The highest zone that the request may use (gfp_zone() of x86-64): DMA 0, DMA32 1, Normal 2, Movable 3. Without
/// gfp_mask 3.
int highest_zone(const Request& request);

/// One zone against the mark below which only emergencies may take (__zone_watermark_ok), in KiB.
struct ZoneState {
  const ZoneReport* zone = nullptr;
  bool usable = false;  // by kind and by node
  bool allowed_node = true;
  int64_t free_kb = 0;    // without CMA unless the request is movable
  int64_t needed_kb = 0;  // min mark and the reserve for lower zones
  int64_t above_kb() const { return free_kb - needed_kb; }
  /// Free memory in pieces of the order and larger.
  int64_t in_order_kb = 0;
};
std::vector<ZoneState> zone_states(const OomReport& report);

/// Reclaim fails at priority after priority before the kernel kills. For single pages, with no zone of a device and no
/// choice of nodes in the way, it has then searched all slab and all file lists.
bool reclaim_searched_all(const OomReport& report);

struct Score {
  const TaskRow* task = nullptr;
  int64_t points = 0;
};
/// oom_badness() as that kernel computes it (kernel-spec 8.4).
struct Scores {
  std::optional<int64_t> total_pages;  // what oom_score_adj is a share of
  std::vector<Score> most_first;       // tasks that may be killed
  int unkillable = 0;                  // oom_score_adj -1000 and init
  std::string caveat;                  // what the points rest on beyond the printed figures
};
Scores scores_of(const OomReport& report);

/// Managed memory less everything that the report counts, KiB: drivers, balloons, per-CPU areas. Absent without zones.
std::optional<int64_t> unaccounted_kb(const OomReport& report);
int64_t managed_kb(const OomReport& report);
/// Whole pages of 4 KiB.
inline Pages pages_of_kb(int64_t kb) { return Pages(std::min(kb, kCountLimit) / 4); }
int64_t pages_kb(const OomReport& report, std::string_view mem_info_name);

}  // namespace oomcast::oomlog
