// What the file systems in memory of a host hold. See tmpfs_spec.h; shmem_fill_super() and
// shmem_default_max_blocks() (mm/shmem.c).
#include "model/spec/tmpfs_spec.h"

#include <algorithm>
#include <utility>

#include "model/base/mount_point.h"
#include "model/spec/parse_text.h"
#include "model/spec/read_host.h"

namespace oomcast::host {
std::optional<Pages> tmpfs_limit(const TmpfsSpec& tmpfs, Pages total_ram) {
  if (!tmpfs.size) return total_ram / 2;
  if (*tmpfs.size == Bytes(0)) return std::nullopt;
  return to_pages(*tmpfs.size + Bytes(kPageBytes - 1));
}

const TmpfsSpec* tmpfs_of(const std::vector<TmpfsSpec>& all, std::string_view directory) {
  const TmpfsSpec* nearest = nullptr;
  for (const TmpfsSpec& each : all)
    if (is_within(directory, each.mount) && (!nearest || each.mount.size() > nearest->mount.size())) nearest = &each;
  return nearest;
}

void mount_tmpfs(std::vector<TmpfsSpec>& all, TmpfsSpec tmpfs) {
  const auto there = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.mount == tmpfs.mount; });
  if (there == all.end())
    all.push_back(std::move(tmpfs));
  else
    *there = std::move(tmpfs);
}

std::string without_slashes(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

Result<void> set_tmpfs(HostSpec& spec, std::string_view mount_size) {
  const std::string whole = "--tmpfs " + std::string(mount_size) + ": ";
  // A path may hold a '=', a size cannot.
  const size_t equals = mount_size.rfind('=');
  std::string_view path = trim(mount_size.substr(0, equals));
  if (path.ends_with(":size")) path.remove_suffix(5);  // as docker run has it: /run:size=64m
  if (!path.starts_with('/')) return Error{whole + "expected PATH=SIZE, for example /dev/shm=64M"};
  TmpfsSpec tmpfs{without_slashes(path), std::nullopt};
  if (equals != std::string_view::npos) {
    const std::string_view text = trim(mount_size.substr(equals + 1));
    const auto bytes = parse_size_bytes(text);
    if (!bytes) return Error{whole + quote(text) + ", expected a size such as 64M, or 0 for no limit"};
    tmpfs.size = Bytes(*bytes);
  }
  mount_tmpfs(spec.tmpfs, std::move(tmpfs));
  return {};
}

}  // namespace oomcast::host
