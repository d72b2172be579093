// Finds the field of a host that contradicts another. The check behind validate(), with the field kept apart from the
// words, so that a reader can turn the field into the file and line that it came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "model/spec/host_spec.h"

namespace oomcast::host {

/// What host::Page, SlotId and Pte have bits for.
inline constexpr size_t kNodesMax = 254, kCgroupsMax = 126, kSwapsMax = 16;
inline constexpr int64_t kSwapPagesMax = int64_t{1} << 27;

struct Contradiction {
  std::string field;    // "nodes[0].zones[1].free_pages", as in oomcast.host.v1
  std::string message;  // "300 pages free of 200 managed, ..."
};
std::optional<Contradiction> find_contradiction(const HostSpec& spec);

}  // namespace oomcast::host
