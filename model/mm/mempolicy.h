// Chooses the node of a page by the NUMA policy that applies: bind, preferred, interleave, local.
//
// Mirrors get_vma_policy(), policy_node(), policy_nodemask(), interleave_nid(), alloc_pages() and
// mempolicy_in_oom_domain() in mm/mempolicy.c of Linux 6.1. Differs: weighted interleave uses the default weight 1 for
// each node, mbind(MPOL_MF_MOVE) migrates no page, and a range moved by mremap() interleaves by its new address.
#pragma once

#include <optional>

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

/// vma_alloc_folio(): a page for `vpn` of the process, by the policy of its VMA, else by that of the current task.
ZoneRef alloc_page_vma(Kernel& k, const Gfp& gfp, host::ProcessIndex process, uint64_t vpn);
/// The same for the huge page that begins at `vpn`: without much effort on the local node, then with effort on others.
ZoneRef alloc_huge_vma(Kernel& k, const Gfp& gfp, host::ProcessIndex process, uint64_t vpn);
/// alloc_pages(): by the current task's policy. For page tables, page cache, and memory of the kernel.
ZoneRef alloc_page_task(Kernel& k, const Gfp& gfp);
/// set_mempolicy() of the current task, a thread of `process`.
void set_task_policy(Kernel& k, host::ProcessIndex process, const host::Mempolicy& policy);
/// mbind() and set_mempolicy_home_node() for a range in bytes.
void bind_range(Kernel& k, host::ProcessIndex process, uint64_t start, uint64_t bytes, const host::Mempolicy& policy);
void set_home_node(Kernel& k, host::ProcessIndex process, uint64_t start, uint64_t bytes, host::NodeIndex node);
/// mpol_set_nodemask(): the policy with the nodes that have memory. nullopt: the system call fails with EINVAL.
std::optional<host::Mempolicy> effective_policy(const host::Host& host, host::PolicyMode mode, uint64_t node_ids);
/// mempolicy_in_oom_domain(): false if all threads of the process are bound to other nodes.
bool in_oom_domain(const host::Process& process, host::NodeMask nodes);

}  // namespace oomcast::mm
