// Holds one thing that the modelled kernel did, or would have refused, with the numbers that explain it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/base/units.h"
#include "model/mm/refusal.h"
#include "model/spec/host_spec.h"

namespace oomcast::sim {

enum class Scope : uint8_t { kHost, kCgroup };

/// A memory cgroup as it stood at an incident in it. Limits: host::kUnlimited where there is none.
struct GroupState {
  std::string path;
  Pages usage, max, high;
  bool v1 = false;
  bool at_memsw = false;             // v1: its limit of memory and swap together is nearer than that of memory
  Pages memsw_usage{}, memsw_max{};  // of v1
};

/// What made it happen. Each names the numbers of the incident, or of the kill, that it rests on.
enum class Cause : uint8_t {
  kLowMark,           // kswapd wakes: free_pages, watermarks.low
  kBoost,             // kswapd wakes although free_pages are above the low mark: fallback raised the marks by `boost`
  kBelowHighMark,     // kswapd scans: free_pages, watermarks.high
  kMinMark,           // a task reclaims for itself: free_pages, watermarks.min
  kMemoryMax,         // a task reclaims in its group: group.usage, group.max
  kMemoryHigh,        // the same above group.high
  kSwapOut,           // the first page goes to swap: by_kswapd, swap_free
  kRefused,           // refusal
  kOutOfMemory,       // of a kill: futile_rounds, free_pages, watermarks.min, shortage
  kThrashing,         // of a kill: what was used within the last lru_gen/min_ttl_ms does not fit
  kGroupOutOfMemory,  // of a kill: group.max, shortage
  kGroupKill,         // of a kill: memory.oom.group is set, and another one of the group was chosen
  kNeverServed,       // a process repeats an access for ever, as the memory for it cannot be had
};

/// The first time that the modelled kernel did something, and the state it did it in.
struct Incident {
  Nanoseconds t;
  int pid = 0, tid = 0;
  std::string comm;
  Scope scope = Scope::kHost;
  NodeId node;
  host::ZoneKind zone = host::ZoneKind::kNormal;
  Bytes app_touched, app_footprint, app_file;
  Pages free_pages;                    // of the zone
  host::Watermarks watermarks;         // of the zone, boost included
  Cause cause = Cause::kLowMark;       // report/words/why.h has the sentence of each
  Pages boost;                         // of the zone, part of its watermarks
  Pages swap_free;                     // of the host
  bool by_kswapd = false;              // else a task was at it
  std::optional<mm::Refusal> refusal;  // of kRefused
  std::optional<GroupState> group;     // of scope kCgroup: whose limit it was
  uint32_t stack_id = 0;               // of the event that set it off
  uint32_t nearest_stack_id = 0;       // last stack that was sampled before, in that thread if there was one
  bool after_divergence = false;
};

struct OomCandidate {
  int pid = 0;
  int uid = 0;
  std::string comm;
  int oom_score_adj = 0;
  Pages rss_anon, rss_file, rss_shmem, swap_entries, total_vm;
  Bytes page_tables;
  int64_t points = 0;
  bool killable = true;  // false: oom_score_adj -1000 or pid 1
  bool guest = false;    // one of the program's own processes
};

/// What came of it when the OOM killer was asked.
enum class OomEnd : uint8_t { kKilled, kPanic, kNobody };  // kNobody: a cgroup in which nobody may be killed

/// What was free at a kill, and why the request could not have it.
struct OomShortage {
  bool kernel_memory = false;  // page tables and the like: zone Movable may not serve them
  Pages movable_free;          // of the host's zones Movable, above their min marks
  Pages swap_free;             // that the host, or the group whose limit it was, could still have used
  int swappiness = 60;         // 0: a group at its limit swaps nothing
  Pages shmem;     // tmpfs, /dev/shm and shared memory in RAM, of the group or the host; of the first kill only
  Pages locked{};  // of the program, in the group or on the host: mlock()
};

struct OomKill {
  Incident incident;
  OomShortage shortage;
  OomCandidate victim;                   // of kPanic and kNobody: none, pid 0, its comm says so
  std::vector<OomCandidate> candidates;  // in task-list order, the victim included; none for who went along
  bool went_along = false;               // with the victim before it, by memory.oom.group
  std::vector<std::string> dmesg;
  OomEnd end = OomEnd::kKilled;
  int futile_rounds = 0;  // of direct reclaim in a row before it
  Pages total;            // what the points are a share of
  Pages host_ram{};
  bool allocating_task = false;  // vm.oom_kill_allocating_task chose the victim
  bool kill_disabled = false;    // of kNobody: by memory.oom_control of cgroup v1
  int panic_on_oom = 0;          // of kPanic: the value that asked for it; 0: nobody may be killed
};

/// Swap was free, and the group whose limit it was may not use it (get_scan_count(): cgroup reclaim and !swappiness).
inline bool swap_is_forbidden(const OomKill& kill) {
  return kill.incident.scope == Scope::kCgroup && kill.shortage.swappiness == 0 && kill.shortage.swap_free > Pages(0);
}
/// At least half of the group's limit, or of the host's memory, is locked: reclaim had little to find.
inline bool lack_is_locked(const OomKill& kill) {
  const Pages all = kill.incident.group ? kill.incident.group->max : kill.host_ram;
  return kill.shortage.locked > Pages(0) && kill.shortage.locked.count() * 2 >= all.count();
}
/// Memory was free, and the request for kernel memory may not use it (gfp_zone()).
inline bool movable_is_forbidden(const OomKill& kill) {
  return kill.shortage.kernel_memory && kill.shortage.movable_free > Pages(0);
}

/// The program's world is no longer the target's, and why.
enum class DivergedBy : uint8_t { kRefusal, kKill, kStuck, kHalt, kEviction };
struct Divergence {
  Nanoseconds t{};
  DivergedBy by = DivergedBy::kKill;
  int pid = 0;  // whom it hit; of kHalt: nobody
  std::string comm{};
  bool fork = false;  // of kRefusal: a fork(), else a mapping of `requested`, or a page of tmpfs
  Pages requested{};
  std::string mount{};  // of that page
  bool mapped = false;  // it was asked for through a mapping
};

/// Nothing on the host goes on, and why.
enum class HaltedBy : uint8_t { kPanic, kAllStuck };
struct Halt {
  Nanoseconds t{};
  HaltedBy by = HaltedBy::kPanic;
};

}  // namespace oomcast::sim
