// Reads processes from the output of ps, for a sosreport without proc/PID/status.
//
// `ps aux` and `ps alx` name their columns in the first line, with the command last. Threads (option m) have pid "-".
#include <algorithm>
#include <optional>

#include "model/spec/parse_text.h"
#include "model/spec/proportion.h"
#include "model/spec/snapshot/snapshot_reader.h"

namespace oomcast::host {
namespace {

constexpr int64_t kKilobytesMax = int64_t{1} << 47;
constexpr size_t kCommBytes = 15;  // TASK_COMM_LEN less the final zero

struct Columns {
  std::optional<size_t> pid, parent, uid, user, vsz, rss, command;
};

Columns columns_of(std::string_view header) {
  Columns columns;
  const std::vector<std::string_view> names = words(header);
  const std::pair<std::string_view, std::optional<size_t>*> known[] = {
      {"PID", &columns.pid}, {"PPID", &columns.parent}, {"UID", &columns.uid},        {"USER", &columns.user},
      {"VSZ", &columns.vsz}, {"RSS", &columns.rss},     {"COMMAND", &columns.command}};
  for (size_t i = 0; i < names.size(); ++i)
    for (const auto& [name, column] : known)
      if (names[i] == name) *column = i;
  return columns;
}

// "/usr/sbin/sshd -D" and "sshd: root@pts/0" both give "sshd".
std::string comm_of(std::string_view command) {
  if (!command.starts_with('[')) command = command.substr(command.rfind('/') + 1);
  while (command.ends_with(':')) command.remove_suffix(1);
  return std::string(command.substr(0, kCommBytes));
}

std::optional<ProcessSpec> process_in(const Columns& columns, const std::vector<std::string_view>& word) {
  if (word.size() <= *columns.command) return std::nullopt;
  const auto number = [&](const std::optional<size_t>& column, int64_t max) {
    return column && *column < word.size() ? parse_integer(word[*column], 0, max) : std::nullopt;
  };
  const auto pid = number(columns.pid, 4'194'304), vsz = number(columns.vsz, kKilobytesMax),
             rss = number(columns.rss, kKilobytesMax);
  if (!pid || !vsz || !rss || *vsz == 0 || *pid == 0) return std::nullopt;  // a thread, or a kernel thread
  ProcessSpec process;
  process.pid = static_cast<int>(*pid);
  process.parent_pid = static_cast<int>(number(columns.parent, 4'194'304).value_or(*pid == 1 ? 0 : 1));
  process.uid = static_cast<int>(
      number(columns.uid, 4'294'967'295)
          .value_or(columns.user && *columns.user < word.size() && word[*columns.user] == "root" ? 0 : 65534));
  process.comm = comm_of(word[*columns.command]);
  process.total_vm = Pages(*vsz / 4);
  process.rss_anon = Pages(*rss / 4);
  return process;
}

}  // namespace

void divide_resident(HostSpec& spec) {
  Pages anon, resident;
  for (const NodeSpec& node : spec.nodes) anon += node.anon_pages;
  for (const ProcessSpec& process : spec.processes) resident += process.rss_anon;
  if (resident <= anon) return;
  for (ProcessSpec& process : spec.processes) {
    const Pages all = process.rss_anon;
    process.rss_anon = proportion(all, anon, resident);
    process.rss_file = all - process.rss_anon;
  }
}

const std::vector<std::string>& ps_outputs() {
  static const std::vector<std::string> paths = {"sos_commands/process/ps_alxwww", "sos_commands/process/ps_auxwwwm",
                                                 "sos_commands/process/ps_auxwww", "sos_commands/process/ps_aux",
                                                 "sos_commands/process/ps_auxww",  "ps"};
  return paths;
}

void read_ps(SnapshotReader& reader) {
  HostSpec& spec = reader.spec;
  if (!spec.processes.empty()) return;
  for (const std::string& path : ps_outputs()) {
    const std::string* text = reader.text(path);
    if (!text) continue;
    const std::vector<Line> all = lines(*text);
    const Columns columns = all.empty() ? Columns{} : columns_of(all.front().text);
    if (!columns.pid || !columns.vsz || !columns.rss || !columns.command) continue;
    for (const Line& line : all)
      if (auto process = process_in(columns, words(line.text))) {
        reader.places.emplace("processes[" + std::to_string(spec.processes.size()) + "]",
                              reader.place(path, line.number));
        spec.processes.push_back(std::move(*process));
      }
    if (spec.processes.empty()) continue;
    std::stable_sort(spec.processes.begin(), spec.processes.end(),
                     [](const ProcessSpec& a, const ProcessSpec& b) { return a.pid < b.pid; });
    const auto same = [](const ProcessSpec& a, const ProcessSpec& b) { return a.pid == b.pid; };
    spec.processes.erase(std::unique(spec.processes.begin(), spec.processes.end(), same), spec.processes.end());
    divide_resident(spec);
    std::erase_if(spec.assumed, [](const std::string& note) { return note.starts_with("processes: none"); });
    reader.assume("processes[].rss_anon_pages", "shares of all anonymous memory by resident size",
                  path + " has one sum");
    reader.assume("processes[].oom_score_adj", "0", path + " does not print it");
    if (!columns.uid) reader.assume("processes[].uid", "65534 but for root", path + " prints names");
    return;
  }
}

}  // namespace oomcast::host
