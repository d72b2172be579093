// Holds one OOM report of a kernel log as plain data: what the kernel printed, under the kernel's own names.
//
// A value that the log does not hold is absent, never a default. Counts of Mem-Info are pages, of nodes and zones KiB,
// as the kernel prints them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace oomcast::oomlog {

/// More pages or KiB than any host has, 4 PiB: what is larger is taken for this, so that products stay in range.
inline constexpr int64_t kCountLimit = int64_t{1} << 42;

/// "active_anon:12 ..." by name; `get` gives 0 for what is not there, which `has` tells apart.
class Counters {
 public:
  bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
  int64_t get(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? 0 : found->second;
  }
  void set(std::string_view name, int64_t value) { values_.insert_or_assign(std::string(name), value); }
  bool empty() const { return values_.empty(); }
  const std::map<std::string, int64_t, std::less<>>& all() const { return values_; }

 private:
  std::map<std::string, int64_t, std::less<>> values_;
};

/// The task that asked for memory, and what it asked for.
struct Request {
  std::string comm;
  std::optional<int> pid, cpu, order, oom_score_adj;  // order -1: asked for by SysRq
  std::optional<int64_t> gfp_mask;
  std::string gfp_names;  // "GFP_KERNEL|__GFP_ZERO"; kernels before 4.6 print none
  std::string nodemask;   // "" or "(null)": no memory policy
  std::string cpuset, mems_allowed;
};

struct ZoneReport {
  int node = 0;
  std::string name;  // DMA, DMA32, Normal, HighMem, Movable, Device
  Counters kb;
  std::vector<int64_t> lowmem_reserve;  // pages
  std::vector<int64_t> free_blocks;     // by order, from the line of the buddy lists
};

struct NodeReport {
  int id = 0;
  Counters kb;
  std::optional<bool> all_unreclaimable;
};

struct HugePages {
  int node = 0;
  int64_t total = 0, free = 0, size_kb = 0;
  int64_t total_kb() const { return total * size_kb; }
  int64_t free_kb() const { return free * size_kb; }
};

struct TaskRow {
  int pid = 0, tgid = 0, uid = 0;
  int64_t total_vm = 0, rss = 0, swap_entries = 0, table_pages = 0;  // pages
  std::optional<int64_t> rss_anon, rss_file, rss_shmem;              // pages, {6.9 and later}
  int oom_score_adj = 0;
  std::string comm;
};

/// usage, limit in KiB and failcnt of one counter of a cgroup.
struct Charge {
  int64_t usage_kb = 0, limit_kb = 0, failcnt = 0;
  /// The largest value of a page_counter, or near to it: no limit.
  bool unlimited() const { return limit_kb >= int64_t{1} << 50; }
};

struct MemcgReport {
  std::string path;                                                    // the group whose limit was hit
  std::string task_path;                                               // the victim's group
  std::optional<Charge> memory, swap, memory_and_swap, kernel_memory;  // swap: v2; memory+swap and kmem: v1
  Counters stat_bytes;  // memory.stat, v1's KB lines of several groups added up
};

struct Killed {
  int pid = 0;
  std::string comm;
  std::optional<int> uid, oom_score_adj;
  std::optional<int64_t> total_vm_kb, anon_rss_kb, file_rss_kb, shmem_rss_kb, tables_kb;
  int64_t rss_kb() const { return anon_rss_kb.value_or(0) + file_rss_kb.value_or(0) + shmem_rss_kb.value_or(0); }
};

/// "Kill process N (comm) score S or sacrifice child": kernels before 5.1 name whom they chose, then whom they killed.
struct Chosen {
  int pid = 0;
  std::string comm;
  int score = 0;  // thousandths of the memory that counts
};

struct OomReport {
  int nth = 0, of = 0;  // this kill among those of the log, from 1
  int first_line = 0, last_line = 0;
  std::string kernel_release;  // "" when the line of the CPU is missing
  bool has_header = false;     // "invoked oom-killer"
  Request request;

  Counters mem_info;  // pages
  std::vector<NodeReport> nodes;
  std::vector<ZoneReport> zones;
  std::vector<HugePages> huge_pages;
  std::optional<int64_t> free_swap_kb, total_swap_kb, swap_cache_pages, page_cache_pages;
  std::optional<int64_t> ram_pages, reserved_pages, cma_reserved_pages, movable_only_pages;
  std::vector<std::pair<std::string, int64_t>> slabs_kb;  // "Unreclaimable slab info", as printed
  int64_t page_kb = 4;                                    // of order 0 in the line of the buddy lists

  bool has_task_table = false;
  std::vector<std::string> task_columns;  // of the header of the table
  std::vector<TaskRow> tasks;
  int unread_tasks = 0;  // rows that are no rows

  std::optional<MemcgReport> memcg;
  std::string constraint;  // CONSTRAINT_NONE, ...; "" before 5.0
  std::optional<Chosen> chosen;
  std::optional<Killed> killed;
  std::vector<Killed> also_killed;  // memory.oom.group
  std::string group_killed;         // its path
  bool allocating_task = false;     // vm.oom_kill_allocating_task
  bool no_killable = false, panicked = false;
  int64_t suppressed = 0;  // lines that the kernel says it left out

  /// What the kernel manages, of all zones. Absent: the totals are missing.
  std::optional<int64_t> usable_pages() const {
    return ram_pages && reserved_pages ? std::optional(*ram_pages - *reserved_pages) : std::nullopt;
  }
  /// Less than a fiftieth of the swap is free.
  bool swap_is_full() const {
    return total_swap_kb && *total_swap_kb > 0 && free_swap_kb.value_or(0) * 50 < *total_swap_kb;
  }
  const TaskRow* task(int pid) const {
    for (const TaskRow& row : tasks)
      if (row.pid == pid) return &row;
    return nullptr;
  }
};

}  // namespace oomcast::oomlog
