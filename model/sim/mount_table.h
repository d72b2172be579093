// Knows which mount of tmpfs each number in the events stands for, and what it is on the target.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/host/host.h"
#include "model/trace/event.h"

namespace oomcast::sim {

class MountTable {
 public:
  static constexpr size_t kMountsMost = 1024;  // a trace that names more is broken

  /// A kMount event, as soon as it arrives: a task may be stalled in the model when another one uses the mount.
  void name(const trace::Event& event);
  /// kNoMount: nobody has named the number. `own`: the mounts of the container that `service` is; absent: the host's.
  host::MountIndex on_target(host::Host& host, uint64_t number, const std::optional<std::vector<host::TmpfsSpec>>& own,
                             uint8_t service) const;

 private:
  std::map<uint64_t, std::string> paths_;
};

}  // namespace oomcast::sim
