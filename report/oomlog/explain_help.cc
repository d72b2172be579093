// Says what would have helped, as far as the figures allow, and what the log does not say.
#include <algorithm>
#include <optional>

#include "report/oomlog/explain.h"
#include "report/oomlog/facts.h"
#include "report/oomlog/words.h"

namespace oomcast::oomlog {
namespace {

void help_memcg(const OomReport& report, std::vector<std::string>& out) {
  const MemcgReport& group = *report.memcg;
  if (limit_of_both(report))
    out.push_back(
        "A limit of memory and swap together above " + kb_text(group.memory_and_swap->limit_kb) +
        " (memory.memsw.limit_in_bytes, docker run --memory-swap); more memory alone does not help. How far above, "
        "the report cannot tell, since the group was stopped there.");
  else if (group.memory && !group.memory->unlimited())
    out.push_back("A limit above " + kb_text(group.memory->limit_kb) +
                  " (memory.max, a container's limit): how far above, the report cannot tell, since the group was "
                  "stopped there. 'oomcast fit' on a run of the program tells.");
  if (group.swap && group.swap->limit_kb == 0)
    out.push_back("Swap for the group (memory.swap.max), if a slow program is better than a dead one.");
  const int64_t usage = group.memory ? group.memory->usage_kb : 0;
  const int64_t kernel = group.stat_bytes.has("kernel") ? group.stat_bytes.get("kernel") / 1024
                         : group.kernel_memory          ? group.kernel_memory->usage_kb
                                                        : 0;
  if (usage > 0 && kernel > usage / 4)
    out.push_back("A look at the group's kernel memory, " + kb_text(kernel) +
                  ": files, sockets or threads without end, or a leak of the kernel's (memory.stat, 'slabtop -s c').");
  if (const int64_t shmem = group.stat_bytes.get("shmem") / 1024;
      shmem > 0 && group.memory && shmem > group.memory->usage_kb / 10)
    out.push_back("Less in tmpfs, /dev/shm or memory-backed volumes: " + kb_text(shmem) + " of the group is there.");
}

void help_nodes(const OomReport& report, std::vector<std::string>& out) {
  int64_t elsewhere = 0;
  for (const ZoneState& state : zone_states(report))
    if (!state.allowed_node) elsewhere += std::max<int64_t>(0, state.above_kb());
  if (has_node_constraint(report) || elsewhere > 0)
    out.push_back("Permission to use other nodes (numactl --preferred instead of --membind, a wider cpuset.mems)" +
                  (elsewhere > 0 ? ": " + kb_text(elsewhere) + " was free there."
                                 : std::string(": what is free there, the report does not show.")));
}

void help_pieces(const OomReport& report, std::vector<std::string>& out) {
  if (!fragmented(report)) return;
  out.push_back(
      "Larger free pieces rather than more memory: a higher vm.min_free_kbytes keeps some, and 'echo 1 "
      ">/proc/sys/vm/compact_memory' makes some for a while; who asks for order " +
      std::to_string(report.request.order.value_or(0)) + " may be able to ask for less.");
}

void help_low_memory(const OomReport& report, std::vector<std::string>& out) {
  if (!only_programs_had_room(report)) return;
  if (has_high_memory(report))
    out.push_back(
        "A 64-bit kernel: it has no zone HighMem. More memory or swap would not have helped; the lower zones do not "
        "grow with it. Fewer tasks and less slab do.");
  else
    out.push_back(
        "Less memory in zone Movable (online it as Normal, a smaller movablecore=, or a node with a zone Normal in "
        "cpuset.mems); more swap would not have helped.");
}

void help_host(const OomReport& report, std::vector<std::string>& out) {
  // A request is served if one zone has enough.
  std::optional<int64_t> missing;
  for (const ZoneState& state : zone_states(report)) {
    if (!state.usable || managed_kb(*state.zone) == 0) continue;
    missing = std::min(missing.value_or(kCountLimit), std::max<int64_t>(0, -state.above_kb()));
  }
  help_nodes(report, out);
  help_pieces(report, out);
  help_low_memory(report, out);
  if (for_low_zone(report))
    out.push_back(
        "More memory would not have helped: the device's zone is as large as it is. A driver with 64-bit DMA, or a "
        "larger CMA area, does.");
  const bool programs_short = !only_programs_had_room(report) && !for_low_zone(report);
  const int64_t managed = managed_kb(report);
  const int64_t total = managed > 0 ? managed : report.usable_pages().value_or(0) * report.page_kb;
  const int64_t anon = pages_kb(report, "active_anon") + pages_kb(report, "inactive_anon");
  if (programs_short && report.total_swap_kb && *report.total_swap_kb == 0 && anon > 0)
    out.push_back("Swap: the host had none. " + kb_text(anon) + " of anonymous and shared memory could have used it.");
  if (programs_short && report.swap_is_full())
    out.push_back("More swap than " + kb_text(*report.total_swap_kb) + ", or more memory: swap was full.");
  if (report.panic.find("panic_on_oom") != std::string::npos)
    out.push_back("vm.panic_on_oom=0, if a killed process is better than a restart of the host.");
  if (report.allocating_task)
    out.push_back("vm.oom_kill_allocating_task=0: the kernel then kills the largest, which gives back most.");
  if (programs_short && !fragmented(report) && report.killed && report.killed->rss_kb() > total / 50)
    out.push_back("The victim's " + kb_text(report.killed->rss_kb()) +
                  " elsewhere, or a limit of its own (memory.max) that stops it before the " +
                  (has_node_constraint(report) ? "nodes run out." : "host runs out."));
  if (programs_short && missing.value_or(0) > 0)
    out.push_back(
        "To serve this one request the zone that was nearest to enough lacked " + kb_text(*missing) +
        "; to live on, the host needs what its programs would have taken next, which the report does not know.");
  // Nothing to compare the figures below with, or Mem-Info is of more nodes than were short.
  if (total <= 0 || has_node_constraint(report)) return;
  if (const int64_t slab = pages_kb(report, "slab_unreclaimable"); slab > total / 5)
    out.push_back(
        "A look at the kernel's own memory: " + kb_text(slab) +
        " of slab cannot be reclaimed ('slabtop -s c'); that is a leak of a driver or module more often than a need.");
  if (const int64_t shmem = pages_kb(report, "shmem"); shmem > total / 5)
    out.push_back("Less in tmpfs and shared memory: " + kb_text(shmem) + " ('df -t tmpfs', 'ipcs -m').");
  if (const int64_t locked = pages_kb(report, "unevictable"); locked > total / 5)
    out.push_back(
        "Less that is locked or in a root file system in memory (mlock, ramfs, initramfs): " + kb_text(locked) + ".");
  if (const int64_t compressed = zspages_kb(report); compressed > total / 5)
    out.push_back("Swap on a disk instead of in memory: what zram or zswap had compressed took " + kb_text(compressed) +
                  ".");
  if (const int64_t balloon = balloon_kb(report); balloon > total / 20)
    out.push_back("A smaller balloon: the hypervisor had taken " + kb_text(balloon) + " from this guest.");
  int64_t unused = 0;
  for (const HugePages& pages : report.huge_pages) unused += pages.free_kb();
  if (unused > total / 50)
    out.push_back("Fewer reserved huge pages (vm.nr_hugepages): " + kb_text(unused) + " of them lay unused.");
  if (const auto rest = unaccounted_kb(report); rest && *rest > total / 5)
    out.push_back("A look at what no counter shows, " + kb_text(*rest) +
                  ": a balloon that the hypervisor has blown up, or a driver.");
  if (pages_kb(report, "dirty") + pages_kb(report, "writeback") > total / 20)
    out.push_back(
        "Earlier writing to disk (a lower vm.dirty_background_bytes and vm.dirty_bytes): dirty cache could not be "
        "dropped in time.");
}

void help_refused(const OomReport& report, std::vector<std::string>& out) {
  help_pieces(report, out);
  help_low_memory(report, out);
  if (!fragmented(report) && could_not_wait(report))
    out.push_back(
        "A higher vm.min_free_kbytes or vm.watermark_scale_factor: kswapd then keeps more free for requests that "
        "cannot wait.");
}

}  // namespace

Section explain_help(const OomReport& report) {
  Section section{"help", "What would have helped", {}};
  if (report.request.order == -1) return section;
  if (report.refused) {
    help_refused(report, section.sentences);
    return section;
  }
  if (report.memcg)
    help_memcg(report, section.sentences);
  else if (!report.zones.empty() || !report.mem_info.empty())
    help_host(report, section.sentences);
  return section;
}

Section explain_missing(const OomReport& report) {
  Section section{"missing", "What the log does not say", {}};
  std::vector<std::string>& out = section.sentences;
  if (!report.has_header)
    out.push_back(
        "Who asked: the line 'invoked oom-killer' is missing; the log lost its beginning, or the kernel left the "
        "report out (it prints ten in five seconds).");
  else if (!report.request.gfp_mask)
    out.push_back("What kind of memory was asked for: gfp_mask is missing.");
  if (const Version version = version_of(report); !version.guessed_from.empty())
    out.push_back("The kernel's version; rules of " + std::to_string(version.version.major) + "." +
                  std::to_string(version.version.minor) + " are used, from " + version.guessed_from + ".");
  if (report.refused) return section;  // no victim was chosen, and no tasks are listed
  if (!report.killed && !report.no_killable && !report.panicked)
    out.push_back("Who was killed: the line 'Killed process' is missing, the log may be cut.");
  if (!report.memcg && report.mem_info.empty()) out.push_back("How memory was used: Mem-Info is missing.");
  if (!report.memcg && report.zones.empty()) out.push_back("Which zone was short: the lines of the zones are missing.");
  if (!report.memcg && !report.total_swap_kb) out.push_back("Swap: the line 'Total swap' is missing.");
  if (report.memcg && !report.memcg->memory)
    out.push_back("The group's usage and limit: the line 'memory: usage' is missing.");
  if (report.memcg && report.memcg->path.empty()) out.push_back("The group's path.");
  if (report.memcg)
    out.push_back("The host: a cgroup's report shows nothing of its memory, its swap and vm.swappiness.");
  if (report.tasks.empty())
    out.push_back(report.has_task_table
                      ? "The other tasks: the table has no rows."
                      : "The other tasks: the table of tasks is missing (vm.oom_dump_tasks=0, or the log is cut).");
  if (report.unread_tasks > 0)
    out.push_back(std::to_string(report.unread_tasks) + " rows of the table of tasks are damaged and left out.");
  if (report.suppressed > 0)
    out.push_back("The kernel says that it left out " + report::count_text(report.suppressed) + " lines.");
  if (!report.memcg)
    out.push_back("vm.swappiness and other settings, what the CPUs did, and how long the shortage had lasted.");
  return section;
}

}  // namespace oomcast::oomlog
