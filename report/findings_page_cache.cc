// Findings about page cache and files in memory: cache that gives way, text and files that are read again and again,
// and tmpfs, which only swap can take.
#include <algorithm>

#include "model/host/vmstat.h"
#include "report/findings.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using host::Vmstat;

// A few MiB that are read again are noise. If every second evicted page is read again, it is thrashing.
constexpr int64_t kThrashPages = 1024;

bool thrashes_files(const sim::Outcome& outcome) {
  const int64_t again = outcome.counters[Vmstat::workingset_refault_file];
  return again >= kThrashPages && again * 2 >= outcome.counters[Vmstat::pgsteal_file];
}

bool limited_group(const sim::Outcome& outcome) {
  const auto& events = outcome.cgroup.events;
  return outcome.host.cgroup.present && events.max + events.high > 0;
}

/// Waits other than memory.high's sleeps: for the disk, because of dirty pages.
Nanoseconds dirty_waits(const sim::Outcome& outcome) {
  return outcome.stall.throttled_total - outcome.stall.memory_high_total;
}

}  // namespace

bool group_lives_on_page_cache(const sim::Outcome& outcome) {
  const int64_t file = outcome.counters[Vmstat::pgsteal_file], anon = outcome.counters[Vmstat::pgsteal_anon];
  return limited_group(outcome) && outcome.direct_reclaim && outcome.direct_reclaim->scope == sim::Scope::kCgroup &&
         outcome.verdict == sim::Verdict::kDirectReclaim && file > 0 && anon * 20 <= file && !thrashes_files(outcome);
}

void find_group_page_cache(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  if (!group_lives_on_page_cache(outcome)) return;
  Finding finding{"group_page_cache", Severity::kInfo};
  const int64_t stolen = outcome.counters[Vmstat::pgsteal_file];
  finding.title = "The cgroup uses all its memory, and that is page cache: the kernel takes it back, nobody is killed";
  finding.why = "of what was reclaimed at the limit " + pages_text(Pages(stolen)) + " were page cache, " +
                pages_text(Pages(outcome.counters[Vmstat::pgsteal_anon])) +
                " were the program's own memory; files that it reads and writes are "
                "charged to the group and stay until the room is needed, so a usage near the limit is normal. A "
                "higher limit would only cache more of them";
  if (const Nanoseconds dirty = dirty_waits(outcome); dirty.count() > 0)
    finding.why += ". Dirty pages have to be written first: tasks waited " + duration_text(dirty) +
                   " for the disk, throttled and not killed";
  finding.evidence = {{"pgsteal_file", stolen},
                      {"pgsteal_anon", outcome.counters[Vmstat::pgsteal_anon]},
                      {"workingset_refault_file", outcome.counters[Vmstat::workingset_refault_file]},
                      {"app_footprint_peak_bytes", outcome.app.footprint_peak.count()},
                      {"memory_peak_bytes", outcome.cgroup.peak.count()}};
  findings.push_back(std::move(finding));
}

void find_file_thrash(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  if (!thrashes_files(outcome)) return;
  const int64_t again = outcome.counters[Vmstat::workingset_refault_file],
                stolen = outcome.counters[Vmstat::pgsteal_file];
  const bool group = limited_group(outcome), heavy = outcome.stall.total.count() * 20 > outcome.forecast.count();
  Finding finding{"file_thrash", heavy ? Severity::kError : Severity::kWarning};
  finding.title = "Files and program text are evicted and read again: " + pages_text(Pages(again)) +
                  (outcome.oom_kill ? "" : ", and nobody is killed for it");
  finding.why = "of " + pages_text(Pages(stolen)) + " of page cache that were evicted " + percent_text(again, stolen) +
                " were read again: " +
                (group ? "the limit is smaller than the code and files that the program uses all the time"
                       : "the host's memory is smaller than the code and files that are in use all the time") +
                ". Reclaim always finds such a page, so the OOM killer is never called, and the program runs at the "
                "speed of the disk";
  finding.evidence = {{"workingset_refault_file", again},
                      {"pgsteal_file", stolen},
                      {"pgmajfault", outcome.counters[Vmstat::pgmajfault]},
                      {"stall_ns_total", outcome.stall.total.count()},
                      {"app_file_bytes", outcome.direct_reclaim ? outcome.direct_reclaim->app_file.count() : 0}};
  const Bytes more = std::min(to_bytes(Pages(again)), outcome.host.cgroup.memory_max > 0 && group
                                                          ? Bytes(outcome.host.cgroup.memory_max)
                                                          : to_bytes(Pages(again)));
  const char* file =
      outcome.host.cgroup.memory_high >= 0 && outcome.cgroup.events.high > 0 ? "memory.high" : "memory.max";
  if (group)
    finding.tries.push_back({std::string("a higher ") + file + ", that holds the code and files in use",
                             higher_limit(outcome.host, file, more, Bytes(0))});
  else
    finding.tries.push_back(
        {"more memory, that holds the code and files in use", more_memory_of(outcome.host, more, Bytes(0))});
  if (outcome.host.vm.zone_reclaim_mode != 0)
    finding.tries.push_back(
        {"vm.zone_reclaim_mode=0: files may be cached on other nodes", set_to({"vm.zone_reclaim_mode=0"})});
  findings.push_back(std::move(finding));
}

void find_files_in_memory(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  if (outcome.oom_kills.empty()) return;
  const sim::OomKill& kill = outcome.oom_kills.front();
  const bool group = kill.incident.scope == sim::Scope::kCgroup;
  const Pages shmem = kill.shortage.shmem,
              all = group && kill.incident.group ? kill.incident.group->usage : outcome.host.total_ram;
  constexpr int64_t kPart = 5;  // a fifth of the limit, or of the host
  if (shmem.count() * kPart < all.count() || shmem.count() == 0) return;
  Finding finding{"files_in_memory", Severity::kError};
  finding.title = "Files in memory fill " + std::string(group ? "the cgroup's limit: " : "the host: ") +
                  pages_text(shmem) + " of " + pages_text(all);
  finding.why =
      "files in /dev/shm, a tmpfs or an emptyDir with medium Memory, and shared memory segments, are memory of the "
      "group that wrote them, "
      "each page counted once. They are not page cache: only swap can take them, and deleting them frees them. A kill "
      "does not, so the next process meets the same shortage";
  finding.evidence = {{"shmem_bytes", to_bytes(shmem).count()},
                      {"usage_bytes", to_bytes(all).count()},
                      {"swap_free_bytes", to_bytes(kill.shortage.swap_free).count()}};
  if (!sim::swap_is_forbidden(kill))
    finding.tries.push_back(
        {"swap for these files",
         more_swap_of(outcome.host, outcome.need_after_kill.value_or(Bytes(0)) + to_bytes(shmem) / 2)});
  finding.tries.push_back({"files on a disk instead, or a size= on the tmpfs (sizeLimit of the emptyDir)"});
  findings.push_back(std::move(finding));
}

}  // namespace oomcast::report
