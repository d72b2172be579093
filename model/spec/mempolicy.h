// struct mempolicy, as set_mempolicy() and mbind() set it: the nodes on which a task's memory may be.
#pragma once

#include <cstdint>

namespace oomcast::host {

/// MPOL_* with the kernel's numbers.
enum class PolicyMode : uint8_t {
  kDefault,
  kPreferred,
  kBind,
  kInterleave,
  kLocal,
  kPreferredMany,
  kWeightedInterleave
};

/// One bit per position in Host::nodes; the bits of parse_node_list() are node ids. At most 64 nodes with memory.
using NodeMask = uint64_t;
inline constexpr NodeMask kAllNodes = ~NodeMask{0};
inline constexpr int kMaskNodes = 64;
constexpr bool mask_has(NodeMask mask, int node) { return (mask >> node & 1) != 0; }

struct Mempolicy {
  PolicyMode mode = PolicyMode::kDefault;
  int16_t home_node = -1;  // set_mempolicy_home_node(); -1: none, the node where the task runs
  NodeMask nodes = 0;
  bool is_default() const { return mode == PolicyMode::kDefault; }
  friend bool operator==(const Mempolicy&, const Mempolicy&) = default;
};

}  // namespace oomcast::host
