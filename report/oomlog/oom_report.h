// One OOM report of a kernel log as plain data: what the kernel printed, under the kernel's own names.
//
// A value that the log does not have is absent, never a default. Counters of Mem-Info are in pages, those of nodes and
// zones in KiB, as the kernel prints them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace oomcast::oomlog {

/// 4 PiB, in KiB; more than any host has. Larger numbers are set to this, so that products do not overflow.
inline constexpr int64_t kCountLimit = int64_t{1} << 42;

/// "active_anon:12 ..." by name. `get` returns 0 for an absent counter; `has` tells the difference.
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

/// The task that asked for memory, and its request.
struct Request {
  std::string comm;
  std::optional<int> pid, cpu, order, oom_score_adj;  // order -1: SysRq f
  std::optional<int64_t> gfp_mask;
  std::string gfp_names;  // "GFP_KERNEL|__GFP_ZERO"; not printed before 4.6
  std::string nodemask;   // "" or "(null)": no memory policy
  std::string cpuset, mems_allowed;
};

struct ZoneReport {
  int node = 0;
  std::string name;  // DMA, DMA32, Normal, HighMem, Movable, Device
  Counters kb;
  std::vector<int64_t> lowmem_reserve;  // pages
  std::vector<int64_t> free_blocks;     // by order, from the buddy line
  std::vector<std::string> free_lists;  // by order: "UME", the lists that hold blocks; "" before 3.10 or without blocks
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
  std::optional<int64_t> rss_anon, rss_file, rss_shmem;              // pages; from 6.9 on
  int oom_score_adj = 0;
  std::string comm;
};

/// A counter of a cgroup: usage and limit in KiB, and failcnt.
struct Charge {
  int64_t usage_kb = 0, limit_kb = 0, failcnt = 0;
  /// The limit is the largest value of a page_counter, or close to it; on 32 bits 2^31 - 1 pages of 4 KiB.
  bool unlimited() const { return limit_kb >= int64_t{1} << 50 || limit_kb == int64_t{0x7fffffff} * 4; }
};

struct MemcgReport {
  std::string path;                                                    // the group whose limit was reached
  std::string task_path;                                               // the victim's group
  std::optional<Charge> memory, swap, memory_and_swap, kernel_memory;  // swap: v2; memory+swap and kmem: v1
  Counters stat_bytes;  // memory.stat; v1's lines of several groups are added up, in bytes
};

struct Killed {
  int pid = 0;
  std::string comm;
  std::optional<int> uid, oom_score_adj;
  std::optional<int64_t> total_vm_kb, anon_rss_kb, file_rss_kb, shmem_rss_kb, tables_kb;
  int64_t rss_kb() const { return anon_rss_kb.value_or(0) + file_rss_kb.value_or(0) + shmem_rss_kb.value_or(0); }
};

/// "Kill process N (comm) score S or sacrifice child": before 5.1 the kernel names the chosen process, then the victim.
struct Chosen {
  int pid = 0;
  std::string comm;
  int score = 0;  // of 1000
};

struct OomReport {
  int nth = 0, of = 0;  // number of this kill among those of the log, from 1
  int first_line = 0, last_line = 0;
  std::string kernel_release;  // "" if the "CPU:" line is missing
  bool has_header = false;     // has the line "invoked oom-killer"
  Request request;

  Counters mem_info;  // pages
  std::vector<NodeReport> nodes;
  std::vector<ZoneReport> zones;
  std::vector<HugePages> huge_pages;
  std::optional<int64_t> free_swap_kb, total_swap_kb, swap_cache_pages, page_cache_pages;
  std::optional<int64_t> ram_pages, reserved_pages, cma_reserved_pages, movable_only_pages;
  std::vector<std::pair<std::string, int64_t>> slabs_kb;  // "Unreclaimable slab info", as printed
  int64_t page_kb = 4;         // block size of order 0 in the buddy lines, or what other lines show
  bool page_kb_known = false;  // false: 4 is a guess

  bool has_task_table = false;
  std::vector<std::string> task_columns;  // from the header of the table
  std::vector<TaskRow> tasks;
  int unread_tasks = 0;  // damaged rows

  std::optional<MemcgReport> memcg;
  std::string constraint;  // CONSTRAINT_NONE, ...; "" before 5.0
  std::optional<Chosen> chosen;
  std::optional<Killed> killed;
  std::vector<Killed> also_killed;  // by memory.oom.group
  std::string group_killed;         // the path of the group killed by memory.oom.group
  bool allocating_task = false;     // vm.oom_kill_allocating_task
  bool no_killable = false, panicked = false;
  bool refused = false;    // "page allocation failure": the kernel refused memory and killed nobody
  std::string panic;       // the kernel's words after "Out of memory", "" if there is none
  int64_t suppressed = 0;  // lines that the kernel says it left out

  /// Managed pages of all zones: present less reserved. Absent if the totals are missing.
  std::optional<int64_t> usable_pages() const {
    return ram_pages && reserved_pages ? std::optional(*ram_pages - *reserved_pages) : std::nullopt;
  }
  /// Whether less than a fiftieth of the swap is free.
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
