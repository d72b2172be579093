// Finds pages that came back so soon that they should never have gone. Shadow entries and refault distances.
//
// Mirrors workingset_eviction(), workingset_refault() and lru_note_cost() (mm/workingset.c, mm/swap.c) of Linux 6.1.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Remembers when the page left, and ages the node's lists by it.
host::Shadow workingset_eviction(Kernel& k, const host::Page& page, host::CgroupIndex target_cgroup);
/// The page is back: counts the refault and activates the page when the distance fits into memory.
void workingset_refault(Kernel& k, host::PageId id, const host::Shadow& shadow);
/// workingset_update_node(): the tree node that `index` lies in has lost or gained a page; those that hold nothing but
/// shadows are kept on a list.
void update_shadow_node(Kernel& k, host::FileIndex file, uint64_t index);
/// The node itself goes.
void forget_shadow_node(Kernel& k, const host::TreeNode& node);
/// Frees shadow nodes beyond an eighth of the group's pages on the node, oldest first. Gives the slab pages that came
/// free.
int64_t shrink_shadow_nodes(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, int priority);
/// Time passes for the lists of a group and for those of the whole node (workingset_age_nonresident).
void age_nonresident(host::Host& host, host::NodeIndex node, host::CgroupIndex cgroup);
/// Adds to the cost of reclaiming one type and lets old costs decay.
void lru_note_cost(host::Node& node, host::CgroupIndex cgroup, bool file, int64_t pages);

}  // namespace oomcast::mm
