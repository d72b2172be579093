// Chooses the node of a page. See mempolicy.h; kernel-spec section 11.1.
#include "model/mm/mempolicy.h"

#include <algorithm>
#include <bit>

namespace oomcast::mm {

using host::AddressSpace;
using host::Host;
using host::kMaskNodes;
using host::mask_has;
using host::Mempolicy;
using host::NodeIndex;
using host::NodeMask;
using host::PolicyMode;
using host::ProcessIndex;
using host::Vmstat;

namespace {

NodeIndex first_node(NodeMask nodes) { return NodeIndex::from(std::countr_zero(nodes)); }

bool interleaves(PolicyMode mode) { return mode == PolicyMode::kInterleave || mode == PolicyMode::kWeightedInterleave; }

// offset_il_node(): node n of the mask, modulo their number.
NodeIndex nth_node(NodeMask nodes, uint64_t n) {
  n %= static_cast<uint64_t>(std::popcount(nodes));
  while (n-- > 0) nodes &= nodes - 1;
  return first_node(nodes);
}

// interleave_nodes(): the next node after the task's last one.
NodeIndex next_interleaved(Actor& actor, NodeMask nodes) {
  const int next = actor.il_prev.value() + 1;
  const NodeMask later = next >= kMaskNodes ? 0 : nodes & (host::kAllNodes << next);
  actor.il_prev = first_node(later != 0 ? later : nodes);
  return actor.il_prev;
}

ZoneRef alloc_interleaved(Kernel& k, const Gfp& gfp, NodeIndex node) {
  const ZoneRef got = alloc_page(k, gfp, node);
  if (got.ok() && got.node == node) k.host.count(Vmstat::numa_interleave);
  return got;
}

// alloc_pages_preferred_many(): first the preferred nodes without direct reclaim, then all nodes with it.
ZoneRef alloc_preferred_many(Kernel& k, Gfp gfp, NodeIndex node, NodeMask nodes) {
  Gfp easy = gfp;
  easy.direct_reclaim = false;
  easy.nodes = nodes;
  const ZoneRef got = alloc_page(k, easy, node);
  return got.ok() ? got : alloc_page(k, gfp, node);
}

// policy_node() and policy_nodemask() for policies other than interleave.
ZoneRef alloc_by_policy(Kernel& k, Gfp gfp, const Mempolicy& policy) {
  NodeIndex node = k.sched.current().node;
  if (policy.mode == PolicyMode::kPreferred) node = first_node(policy.nodes);
  const bool has_home = policy.mode == PolicyMode::kBind || policy.mode == PolicyMode::kPreferredMany;
  if (has_home && policy.home_node >= 0) node = NodeIndex::from(policy.home_node);
  if (policy.mode == PolicyMode::kPreferredMany) return alloc_preferred_many(k, gfp, node, policy.nodes);
  if (policy.mode == PolicyMode::kBind) gfp.nodes = policy.nodes;
  return alloc_page(k, gfp, node);
}

const Mempolicy& policy_of(Kernel& k, ProcessIndex process, uint64_t vpn) {
  const AddressSpace& space = k.host.processes[process].space;
  if (space.has_policies) {
    const AddressSpace::Mapping* mapping = space.mapping_of(vpn << kPageShift);
    if (mapping && !mapping->policy.is_default()) return mapping->policy;
  }
  return k.sched.current().policy;
}

}  // namespace

ZoneRef alloc_page_vma(Kernel& k, const Gfp& gfp, ProcessIndex process, uint64_t vpn) {
  const Mempolicy policy = policy_of(k, process, vpn);
  if (interleaves(policy.mode)) return alloc_interleaved(k, gfp, nth_node(policy.nodes, vpn));
  return alloc_by_policy(k, gfp, policy);
}

ZoneRef alloc_huge_vma(Kernel& k, const Gfp& gfp, ProcessIndex process, uint64_t vpn) {
  const Mempolicy policy = policy_of(k, process, vpn);
  if (interleaves(policy.mode)) return alloc_interleaved(k, gfp, nth_node(policy.nodes, vpn >> host::kHugeOrder));
  if (policy.mode == PolicyMode::kPreferredMany) return alloc_by_policy(k, gfp, policy);
  const NodeIndex node = policy.mode == PolicyMode::kPreferred ? first_node(policy.nodes) : k.sched.current().node;
  if (policy.mode == PolicyMode::kBind && !mask_has(policy.nodes, node.value())) return alloc_by_policy(k, gfp, policy);
  Gfp here = gfp;
  here.nodes = NodeMask{1} << node.value();
  here.noretry = true;
  const ZoneRef got = alloc_page(k, here, node);
  return got.ok() || !gfp.direct_reclaim ? got : alloc_by_policy(k, gfp, policy);
}

ZoneRef alloc_page_task(Kernel& k, const Gfp& gfp) {
  Actor& actor = k.sched.current();
  const Mempolicy policy = actor.policy;
  if (interleaves(policy.mode)) return alloc_interleaved(k, gfp, next_interleaved(actor, policy.nodes));
  return alloc_by_policy(k, gfp, policy);
}

void set_task_policy(Kernel& k, ProcessIndex process, const Mempolicy& policy) {
  Actor& actor = k.sched.current();
  actor.policy = policy;
  actor.il_prev = host::kNoNode;
  k.host.processes[process].thread_policies[actor.tid] = policy;
}

void bind_range(Kernel& k, ProcessIndex process, uint64_t start, uint64_t bytes, const Mempolicy& policy) {
  AddressSpace& space = k.host.processes[process].space;
  space.has_policies = true;
  space.change(start, bytes, [&](AddressSpace::Mapping& mapping) { mapping.policy = policy; });
}

void set_home_node(Kernel& k, ProcessIndex process, uint64_t start, uint64_t bytes, NodeIndex node) {
  k.host.processes[process].space.change(start, bytes, [&](AddressSpace::Mapping& mapping) {
    const PolicyMode mode = mapping.policy.mode;
    if (mode == PolicyMode::kBind || mode == PolicyMode::kPreferredMany) mapping.policy.home_node = node.value();
  });
}

std::optional<Mempolicy> effective_policy(const Host& host, PolicyMode mode, uint64_t node_ids) {
  Mempolicy policy{mode, -1, 0};
  for (const NodeIndex i : host.nodes.indices()) {
    const int id = host.nodes[i].id.value;
    if (id < kMaskNodes && mask_has(node_ids, id)) policy.nodes |= NodeMask{1} << i.value();
  }
  if (mode == PolicyMode::kDefault || mode == PolicyMode::kLocal) {
    policy.nodes = 0;
    return policy;
  }
  if (mode == PolicyMode::kPreferred && node_ids == 0) return Mempolicy{PolicyMode::kLocal, -1, 0};
  if (policy.nodes == 0) return std::nullopt;
  if (mode == PolicyMode::kPreferred) policy.nodes &= ~policy.nodes + 1;
  return policy;
}

bool in_oom_domain(const host::Process& process, NodeMask nodes) {
  if (process.thread_policies.empty()) return true;
  return std::any_of(process.thread_policies.begin(), process.thread_policies.end(), [&](const auto& thread) {
    return thread.second.mode != PolicyMode::kBind || (thread.second.nodes & nodes) != 0;
  });
}

}  // namespace oomcast::mm
