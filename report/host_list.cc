// Reads the list of a fleet's hosts. See host_list.h.
#include "report/host_list.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "model/spec/read_host.h"
#include "report/whole_file.h"

namespace oomcast::report {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostListBytes = int64_t{16} << 20;

bool is_preset(const std::string& name) {
  const auto& presets = host::presets();
  return std::any_of(presets.begin(), presets.end(), [&](const host::Preset& preset) { return name == preset.name; });
}

Result<std::vector<std::string>> hosts_in_folder(const std::string& path) {
  std::error_code failed;
  if (fs::exists(fs::path(path) / "proc", failed))
    return Error{path + ": is the snapshot of one host; give it to --host, or give the folder that holds several"};
  std::vector<std::string> hosts;
  fs::directory_iterator entries(path, failed);
  if (failed) return Error{path + ": " + failed.message()};
  for (const auto& entry : entries)
    if (const std::string name = entry.path().filename().string(); !name.starts_with("."))
      hosts.push_back((fs::path(path) / name).string());
  std::sort(hosts.begin(), hosts.end());
  return hosts;
}

/// Strips blanks, tabs and CR from both ends: "  a.json\r" becomes "a.json".
std::string trimmed(const std::string& line) {
  const char* blanks = " \t\r";
  const size_t first = line.find_first_not_of(blanks);
  return first == std::string::npos ? "" : line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

Result<std::vector<std::string>> hosts_in_list(const std::string& path) {
  auto text = read_whole_file(path, kMostListBytes);
  if (!text) return Error{path + ": " + text.error().message};
  std::vector<std::string> hosts;
  std::istringstream lines(text.value());
  for (std::string line; std::getline(lines, line);) {
    const std::string name = trimmed(line);
    if (name.empty() || name.starts_with("#")) continue;
    hosts.push_back(is_preset(name) ? name : (fs::path(path).parent_path() / name).string());
  }
  return hosts;
}

}  // namespace

Result<Variation> read_host_list(const std::string& path) {
  std::error_code failed;
  auto hosts = fs::is_directory(path, failed) ? hosts_in_folder(path) : hosts_in_list(path);
  if (!hosts) return Error{"--hosts " + hosts.error().message};
  if (hosts->empty())
    return Error{"--hosts " + path + ": there is no host in it; each file of a folder is one, or each line of a list"};
  return Variation{"host", std::move(hosts).value()};
}

}  // namespace oomcast::report
