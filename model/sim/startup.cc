// Starts the actors that run before the program does. See startup.h.
#include "model/sim/startup.h"

#include "model/base/check.h"
#include "model/mm/cached_files.h"
#include "model/mm/khugepaged.h"
#include "model/mm/kswapd.h"
#include "model/mm/writeback.h"
#include "model/mm/zswap.h"

namespace oomcast::sim {

IndexVector<host::NodeIndex, int> cpus_per_node(const host::Host& host) {
  IndexVector<host::NodeIndex, int> cpus;
  for (const host::Node& node : host.nodes) cpus.push_back(static_cast<int>(node.cpu_indices.size()));
  return cpus;
}

host::NodeIndex pick_node(const host::Host& host, int wanted) {
  for (const host::NodeIndex n : host.nodes.indices()) {
    if (wanted >= 0 ? host.nodes[n].id.value == wanted : !host.nodes[n].cpu_indices.empty()) return n;
  }
  return 0;
}

mm::Actor make_actor(const host::Host& host, mm::ActorKind kind, host::NodeIndex node, size_t nth) {
  mm::Actor actor;
  actor.kind = kind;
  actor.node = node;
  const std::vector<host::CpuIndex>& cpus = host.nodes[node].cpu_indices;
  if (!cpus.empty()) actor.cpu = kind == mm::ActorKind::kKswapd ? cpus.back() : cpus[nth % cpus.size()];
  return actor;
}

std::vector<FiberId> start_kswapds(mm::Kernel& k, Scheduler& scheduler) {
  std::vector<FiberId> kswapds;
  for (const host::NodeIndex node : k.host.nodes.indices()) {
    mm::Actor actor = make_actor(k.host, mm::ActorKind::kKswapd, node, 0);
    actor.memalloc = true;
    kswapds.push_back(scheduler.spawn(actor, [&k, node] { mm::kswapd_main(k, node); }));
    scheduler.resume(kswapds.back());
  }
  return kswapds;
}

void start_khugepaged(mm::Kernel& k, Scheduler& scheduler, host::NodeIndex app_node) {
  if (k.host.spec.vm.thp_enabled == host::ThpMode::kNever) return;
  scheduler.resume(
      scheduler.spawn(make_actor(k.host, mm::ActorKind::kKhugepaged, app_node, 1), [&k] { mm::khugepaged_main(k); }));
}

void start_zswap_worker(mm::Kernel& k, Scheduler& scheduler, host::NodeIndex app_node) {
  if (!k.host.spec.zswap.enabled) return;
  scheduler.resume(
      scheduler.spawn(make_actor(k.host, mm::ActorKind::kWorker, app_node, 1), [&k] { mm::zswap_worker_main(k); }));
}

void start_flusher(mm::Kernel& k, Scheduler& scheduler, host::NodeIndex app_node) {
  scheduler.resume(
      scheduler.spawn(make_actor(k.host, mm::ActorKind::kFlusher, app_node, 1), [&k] { mm::flusher_main(k); }));
}

void cache_files(mm::Kernel& k, Scheduler& scheduler, EventApplier& applier, host::NodeIndex app_node) {
  if (k.host.spec.page_cache.empty()) return;
  const FiberId id = scheduler.spawn(make_actor(k.host, mm::ActorKind::kExit, app_node, 0), [&] {
    for (const host::CachedFileSpec& file : k.host.spec.page_cache)
      mm::cache_file(k, applier.file_of(file_number(file.file, static_cast<uint64_t>(file.file_id)), true), file);
  });
  scheduler.resume(id);
  while (!scheduler.done(id) && !scheduler.halted()) OOMCAST_CHECK(scheduler.step());
  k.host.vmstat = {};
}

void start_background(mm::Kernel& k, Background& background, EventApplier& applier, host::NodeIndex app_node) {
  std::vector<host::NodeIndex> nodes;
  for (const host::NodeIndex n : k.host.nodes.indices()) {
    if (!k.host.nodes[n].cpu_indices.empty()) nodes.push_back(n);
  }
  for (size_t i = 0; i < k.host.spec.background.size(); ++i) {
    const host::BackgroundSpec& spec = k.host.spec.background[i];
    const host::NodeIndex node = nodes.empty() ? app_node : nodes[(i + 1) % nodes.size()];
    const host::FileIndex file = applier.file_of(file_number(spec.file, static_cast<uint64_t>(spec.file_id)), true);
    background.start(i, file, make_actor(k.host, mm::ActorKind::kBackground, node, i + 1));
  }
}

}  // namespace oomcast::sim
