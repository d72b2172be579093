// Reads a host, this machine or another, and applies the options to it. See target_host.h.
#include "report/commands/target_host.h"

#include <algorithm>
#include <filesystem>

#include "model/spec/read_host.h"
#include "model/spec/snapshot/read_snapshot.h"
#include "preload/record/recorder.h"
#include "report/host_files/host_text.h"
#include "report/target.h"
#include "report/whole_file.h"

namespace oomcast::report {
namespace {

constexpr const char* kThisHost = "this";

/// Without files on disk: each start of a program waits for this, and writing a hundred small files takes longer than
/// all the rest.
Result<host::HostSpec> read_this_host() {
  return host::parse_snapshot({kThisHost, kThisHost, record::files_of_this_machine(), {}});
}

/// A preset's name and "this" come before a file of that name.
bool is_file(const std::string& name) {
  const auto is_preset = [&](const host::Preset& preset) { return name == preset.name; };
  if (name == kThisHost || std::any_of(host::presets().begin(), host::presets().end(), is_preset)) return false;
  std::error_code failed;
  return std::filesystem::exists(name, failed) && !std::filesystem::is_directory(name, failed);
}

/// "nodes.yaml:worker-3" is a node in a file, unless a file has that whole name.
std::string file_of(const std::string& name) {
  const size_t colon = name.rfind(':');
  if (is_file(name) || colon == std::string::npos || colon == 0 || colon + 1 == name.size()) return name;
  return is_file(name.substr(0, colon)) ? name.substr(0, colon) : name;
}

}  // namespace

Result<host::HostSpec> read_any_host(const std::string& name, std::optional<int> nth) {
  const std::string file = file_of(name);
  if (!is_file(file)) {
    if (nth)
      return Error{"--nth " + std::to_string(*nth) +
                   ": chooses a kill of a kernel log or a node of a list, but the host is " + name};
    return name == kThisHost ? read_this_host() : host::read_host(name);
  }
  // Read once, so that it may be a pipe: --host <(dmesg).
  const auto text = read_whole_file(file, kHostFileBytesMost);
  if (!text) return Error{file + ": " + text.error().message};
  return host_of_text(text.value(), file, {nth, file == name ? "" : name.substr(file.size() + 1)});
}

void number_files(host::HostSpec& spec) {
  const auto number = [](const std::string& path, int64_t& id) {
    if (id == 0) id = static_cast<int64_t>(record::file_number(path));
  };
  for (host::CachedFileSpec& file : spec.page_cache) number(file.file, file.file_id);
  for (host::BackgroundSpec& actor : spec.background) number(actor.file, actor.file_id);
}

Result<host::HostSpec> target_host(RunOptions& options) {
  auto spec = read_any_host(options.host, options.nth);
  if (!spec) return spec;
  if (auto taken = take_limits_from(options, spec.value()); !taken) return taken.error();
  auto changed = with_changes(std::move(spec).value(), options);
  if (changed) number_files(changed.value());
  return changed;
}

}  // namespace oomcast::report
