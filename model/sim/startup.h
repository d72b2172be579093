// Starts what runs on the host before the program does: kswapds, the flusher, other processes, and what is cached.
#pragma once

#include <vector>

#include "model/mm/kernel.h"
#include "model/sim/apply_event.h"
#include "model/sim/background.h"
#include "model/sim/scheduler.h"

namespace oomcast::sim {

/// How many CPUs each node has.
IndexVector<host::NodeIndex, int> cpus_per_node(const host::Host& host);
/// The node on whose CPUs the program runs: number `wanted`, or the first one with CPUs if that is negative.
host::NodeIndex pick_node(const host::Host& host, int wanted);
/// An actor on a CPU of the node. The program runs on the first CPUs of its node, in turns; kswapd has the last one.
mm::Actor make_actor(const host::Host& host, mm::ActorKind kind, host::NodeIndex node, size_t nth);

std::vector<FiberId> start_kswapds(mm::Kernel& k, Scheduler& scheduler);
/// Only where huge pages are not switched off.
void start_khugepaged(mm::Kernel& k, Scheduler& scheduler, host::NodeIndex app_node);
/// Only where zswap is on.
void start_zswap_worker(mm::Kernel& k, Scheduler& scheduler, host::NodeIndex app_node);
void start_flusher(mm::Kernel& k, Scheduler& scheduler, host::NodeIndex app_node);
/// HostSpec::page_cache. What is cached at the start is no doing of the run: counters begin after it.
void cache_files(mm::Kernel& k, Scheduler& scheduler, EventApplier& applier, host::NodeIndex app_node);
/// HostSpec::background, in turns over the CPUs of all nodes, as a scheduler would spread them.
void start_background(mm::Kernel& k, Background& background, EventApplier& applier, host::NodeIndex app_node);

}  // namespace oomcast::sim
