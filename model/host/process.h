// A process on the host: its memory, and what the OOM killer knows of it.
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
  uint8_t service = 0;      // its program, if there are several (Host::services); 0: the only one, or none
  bool guest = false;       // part of the forecast program; else it was on the host before
  bool alive = true;        // may fault and be chosen by the OOM killer; false from exit_mm() on
  bool dying = false;       // killed by the model, memory not freed yet
  bool killed = false;      // the model has killed it
  bool unkillable = false;  // pid 1
  // since then it waits for memory for ever: it does nothing more and keeps its memory
  std::optional<Nanoseconds> stuck_at;

  AddressSpace space;              // guests only
  std::set<FileIndex> held_files;  // files in memory that the process, or its parent before fork(), has used
  bool thp_disabled = false;       // PR_SET_THP_DISABLE
  int64_t limit_as_pages = kNoLimit, limit_data_pages = kNoLimit;  // RLIMIT_AS, RLIMIT_DATA
  Mempolicy policy;                                                // the policy of new threads
  std::map<int, Mempolicy> thread_policies;  // by tid: threads that called set_mempolicy() or inherited a policy
  std::vector<ZoneRef> table_pages_at;       // of each page-table page
  std::vector<ZoneRef> task_pages_at;        // of each page of kernel memory of its tasks (stacks)
  int tasks = 0;                             // threads that have begun and not ended
  int64_t rss_anon = 0;                      // pages mapped
  int64_t rss_file = 0, rss_shmem = 0;
  int64_t swap_entries = 0;
  int64_t total_vm = 0;           // pages; guests use space.mapped_bytes
  int64_t page_tables_bytes = 0;  // background processes only; guests use space.table_pages()

  uint64_t ran_since_walk = ~uint64_t{0};  // mm->lru_gen.bitmap: one bit per node (modulo 64)

  int64_t touched_pages = 0;
  int64_t resident_peak = 0;
  int64_t mapped_peak_bytes = 0;
  int64_t committed_peak_pages = 0;  // peak of space.committed_pages

  /// lru_gen_use_mm(): a thread of the process gets a CPU.
  void switched_to() { ran_since_walk = ~uint64_t{0}; }

  /// Killed, or ended by one of its threads: nothing may be mapped into it any more.
  bool doomed() const { return dying || !alive; }
  int64_t table_pages() const { return guest ? space.table_pages() : page_tables_bytes >> 12; }
  int64_t total_vm_pages() const { return guest ? space.mapped_bytes >> 12 : total_vm; }
};

}  // namespace oomcast::host
