// Reads an OOM report, line by line. See parse_oom_report.h.
#include "report/oomlog/parse_oom_report.h"

#include "report/oomlog/kernel_lines.h"
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
  if (holds("page allocation failure"))
    return Error{
        name + ": holds 'page allocation failure' but no OOM kill; the kernel refused memory there and killed nobody"};
  return Error{name +
               ": holds no OOM report (no line with 'invoked oom-killer' or 'Killed process'); try the log of the "
               "right boot, 'journalctl -k -b -1'"};
}

}  // namespace

bool is_oom_log(std::string_view log) { return !find_kills(log).empty(); }

Result<OomReport> parse_oom_report(std::string_view log, const std::string& name, std::optional<int> nth) {
  const std::vector<KillPlace> kills = find_kills(log);
  if (kills.empty()) return nothing_found(log, name);
  const int count = static_cast<int>(kills.size()), chosen = nth.value_or(count);
  if (chosen < 1 || chosen > count)
    return Error{name + ": holds " + std::to_string(count) + (count == 1 ? " kill" : " kills") + ", not " +
                 std::to_string(chosen) + "; give --nth 1 to " + std::to_string(count)};
  std::string unescaped;
  const std::vector<LogLine> lines = lines_of(log, kills[static_cast<size_t>(chosen - 1)], unescaped);
  OomReport report;
  report.nth = chosen;
  report.of = count;
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
  return report;
}

}  // namespace oomcast::oomlog
