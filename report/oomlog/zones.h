// Says which zones and nodes a request could use, and how much of each was free for it, by the kernel's rules.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// The numbers in "0-1,3"; nothing if the text is no list of nodes.
std::optional<std::vector<int>> nodes_in(const std::string& list);

/// The kill was for lack of memory on certain nodes. Before 5.0 the report does not say: false.
bool has_node_constraint(const OomReport& report);
/// A memory policy left out nodes. 4.9 prints a nodemask without a policy, too: that of the cpuset.
bool has_policy(const OomReport& report);
bool node_allowed(const OomReport& report, int node);

/// A 32-bit kernel with high memory. From 6.1 on its zone HighMem is not printed if the request could not use it.
bool has_high_memory(const OomReport& report);

/// The highest zone that the request may use: gfp_zone() on the report's machine. "Movable" without gfp_mask.
std::string_view highest_zone(const OomReport& report);
/// The request was a device's, for zone DMA or DMA32.
bool for_low_zone(const OomReport& report);
/// What the request was for, in words: "memory of a program or the cache of a file". "" without gfp_mask.
std::string purpose_of(const OomReport& report);

/// Managed memory in KiB; before 3.9 only `present` is printed.
int64_t managed_kb(const ZoneReport& zone);
int64_t managed_kb(const OomReport& report);

/// A zone and the mark that the request needs (__zone_watermark_ok()), in KiB.
struct ZoneState {
  const ZoneReport* zone = nullptr;
  bool usable = false;  // the request may use the kind of zone, and the node
  bool allowed_node = true;
  int64_t free_kb = 0;    // free memory; without CMA, unless the request is movable
  int64_t needed_kb = 0;  // min mark, highatomic reserve and lowmem_reserve[]
  int64_t above_kb() const { return free_kb - needed_kb; }
  /// Free memory in blocks of the request's order and larger: those that the request may take, and those it may not.
  int64_t in_order_kb = 0, kept_in_order_kb = 0;
};
/// The request could not wait for memory to be reclaimed (GFP_ATOMIC, GFP_NOWAIT); by its names, which 4.6 and later
/// print.
bool could_not_wait(const OomReport& report);
/// The mark that the request has to leave, without lowmem_reserve[]: lower for an urgent one.
int64_t mark_kb(const OomReport& report, const ZoneReport& zone);
std::vector<ZoneState> zone_states(const OomReport& report);

/// The zone had enough memory, but not in pieces as large as was asked for.
bool lacks_pieces(const OomReport& report, const ZoneState& state);
/// A zone that the request could use lacks pieces.
bool fragmented(const OomReport& report);

/// The kernel's own memory was short, but memory that only programs can use was not: zone HighMem of a 32-bit kernel,
/// or zone Movable.
bool only_programs_had_room(const OomReport& report);

}  // namespace oomcast::oomlog
