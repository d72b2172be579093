// Counts the pages on each mount of tmpfs against its limit. See tmpfs.h.
#include "model/mm/tmpfs.h"

#include <algorithm>

namespace oomcast::mm {

using host::MountIndex;
using host::TmpfsMount;

MountIndex mount_on_target(host::Host& host, const std::vector<host::TmpfsSpec>& mounts, const std::string& path,
                           uint8_t owner) {
  const host::TmpfsSpec* const target = host::tmpfs_of(mounts, path);
  TmpfsMount mount;
  mount.owner = owner;
  mount.path = target ? target->mount : path;
  if (target) mount.limit_pages = host::tmpfs_limit(*target, Pages(host.total_ram)).value_or(Pages(0)).count();
  const auto there = std::find_if(host.mounts.begin(), host.mounts.end(), [&](const TmpfsMount& each) {
    return each.path == mount.path && each.owner == mount.owner;
  });
  if (there != host.mounts.end()) return static_cast<MountIndex>(there - host.mounts.begin());
  host.mounts.push_back(std::move(mount));
  return static_cast<MountIndex>(host.mounts.size() - 1);
}

void put_on_mount(host::Host& host, host::File& file, MountIndex mount) {
  if (file.mount == mount) return;
  const int64_t pages = file.cached + file.swapped;
  count_blocks(host, file, -pages);
  file.mount = mount;
  count_blocks(host, file, pages);
}

void ask_for_block(Kernel& k, host::ProcessIndex process, const host::File& file, bool mapped) {
  if (file.mount == host::kNoMount) return;
  TmpfsMount& mount = k.host.mounts[file.mount];
  if (mount.limit_pages == 0 || mount.used_pages < mount.limit_pages || mount.refused) return;
  mount.refused = true;
  Refusal refusal{RefusedBy::kTmpfsFull, Pages(1), mount.limit_pages};
  refusal.mount = mount.path;
  refusal.in_use = Pages(mount.used_pages);
  refusal.mapped = mapped;
  k.listener.on_alloc_refused(k.host.processes[process].pid, refusal);
}

void count_blocks(host::Host& host, const host::File& file, int64_t pages) {
  if (file.mount == host::kNoMount) return;
  TmpfsMount& mount = host.mounts[file.mount];
  mount.used_pages += pages;
  mount.peak_pages = std::max(mount.peak_pages, mount.used_pages);
}

}  // namespace oomcast::mm
