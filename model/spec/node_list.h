// Reads lists of nodes such as "0-1,3", as numactl and the kernel's files write them.
#pragma once

#include <string>
#include <string_view>

#include "model/base/result.h"
#include "model/spec/host_spec.h"
#include "model/spec/mempolicy.h"

namespace oomcast::host {

/// A mask of node ids. An error names the text, or the node that the host does not have or that has no memory.
Result<NodeMask> parse_node_list(std::string_view text, const HostSpec& host);

}  // namespace oomcast::host
