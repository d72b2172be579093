// Names the readers of an OOM report, one per part. Each takes a line that is its own and says so, or leaves it.
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
/// What a cgroup used of what it may, and its memory.stat. mm/memcontrol.c:mem_cgroup_print_oom_*.
bool read_memcg(std::string_view line, OomReport& report);
/// The table of tasks in its forms from 3.10 (nr_ptes) over 4.15 (pgtables_bytes) to 6.9 (rss_anon).
bool read_tasks(std::string_view line, OomReport& report);
/// "oom-kill:", "Kill process", "Killed process" and the ends without a victim.
bool read_kill(std::string_view line, OomReport& report);

}  // namespace oomcast::oomlog
