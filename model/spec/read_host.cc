// Reads a host description from a directory, a packed snapshot, a JSON file or a preset. The content tells which it is.
#include "model/spec/read_host.h"

#include <filesystem>
#include <utility>

#include "model/spec/json/json_host.h"
#include "model/spec/parse_text.h"
#include "model/spec/snapshot/packed_snapshot.h"
#include "model/spec/snapshot/read_snapshot.h"
#include "model/spec/text_file.h"

namespace oomcast::host {
namespace {

constexpr size_t kJsonBytesMax = size_t{64} << 20;

// Ignores a byte order mark.
bool is_json(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return trim(text).starts_with('{');
}

// Reads the file once only, so that it may be a pipe.
Result<HostSpec> read_file(const std::string& path) {
  const Result<std::string> text = read_text_file(path, kPackedBytesMax, "a host description");
  if (!text) return text.error();
  return parse_host_text(text.value(), path);
}

}  // namespace

Result<HostSpec> parse_host_text(std::string_view text, const std::string& path) {
  if (is_packed_snapshot(text)) {
    Result<SnapshotFiles> snapshot = unpack_snapshot(text, path);
    if (!snapshot) return snapshot.error();
    return parse_snapshot(std::move(snapshot).value());
  }
  if (!is_json(text)) {
    return Error{
        path +
        ":1: is neither a snapshot, which begins with '==> proc/zoneinfo <==' or the like, nor JSON, which "
        "begins with '{', nor a kernel log with an OOM report, a Kubernetes node or a sosreport; 'oomcast host "
        "capture --file FILE' writes the first, 'oomcast host show HOST --json' the second"};
  }
  if (text.size() > kJsonBytesMax) return Error{path + ": larger than 64 MiB; is it a host description?"};
  return parse_json(text, path, std::filesystem::path(path).stem().string());
}

Result<HostSpec> read_host(const std::string& path_or_name) {
  namespace fs = std::filesystem;
  std::error_code failed;
  if (path_or_name.empty())
    return Error{"no host given; name a snapshot (directory or file), a JSON file or a preset ('oomcast host list')"};
  for (const Preset& one : presets()) {
    if (path_or_name == one.name) return preset(path_or_name);
  }
  if (fs::is_directory(path_or_name, failed)) return read_snapshot(path_or_name);
  if (fs::exists(path_or_name, failed)) return read_file(path_or_name);
  if (path_or_name.ends_with(".json") || path_or_name.find('/') != std::string::npos) {
    return Error{path_or_name + ": no such file or directory; check the name"};
  }
  return preset(path_or_name);
}

}  // namespace oomcast::host
