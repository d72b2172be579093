// Reads the end of an OOM report: who was chosen, and who was killed.
#include "report/oomlog/kernel_lines.h"
#include "report/oomlog/line_fields.h"
#include "report/oomlog/parts.h"

namespace oomcast::oomlog {
namespace {

constexpr int64_t kUidMost = 0xffffffff;  // printed as unsigned

/// From 5.0 on: "oom-kill:constraint=C,nodemask=N,cpuset=S,mems_allowed=M,global_oom,task_memcg=P,task=T,pid=1,uid=0".
void read_summary(std::string_view line, OomReport& report) {
  Request& request = report.request;
  report.constraint = between(line, "constraint=", ",");
  if (report.constraint == "CONSTRAINT_MEMCG" && !report.memcg) report.memcg.emplace();
  if (const std::string_view mask = between(line, ",nodemask=", ",cpuset="); !mask.empty()) request.nodemask = mask;
  if (const std::string_view set = between(line, ",cpuset=", ",mems_allowed="); !set.empty()) request.cpuset = set;
  std::string_view nodes = between(line, ",mems_allowed=", ",task_memcg=");
  const size_t scope = std::min(nodes.find(",global_oom"), nodes.find(",oom_memcg="));
  nodes = nodes.substr(0, scope);
  if (!nodes.empty()) request.mems_allowed = nodes;
  if (const std::string_view path = between(line, ",oom_memcg=", ",task_memcg="); !path.empty()) {
    if (!report.memcg) report.memcg.emplace();
    report.memcg->path = path;
  }
  if (report.memcg) report.memcg->task_path = between(line, ",task_memcg=", ",task=");
}

bool read_chosen(std::string_view line, OomReport& report) {
  const size_t at = line.find("Kill process "), score = line.rfind(" score ");
  if (at == std::string_view::npos || score == std::string_view::npos || score < at) return false;
  const auto pid = as_int(number_after(line, "Kill process "));
  if (!pid) return true;
  const std::string_view name = line.substr(at, score - at);
  const size_t open = name.find('('), close = name.rfind(')');
  Chosen& chosen = report.chosen.emplace();
  chosen.pid = *pid;
  if (open < close && close != std::string_view::npos) chosen.comm = name.substr(open + 1, close - open - 1);
  chosen.score = as_int(leading_number(line.substr(score + 7))).value_or(0);
  if (line.starts_with("Memory cgroup") && !report.memcg) report.memcg.emplace();
  report.allocating_task |= line.find("oom_kill_allocating_task") != std::string_view::npos;
  return true;
}

bool read_killed(std::string_view line, OomReport& report) {
  const size_t at = line.find(kKilledProcess);
  if (at == std::string_view::npos) return false;
  std::string_view rest = line.substr(at + kKilledProcess.size());
  const auto pid = as_int(leading_number(rest));
  if (!pid || *pid < 1) return false;
  Killed killed;
  killed.pid = *pid;
  // The name may contain brackets. It ends before " total-vm:", or in later kernels of RHEL 7 before ", UID 1000,
  // total-vm:".
  const size_t counters = std::min(rest.find(" total-vm:"), rest.size());
  size_t open = rest.find('('), close = rest.substr(0, counters).rfind(')');
  if (open != std::string_view::npos && close != std::string_view::npos && close > open)
    killed.comm = rest.substr(open + 1, close - open - 1);
  killed.uid = as_int(number_after(rest, "UID:"), kUidMost);
  if (!killed.uid) killed.uid = as_int(number_after(rest, ", UID "), kUidMost);
  killed.oom_score_adj = as_int(number_after(rest, "oom_score_adj:"));
  const auto kb = [&](std::string_view name) {
    const auto value = number_after(rest.substr(counters), name);
    return value && *value >= 0 ? value : std::nullopt;
  };
  killed.total_vm_kb = kb("total-vm:");
  killed.anon_rss_kb = kb("anon-rss:");
  killed.file_rss_kb = kb("file-rss:");
  killed.shmem_rss_kb = kb("shmem-rss:");
  killed.tables_kb = kb("pgtables:");
  if (line.find("oom_kill_allocating_task") != std::string_view::npos) report.allocating_task = true;
  if (line.find("Memory cgroup out of memory") != std::string_view::npos && !report.memcg) report.memcg.emplace();
  if (!report.killed)
    report.killed = std::move(killed);
  else if (killed.pid != report.killed->pid &&
           report.also_killed.size() < 100'000)  // a group kill names the victim again
    report.also_killed.push_back(std::move(killed));
  return true;
}

}  // namespace

bool read_kill(std::string_view line, OomReport& report) {
  if (line.starts_with("oom-kill:constraint=")) return read_summary(line, report), true;
  if (line.find("are going to be killed due to memory.oom.group set") != std::string_view::npos) {
    report.group_killed = between(line, "Tasks in ", " are going");
    return true;
  }
  if (line.starts_with("oom_reaper: ")) return true;
  if (line.find("no killable process") != std::string_view::npos) return report.no_killable = true;
  if (line.starts_with("Kernel panic - not syncing:")) {
    // Another panic (an oops in between) says nothing about the victim.
    const bool out_of_memory = line.find("ut of memory") != std::string_view::npos;
    if (!out_of_memory && line.find("deadlocked on memory") == std::string_view::npos) return true;
    report.panicked = true;
    report.panic = between(line, "Out of memory: ", "\n");
    return true;
  }
  if (line.find("printk: ") != std::string_view::npos || line.find("callbacks suppressed") != std::string_view::npos ||
      line.find("messages suppressed") != std::string_view::npos) {
    for (const std::string_view word : words_of(line))
      if (const auto lines = whole_number(word); lines && *lines > 0)
        report.suppressed = std::min(report.suppressed + *lines, kCountMost);
    return true;
  }
  return read_chosen(line, report) || read_killed(line, report);
}

}  // namespace oomcast::oomlog
