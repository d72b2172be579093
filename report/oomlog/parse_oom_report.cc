// Reads an OOM report, line by line. See parse_oom_report.h.
#include "report/oomlog/parse_oom_report.h"

#include <algorithm>

#include "report/oomlog/kernel_lines.h"
#include "report/oomlog/log_forms.h"
#include "report/oomlog/parts.h"

namespace oomcast::oomlog {
namespace {

Error nothing_found(std::string_view log, const std::string& name) {
  const auto holds = [&](std::string_view words) { return log.find(words) != std::string_view::npos; };
  if (log.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return Error{name + ": is empty; save a kernel log there: 'journalctl -k' or 'dmesg', as root"};
  if (log.substr(0, 4096).find('\0') != std::string_view::npos)
    return Error{name + ": is not text; a journal is read by 'journalctl -k --file " + name +
                 "', a compressed log by zcat"};
  // These kill before the kernel does, by rules of their own.
  struct Killer {
    const char *words, *name;
  };
  for (const Killer& killer :
       {Killer{"lowmemorykiller: ", "Android's lowmemorykiller"}, Killer{"lmkd", "Android's lmkd"},
        Killer{"earlyoom", "earlyoom"}, Killer{"systemd-oomd", "systemd-oomd"}, Killer{"nohang", "nohang"}})
    if (holds(killer.words))
      return Error{name + ": holds no OOM report of the kernel's, but lines of " + killer.name +
                   ", which kills by rules of its own, before the kernel has to"};
  return Error{name +
               ": holds no OOM report (no line with 'invoked oom-killer' or 'Killed process'); try the log of the "
               "right boot, 'journalctl -k -b -1'"};
}

/// Without lines of free blocks: a limit that is none, and the victim's size in pages and in KiB, show the size of a
/// page.
std::optional<int64_t> page_kb_of(const OomReport& report) {
  const auto possible = [](int64_t kb) { return kb == 4 || kb == 8 || kb == 16 || kb == 64; };
  if (report.memcg)
    for (const auto* charge : {&report.memcg->memory, &report.memcg->swap, &report.memcg->memory_and_swap})
      if (*charge && possible((int64_t{1} << 53) - (*charge)->limit_kb))
        return (int64_t{1} << 53) - (*charge)->limit_kb;
  if (!report.killed || !report.killed->total_vm_kb) return std::nullopt;
  const TaskRow* const row = report.task(report.killed->pid);
  if (!row || row->total_vm <= 0 || *report.killed->total_vm_kb % row->total_vm != 0) return std::nullopt;
  const int64_t kb = *report.killed->total_vm_kb / row->total_vm;
  return possible(kb) ? std::optional(kb) : std::nullopt;
}

void settle_page_size(OomReport& report) {
  if (const auto kb = report.page_kb_known ? std::nullopt : page_kb_of(report)) {
    report.page_kb = *kb;
    report.page_kb_known = true;
  }
  // The table's bytes were counted in pages of 4 KiB.
  if (std::ranges::find(report.task_columns, "pgtables_bytes") != report.task_columns.end())
    for (TaskRow& row : report.tasks) row.table_pages = row.table_pages * 4 / report.page_kb;
}

}  // namespace

bool is_oom_log(std::string_view log) {
  const std::optional<std::string> plain = as_plain_lines(log);
  return !find_kills(plain ? *plain : log).empty();
}

Result<OomReport> parse_oom_report(std::string_view saved, const std::string& name, std::optional<int> nth) {
  const std::optional<std::string> plain = as_plain_lines(saved);
  const std::string_view log = plain ? std::string_view(*plain) : saved;
  std::vector<KillPlace> kills = find_kills(log);
  const bool refused = kills.empty();
  if (refused) kills = find_refusals(log);
  if (kills.empty()) return nothing_found(log, name);
  const int count = static_cast<int>(kills.size()), chosen = nth.value_or(count);
  if (chosen < 1 || chosen > count)
    return Error{name + ": holds " + std::to_string(count) + (refused ? " refusal" : " kill") +
                 (count == 1 ? "" : "s") + ", not " + std::to_string(chosen) + "; give --nth 1 to " +
                 std::to_string(count)};
  std::string unescaped;
  const std::vector<LogLine> lines = lines_of(log, kills[static_cast<size_t>(chosen - 1)], unescaped);
  OomReport report;
  report.nth = chosen;
  report.of = count;
  report.refused = refused;
  for (const LogLine& line : lines) {
    if (line.text.empty()) continue;
    const bool group = !report.group_killed.empty();
    if (report.killed && !group && line.text.find(kKilledProcess) != std::string_view::npos) continue;
    const bool taken = read_header(line.text, report) || read_tasks(line.text, report) ||
                       read_zones(line.text, report) || read_mem_info(line.text, report) ||
                       read_kill(line.text, report) || read_memcg(line.text, report);
    if (!taken) continue;
    if (report.first_line == 0) report.first_line = line.number;
    report.last_line = line.number;
  }
  settle_page_size(report);
  return report;
}

}  // namespace oomcast::oomlog
