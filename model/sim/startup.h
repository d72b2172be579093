// Starts the actors that run before the program does: kswapds, khugepaged, flusher, other processes, cached files.
#pragma once

#include <vector>

#include "model/mm/kernel.h"
#include "model/sim/apply_event.h"
#include "model/sim/background.h"
#include "model/sim/scheduler.h"

namespace oomcast::sim {

/// The number of CPUs of each node.
IndexVector<host::NodeIndex, int> cpus_per_node(const host::Host& host);
/// The node on whose CPUs the program runs: number `wanted`, or the first with CPUs if `wanted` is negative; the first
/// node if there is none.
host::NodeIndex pick_node(const host::Host& host, int wanted);
/// An actor on a CPU of the node: kswapd on the last one, others on CPU number `nth` modulo the number of CPUs.
mm::Actor make_actor(const host::Host& host, mm::ActorKind kind, host::NodeIndex node, size_t nth);

/// One kswapd per node; returns their fibers.
std::vector<FiberId> start_kswapds(mm::Kernel& k, Scheduler& scheduler);
/// Does nothing if transparent huge pages are off.
void start_khugepaged(mm::Kernel& k, Scheduler& scheduler, host::NodeIndex app_node);
/// Does nothing if zswap is off.
void start_zswap_worker(mm::Kernel& k, Scheduler& scheduler, host::NodeIndex app_node);
void start_flusher(mm::Kernel& k, Scheduler& scheduler, host::NodeIndex app_node);
/// Fills the page cache with HostSpec::page_cache, and resets the counters: this is no activity of the run.
void cache_files(mm::Kernel& k, Scheduler& scheduler, EventApplier& applier, host::NodeIndex app_node);
/// Starts HostSpec::background, in turns on the CPUs of all nodes, as a scheduler would spread them.
void start_background(mm::Kernel& k, Background& background, EventApplier& applier, host::NodeIndex app_node);

}  // namespace oomcast::sim
