// Reads what a cgroup used and its limits, as cgroup v1 and v2 print them.
#include "report/oomlog/line_fields.h"
#include "report/oomlog/parts.h"

namespace oomcast::oomlog {
namespace {

MemcgReport& group(OomReport& report) { return report.memcg ? *report.memcg : report.memcg.emplace(); }

std::optional<Charge> charge_of(std::string_view line) {
  const auto usage = number_after(line, "usage "), limit = number_after(line, "limit "),
             failed = number_after(line, "failcnt ");
  if (!usage || *usage < 0) return std::nullopt;
  // Before 4.2 v1 prints "no limit" as a number that is too large for leading_number().
  const int64_t most = limit && *limit >= 0 ? *limit : kCountMost;
  if (line.find("limit ") == std::string_view::npos) return std::nullopt;
  return Charge{*usage, most, failed.value_or(0)};
}

/// Before 5.3: " cache:4KB rss:0KB ...", one line for the group at its limit and one for each below it. Their sum is
/// its own.
void add_stat_line(std::string_view text, MemcgReport& memcg) {
  Counters kb;
  read_counters(text, kb);
  for (const auto& [name, value] : kb.all()) {
    if (const int64_t sum = memcg.stat_bytes.get(name) + value * 1024;
        value < int64_t{1} << 42 && sum < int64_t{1} << 53)
      memcg.stat_bytes.set(name, sum);
  }
}

}  // namespace

bool read_memcg(std::string_view line, OomReport& report) {
  struct Kind {
    std::string_view name;
    std::optional<Charge> MemcgReport::*charge;
  };
  static constexpr Kind kKinds[] = {{"memory: usage ", &MemcgReport::memory},
                                    {"memory+swap: usage ", &MemcgReport::memory_and_swap},
                                    {"swap: usage ", &MemcgReport::swap},
                                    {"kmem: usage ", &MemcgReport::kernel_memory}};
  for (const Kind& kind : kKinds) {
    if (!line.starts_with(kind.name)) continue;
    if (const auto charge = charge_of(line)) group(report).*kind.charge = charge;
    return true;
  }
  constexpr std::string_view kLimitOf = " killed as a result of limit of ", kStats = "Memory cgroup stats for ";
  if (line.starts_with("Task in ") && line.find(kLimitOf) != std::string_view::npos) {
    group(report).task_path = between(line, "Task in ", kLimitOf);
    group(report).path = between(line, kLimitOf, "\n");
    return true;
  }
  if (line.starts_with(kStats)) {
    const std::string_view rest = line.substr(kStats.size());
    // A path may contain colons; v1's counters begin with "cache:".
    const size_t counters = rest.find(": cache:");
    std::string_view path = rest.substr(0, counters);
    if (path.ends_with(':')) path.remove_suffix(1);
    if (group(report).path.empty()) group(report).path = path;
    if (counters != std::string_view::npos) add_stat_line(rest.substr(counters + 2), group(report));
    return true;
  }
  if (!report.memcg) return false;
  // From 5.3 on: memory.stat, one "name bytes" per line.
  const std::vector<std::string_view> words = words_of(line);
  if (words.size() != 2 ||
      words[0].find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string_view::npos)
    return false;
  const auto value = whole_number(words[1]);
  if (!value || *value < 0) return false;
  // v1 prints the group's own and then "total_", with the groups below it.
  report.memcg->stat_bytes.set(words[0].substr(words[0].starts_with("total_") ? 6 : 0), *value);
  return true;
}

}  // namespace oomcast::oomlog
