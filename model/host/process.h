// Describes a process on the host: its memory, its place in the OOM killer's list.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/base/units.h"
#include "model/host/address_space.h"

namespace oomcast::host {

inline constexpr int64_t kNoLimit = INT64_MAX;

struct Process {
  int pid = 0;
  int parent_pid = 0;
  int uid = 0;
  std::string comm;
  int oom_score_adj = 0;
  CgroupIndex cgroup = kRootCgroup;
  uint8_t service = 0;      // which of several programs it is a part of (Host::services); 0: of the only one, or none
  bool guest = false;       // part of the program being forecast; else it stood on the host before
  bool alive = true;        // may fault and be chosen; false from exit_mm() on
  bool dying = false;       // killed by the model, memory not yet freed
  bool killed = false;      // the model killed it at some time
  bool unkillable = false;  // pid 1
  std::optional<Nanoseconds>
      stuck_at;  // waits since then for memory that can never be had: does nothing any more, holds what it has

  AddressSpace space;              // guests only
  std::set<FileIndex> held_files;  // files in memory that it has used, or its parent before the fork
  bool thp_disabled = false;       // PR_SET_THP_DISABLE
  int64_t limit_as_pages = kNoLimit, limit_data_pages = kNoLimit;  // RLIMIT_AS, RLIMIT_DATA
  Mempolicy policy;                                                // what a new thread starts with
  std::map<int, Mempolicy> thread_policies;  // by tid, of those that called set_mempolicy() or inherited one
  std::vector<ZoneRef> table_pages_at;       // of each page-table page
  std::vector<ZoneRef> task_pages_at;        // of each page that the kernel holds for its tasks
  int tasks = 0;                             // that have begun and not ended
  int64_t rss_anon = 0;                      // pages mapped
  int64_t rss_file = 0, rss_shmem = 0;
  int64_t swap_entries = 0;
  int64_t total_vm = 0;           // pages; guests use space.mapped_bytes
  int64_t page_tables_bytes = 0;  // background only; guests use space.table_pages()

  uint64_t ran_since_walk = ~uint64_t{0};  // mm->lru_gen.bitmap: a bit per node (modulo 64)

  int64_t touched_pages = 0;
  int64_t resident_peak = 0;
  int64_t mapped_peak_bytes = 0;
  int64_t committed_peak_pages = 0;  // of space.committed_pages

  /// lru_gen_use_mm(): one of its threads has got a CPU.
  void switched_to() { ran_since_walk = ~uint64_t{0}; }

  /// Killed, or ended by one of its threads: nothing may be mapped there any more.
  bool doomed() const { return dying || !alive; }
  int64_t table_pages() const { return guest ? space.table_pages() : page_tables_bytes >> 12; }
  int64_t total_vm_pages() const { return guest ? space.mapped_bytes >> 12 : total_vm; }
};

}  // namespace oomcast::host
