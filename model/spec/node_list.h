// Reads lists of nodes such as "0-1,3", as numactl and the kernel's files write them.
#pragma once

#include <string>
#include <string_view>

#include "model/base/result.h"
#include "model/spec/host_spec.h"
#include "model/spec/mempolicy.h"

namespace oomcast::host {

/// A mask with one bit per node id (not per position in Host::nodes). "all" names all nodes. An error quotes the text,
/// or names the node that does not exist or has no memory.
Result<NodeMask> parse_node_list(std::string_view text, const HostSpec& host);

}  // namespace oomcast::host
