// Reads lists of nodes such as "0-1,3". See node_list.h.
#include "model/spec/node_list.h"

#include <algorithm>

#include "model/spec/parse_text.h"

namespace oomcast::host {

Result<NodeMask> parse_node_list(std::string_view text, const HostSpec& host) {
  NodeMask known = 0;
  std::string names;
  for (const NodeSpec& node : host.nodes) {
    if (node.id.value >= kMaskNodes) continue;
    known |= NodeMask{1} << node.id.value;
    names += (names.empty() ? "" : ", ") + std::to_string(node.id.value);
  }
  if (text == "all") return known;
  const auto ids = parse_cpu_list(text);
  if (!ids || ids->empty()) return Error{quote(text) + ": not a list of nodes; try 0, 0-1, 0,2 or all"};
  NodeMask mask = 0;
  for (const int id : *ids) {
    if (id >= kMaskNodes || !mask_has(known, id))
      return Error{"the host has no memory on node " + std::to_string(id) + "; its nodes are " + names};
    mask |= NodeMask{1} << id;
  }
  return mask;
}

}  // namespace oomcast::host
