// Reads the table of tasks by the names of its columns, which depend on the kernel.
#include <algorithm>

#include "model/base/units.h"
#include "report/oomlog/line_fields.h"
#include "report/oomlog/parts.h"

namespace oomcast::oomlog {
namespace {

constexpr size_t kTasksMost = 4'194'304;  // PID_MAX_LIMIT

/// Columns of a table without header, by the count of numbers after the pid. Seven numbers are taken for 4.15 and
/// later: 3.10 has nr_ptes in place of pgtables_bytes.
const std::vector<std::string>& columns_of(size_t numbers) {
  static const std::vector<std::string> none,
      seven{"uid", "tgid", "total_vm", "rss", "pgtables_bytes", "swapents", "oom_score_adj"},
      eight{"uid", "tgid", "total_vm", "rss", "nr_ptes", "nr_pmds", "swapents", "oom_score_adj"},
      ten{"uid",      "tgid",      "total_vm",       "rss",      "rss_anon",
          "rss_file", "rss_shmem", "pgtables_bytes", "swapents", "oom_score_adj"};
  return numbers == 7 ? seven : numbers == 8 ? eight : numbers == 10 ? ten : none;
}

bool read_header_of_table(std::string_view line, OomReport& report) {
  if (!line.starts_with('[') || line.find("total_vm") == std::string_view::npos ||
      line.find("oom_score_adj") == std::string_view::npos)
    return false;
  report.has_task_table = true;
  report.task_columns.clear();
  const size_t end = line.find(']');
  if (end == std::string_view::npos) return true;
  for (const std::string_view word : words_of(line.substr(end + 1))) report.task_columns.emplace_back(word);
  if (!report.task_columns.empty() && report.task_columns.back() == "name") report.task_columns.pop_back();
  return true;
}

bool put(TaskRow& row, std::string_view column, int64_t value) {
  const auto small = [&](int& field, int64_t least, int64_t most) {
    field = static_cast<int>(value);
    return value >= least && value <= most;
  };
  if (column == "oom_score_adj") return small(row.oom_score_adj, -1000, 1000);
  if (column == "tgid") return small(row.tgid, 1, kTasksMost);
  // uid 4294967294 (NFS's nobody) is printed so, or as -2.
  if (column == "uid") return row.uid = static_cast<int>(value & 0x7fffffff), true;
  constexpr int64_t kPagesMost = int64_t{1} << 45;
  // swapents is a signed counter and may be slightly negative.
  if (column == "swapents") return row.swap_entries = std::max<int64_t>(value, 0), value < kPagesMost;
  if (value < 0 || value > kPagesMost) return false;
  if (column == "total_vm") row.total_vm = value;
  if (column == "rss") row.rss = value;
  if (column == "rss_anon") row.rss_anon = value;
  if (column == "rss_file") row.rss_file = value;
  if (column == "rss_shmem") row.rss_shmem = value;
  if (column == "nr_ptes" || column == "nr_pmds" || column == "nr_puds") row.table_pages += value;
  if (column == "pgtables_bytes") row.table_pages = value / kPageBytes;
  return true;
}

}  // namespace

bool read_tasks(std::string_view line, OomReport& report) {
  if (line.starts_with("Tasks state (memory values in pages)")) return report.has_task_table = true;
  if (read_header_of_table(line, report)) return true;
  if (!line.starts_with('[')) return false;
  const size_t end = line.find(']');
  if (end == std::string_view::npos) return false;
  const auto pid = whole_number(trimmed(line.substr(1, end - 1)));
  if (!pid || *pid < 1 || *pid > static_cast<int64_t>(kTasksMost)) return false;

  std::string_view rest = line.substr(end + 1);
  std::vector<int64_t> numbers;
  const size_t wanted = report.task_columns.empty() ? 10 : report.task_columns.size();
  while (numbers.size() < wanted) {
    rest = trimmed(rest);
    const size_t word_end = std::min(rest.find(' '), rest.size());
    const auto number = whole_number(rest.substr(0, word_end));
    if (!number) break;
    numbers.push_back(*number);
    rest.remove_prefix(word_end);
  }
  const std::vector<std::string>& columns =
      report.task_columns.empty() ? columns_of(numbers.size()) : report.task_columns;
  TaskRow row;
  row.pid = static_cast<int>(*pid);
  row.tgid = row.pid;
  row.comm = trimmed(rest).substr(0, 64);
  bool whole = !columns.empty() && numbers.size() == columns.size() && report.tasks.size() < kTasksMost;
  for (size_t i = 0; whole && i < columns.size(); ++i) whole = put(row, columns[i], numbers[i]);
  if (whole) {
    report.tasks.push_back(std::move(row));
  } else {
    ++report.unread_tasks;
  }
  return true;
}

}  // namespace oomcast::oomlog
