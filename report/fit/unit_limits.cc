// Reads the memory limits of a systemd unit. See unit_limits.h; systemd.resource-control(5), systemd.exec(5).
#include "report/fit/unit_limits.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "model/spec/parse_text.h"
#include "model/spec/percentage.h"
#include "report/kubernetes/pod.h"
#include "report/whole_file.h"

namespace oomcast::report {
namespace {

constexpr int64_t kMostBytes = int64_t{1} << 20;

struct Setting {
  const char* key;
  const char* file;
  bool zero;  // 0 is a value, not an error
};
constexpr std::array<Setting, 7> kSettings = {{{"MemoryMax", "memory.max", false},
                                               {"MemoryLimit", "memory.max", false},
                                               {"MemoryHigh", "memory.high", false},
                                               {"MemoryLow", "memory.low", true},
                                               {"MemoryMin", "memory.min", true},
                                               {"MemorySwapMax", "memory.swap.max", true},
                                               {"MemoryZSwapMax", "memory.zswap.max", true}}};
constexpr std::array<std::string_view, 7> kUnitNames = {".service", ".slice", ".scope", ".socket",
                                                        ".mount",   ".swap",  ".conf"};
/// Sections that have settings of a cgroup. A line before any section counts, too.
constexpr std::array<std::string_view, 7> kSections = {"",         "[Service]", "[Slice]", "[Scope]",
                                                       "[Socket]", "[Mount]",   "[Swap]"};

bool is_comment(std::string_view line) { return line.empty() || line.front() == '#' || line.front() == ';'; }
bool is_section(std::string_view line) {
  return line.size() > 2 && line.front() == '[' && line.find_first_of("]\",{ ") == line.size() - 1;
}

/// systemd takes capital letters only, and ignores a line that it cannot read: the unit then has no limit.
std::optional<int64_t> unit_bytes(std::string_view text) {
  const size_t unit = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view suffix = host::trim(text.substr(unit));
  if (suffix.size() > 1 || (!suffix.empty() && std::string_view("BKMGT").find(suffix) == std::string_view::npos))
    return std::nullopt;
  return host::parse_size_bytes(text);
}

class UnitReader {
 public:
  void take(const std::string& text, const std::string& path) {
    std::string section;
    for (const host::Line& line : host::lines(text)) {
      const std::string_view trimmed = host::trim(line.text);
      if (is_comment(trimmed)) continue;
      if (is_section(trimmed)) {
        section = std::string(trimmed);
        continue;
      }
      const size_t equals = trimmed.find('=');
      if (equals == std::string_view::npos || std::find(kSections.begin(), kSections.end(), section) == kSections.end())
        continue;
      take_line(std::string(host::trim(trimmed.substr(0, equals))), std::string(host::trim(trimmed.substr(equals + 1))),
                path + ":" + std::to_string(line.number) + ": ");
    }
  }

  UnitLimits limits() {
    UnitLimits limits;
    for (const Setting& setting : kSettings) {
      const auto found = sizes_.find(setting.file);
      if (found == sizes_.end()) continue;
      const std::string& text = found->second;
      if (const auto permyriad = host::parse_permyriad(text))
        limits.shares.push_back({setting.file, *permyriad});
      else
        limits.cgroup.push_back(setting.file + ("=" + std::to_string(unit_bytes(text).value_or(0))));
      sizes_.erase(found);
    }
    if (kills_all_) limits.cgroup.emplace_back("memory.oom.group=1");
    limits.oom_score_adj = adj_;
    for (const auto& [what, value] : not_modelled_) limits.assumed.push_back(what + ": " + value);
    return limits;
  }

 private:
  void take_line(const std::string& key, const std::string& value, const std::string& where) {
    for (const Setting& setting : kSettings)
      if (key == setting.key) return take_size(setting, value, where);
    if (key == "OOMScoreAdjust") return take_adj(value, where);
    if (key == "OOMPolicy") kills_all_ = value == "kill";
    if (key == "Slice" && !value.empty())
      not_modelled_["limits of " + value] = "none (the unit is in this slice, whose own file was not given)";
    if ((key == "LimitAS" || key == "LimitDATA") && !value.empty())
      not_modelled_[key] = "not set on the target (limits of address space are not modelled)";
  }

  void take_size(const Setting& setting, const std::string& value, const std::string& where) {
    // An empty value or "infinity" takes back what an earlier line has set.
    if (value.empty() || value == "infinity") {
      sizes_.erase(setting.file);
      return;
    }
    auto size = host::parse_permyriad(value);
    if (!size) size = unit_bytes(value);
    if (!size || (*size == 0 && !setting.zero))
      throw BadManifest(where + setting.key + "=" + host::quote(value) +
                        " is no size to systemd, which would ignore the line; it takes bytes, 512M (K, M, G, T in "
                        "capitals), 50% or infinity");
    sizes_[setting.file] = value;
  }

  void take_adj(const std::string& value, const std::string& where) {
    adj_.reset();
    if (value.empty()) return;
    const auto adj = host::parse_integer(value, -1000, 1000);
    if (!adj) throw BadManifest(where + "OOMScoreAdjust=" + host::quote(value) + ", expected -1000 to 1000");
    adj_ = static_cast<int>(*adj);
  }

  std::map<std::string, std::string> sizes_;  // by file of the cgroup
  std::optional<int> adj_;
  bool kills_all_ = false;
  std::map<std::string, std::string> not_modelled_;
};

std::vector<std::string> drop_ins(const std::string& path) {
  std::vector<std::string> found;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(path + ".d", failed))
    if (entry.path().extension() == ".conf") found.push_back(entry.path().string());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

bool is_unit(std::string_view text, const std::string& path) {
  const auto named = [&](std::string_view name) { return path.ends_with(name); };
  if (std::any_of(kUnitNames.begin(), kUnitNames.end(), named)) return true;
  for (const host::Line& line : host::lines(text.substr(0, 4096)))
    if (const std::string_view trimmed = host::trim(line.text); !is_comment(trimmed)) return is_section(trimmed);
  return false;
}

UnitLimits limits_in_unit(const std::string& text, const std::string& path) {
  UnitReader reader;
  reader.take(text, path);
  for (const std::string& file : drop_ins(path)) {
    auto more = read_whole_file(file, kMostBytes);
    if (!more) throw BadManifest(file + ": cannot be read: " + more.error().message);
    reader.take(more.value(), file);
  }
  return reader.limits();
}

}  // namespace oomcast::report
