// Chooses the node of a page under the policy that holds for it. Bind, preferred, interleave, the local default.
//
// Mirrors get_vma_policy(), policy_node(), policy_nodemask(), interleave_nid() and alloc_pages() in mm/mempolicy.c of
// Linux 6.1, and mempolicy_in_oom_domain(). Differs: weighted interleave takes every weight as 1 (the default), pages
// are never migrated by mbind(MPOL_MF_MOVE), and an mremapped range interleaves by its new address.
#pragma once

#include <optional>

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

/// vma_alloc_folio(): a page for `vpn` of the process, by the policy of its range, else by that of the current task.
ZoneRef alloc_page_vma(Kernel& k, const Gfp& gfp, host::ProcessIndex process, uint64_t vpn);
/// The same for the huge page that begins at `vpn`: the own node first, others only with effort.
ZoneRef alloc_huge_vma(Kernel& k, const Gfp& gfp, host::ProcessIndex process, uint64_t vpn);
/// alloc_pages(): page tables, page cache, what the kernel takes for the current task; by the task's policy.
ZoneRef alloc_page_task(Kernel& k, const Gfp& gfp);
/// set_mempolicy() of the current task, a thread of `process`.
void set_task_policy(Kernel& k, host::ProcessIndex process, const host::Mempolicy& policy);
/// mbind() and set_mempolicy_home_node() of a range; bytes.
void bind_range(Kernel& k, host::ProcessIndex process, uint64_t start, uint64_t bytes, const host::Mempolicy& policy);
void set_home_node(Kernel& k, host::ProcessIndex process, uint64_t start, uint64_t bytes, host::NodeIndex node);
/// The policy as the kernel keeps it: only nodes with memory. nullopt: the call fails with EINVAL.
std::optional<host::Mempolicy> effective_policy(const host::Host& host, host::PolicyMode mode, uint64_t node_ids);
/// Could killing the process free memory on these nodes? Only bound tasks can be ruled out.
bool in_oom_domain(const host::Process& process, host::NodeMask nodes);

}  // namespace oomcast::mm
