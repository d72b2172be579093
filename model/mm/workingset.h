// Workingset detection: shadow entries of evicted pages, and refault distances that show which evictions were too
// early.
//
// Mirrors workingset_eviction(), workingset_refault() and lru_note_cost() (mm/workingset.c, mm/swap.c) of Linux 6.1.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// workingset_eviction(): the shadow of a page that is evicted. Increments the nonresident ages of its lists.
host::Shadow workingset_eviction(Kernel& k, const host::Page& page, host::CgroupIndex target_cgroup);
/// workingset_refault(): counts the refault, and activates the page if the refault distance is within the workingset.
void workingset_refault(Kernel& k, host::PageId id, const host::Shadow& shadow);
/// workingset_update_node(): the tree node of `index` has lost or gained a page. Nodes that hold only shadows are kept
/// on a list.
void update_shadow_node(Kernel& k, host::FileIndex file, uint64_t index);
/// The tree node is freed: takes it off the counts.
void forget_shadow_node(Kernel& k, const host::TreeNode& node);
/// Frees tree nodes with only shadows, the oldest first, beyond 1/8 of the group's pages on the node. Returns the slab
/// pages freed.
int64_t shrink_shadow_nodes(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, int priority);
/// workingset_age_nonresident(): increments the age of the group's lists and of its ancestors' on the node.
void age_nonresident(host::Host& host, host::NodeIndex node, host::CgroupIndex cgroup);
/// lru_note_cost(): adds to the cost of reclaiming anonymous or file pages, and lets old costs decay.
void lru_note_cost(host::Node& node, host::CgroupIndex cgroup, bool file, int64_t pages);

}  // namespace oomcast::mm
