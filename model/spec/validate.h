// Finds a field of a host that contradicts another field. validate() calls it. The field is separate from the message,
// so that a reader can name the file and the line that the field came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "model/spec/host_spec.h"

namespace oomcast::host {

/// Limits from the bit widths of host::Page, SlotId and Pte.
inline constexpr size_t kNodesMax = 254, kCgroupsMax = 126, kSwapsMax = 16;
inline constexpr int64_t kSwapPagesMax = int64_t{1} << 27;

struct Contradiction {
  std::string field;    // "nodes[0].zones[1].free_pages", as in oomcast.host.v1
  std::string message;  // "300 pages free of 200 managed, ..."
};
/// The first contradiction found, or nothing.
std::optional<Contradiction> find_contradiction(const HostSpec& spec);

}  // namespace oomcast::host
