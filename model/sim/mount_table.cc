// Knows what the mounts of tmpfs in the events are. See mount_table.h.
#include "model/sim/mount_table.h"

#include "model/mm/tmpfs.h"
#include "model/trace/mount_path.h"

namespace oomcast::sim {

void MountTable::name(const trace::Event& event) {
  if (event.argument == 0 || (paths_.size() >= kMountsMost && !paths_.contains(event.argument))) return;
  trace::add_mount_piece(event, paths_[event.argument]);
}

host::MountIndex MountTable::on_target(host::Host& host, uint64_t number,
                                       const std::optional<std::vector<host::TmpfsSpec>>& own, uint8_t service) const {
  const auto path = paths_.find(number);
  if (path == paths_.end() || !path->second.starts_with('/')) return host::kNoMount;
  return own ? mm::mount_on_target(host, *own, path->second, service)
             : mm::mount_on_target(host, host.spec.tmpfs, path->second, 0);
}

}  // namespace oomcast::sim
