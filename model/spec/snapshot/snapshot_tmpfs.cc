// Reads what the host's mounts of tmpfs hold from proc/mounts, where the kernel prints a size unless it is the default
// (shmem_show_options()).
#include <map>
#include <utility>

#include "model/base/mount_point.h"
#include "model/spec/parse_text.h"
#include "model/spec/snapshot/snapshot_reader.h"

namespace oomcast::host {
namespace {

constexpr int64_t kMostKib = int64_t{1} << 40, kMostBlocks = kMostKib / 4;

// "size=65536k" and "nr_blocks=16384". What is neither is another option, or one of a kernel that we do not know.
std::optional<Bytes> size_in(std::string_view options) {
  std::optional<Bytes> size;
  while (!options.empty()) {
    const size_t end = std::min(options.find(','), options.size());
    std::string_view option = options.substr(0, end);
    options.remove_prefix(std::min(end + 1, options.size()));
    if (option.starts_with("size=") && option.ends_with('k')) {
      if (const auto kib = parse_integer(option.substr(5, option.size() - 6), 0, kMostKib)) size = Bytes(*kib << 10);
    } else if (option.starts_with("nr_blocks=")) {
      if (const auto blocks = parse_integer(option.substr(10), 0, kMostBlocks)) size = to_bytes(Pages(*blocks));
    }
  }
  return size;
}

}  // namespace

void read_tmpfs(SnapshotReader& reader) {
  const std::string* text = reader.text("proc/mounts");
  if (!text) return;
  std::map<std::string, std::optional<Bytes>> mounts;
  for (const Line& line : lines(*text)) {
    const std::vector<std::string_view> word = words(line.text);
    if (word.size() < 4 || !word[1].starts_with('/')) continue;
    const std::string path = without_slashes(unescaped_mount_point(word[1]));
    if (word[2] == "tmpfs" || word[2] == "devtmpfs")
      mounts[path] = size_in(word[3]);
    else
      mounts.erase(path);  // mounted over it
  }
  for (auto& [path, size] : mounts) reader.spec.tmpfs.push_back({path, size});
}

}  // namespace oomcast::host
