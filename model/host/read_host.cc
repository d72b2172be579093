// Reads a host description from where it is. A directory, a JSON file or a preset, told apart by what is there.
#include "model/host/read_host.h"

#include <filesystem>

#include "model/host/parse_text.h"

namespace oomcast::host {

Result<HostSpec> read_host(const std::string& path_or_name) {
  namespace fs = std::filesystem;
  std::error_code failed;
  if (path_or_name.empty())
    return Error{"no host given; name a snapshot directory, a JSON file or a preset ('oomcast host list')"};
  for (const Preset& one : presets()) {
    if (path_or_name == one.name) return preset(path_or_name);
  }
  if (fs::is_directory(path_or_name, failed)) return read_snapshot(path_or_name);
  if (fs::exists(path_or_name, failed)) return read_json(path_or_name);
  if (path_or_name.ends_with(".json") || path_or_name.find('/') != std::string::npos) {
    return Error{path_or_name + ": no such file or directory; check the name"};
  }
  return preset(path_or_name);
}

}  // namespace oomcast::host
