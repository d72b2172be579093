// The readers of an OOM report, one per part. Each returns true if the line is its own, and false otherwise.
#pragma once

#include <string_view>

#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// "invoked oom-killer", "cpuset=", "CPU: N PID: N". mm/oom_kill.c:dump_header, lib/dump_stack.c.
bool read_header(std::string_view line, OomReport& report);
/// Mem-Info, the nodes and the totals. mm/show_mem.c (mm/page_alloc.c before 6.5).
bool read_mem_info(std::string_view line, OomReport& report);
/// Zones, their reserves, buddy lists and huge pages.
bool read_zones(std::string_view line, OomReport& report);
/// What a cgroup used, its limits, and its memory.stat. mm/memcontrol.c:mem_cgroup_print_oom_*.
bool read_memcg(std::string_view line, OomReport& report);
/// The table of tasks: as of 3.10 (nr_ptes), 4.15 (pgtables_bytes) and 6.9 (rss_anon).
bool read_tasks(std::string_view line, OomReport& report);
/// "oom-kill:", "Kill process", "Killed process", and the lines of kills without a victim.
bool read_kill(std::string_view line, OomReport& report);

}  // namespace oomcast::oomlog
