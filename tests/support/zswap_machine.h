// A machine whose swap has zswap in front of it, for the tests of model/mm/zswap*.cc.
#pragma once

#include "model/mm/lru.h"
#include "model/mm/shrink_lists.h"
#include "model/mm/swap.h"
#include "model/mm/zswap.h"
#include "tests/support/machine.h"

namespace oomcast::support {

/// A compressed page takes 40 % of a page. The pool may have a tenth of the memory.
inline host::HostSpec zswap_host(host::Zpool zpool, Pages memory = Pages(20000)) {
  host::HostSpec spec = HostBuilder().plain_node(memory).cpus(2).swap(64_MiB).build();
  spec.zswap.enabled = true;
  spec.zswap.max_pool_percent = 10;
  spec.zswap.zpool = zpool;
  spec.zswap.stored_percent = 40;
  spec.zswap.compress = Nanoseconds(6000);
  spec.zswap.decompress = Nanoseconds(2000);
  return spec;
}

inline host::HostSpec zswap_host_612(host::Zpool zpool, Pages memory = Pages(20000)) {
  host::HostSpec spec = zswap_host(zpool, memory);
  spec.kernel = {6, 12};
  return spec;
}

struct ZswapMachine : Machine {
  explicit ZswapMachine(const host::HostSpec& spec) : Machine(spec, Kswapd::kAbsent), app(start(100)) {}

  /// Reclaims in passes over the whole inactive list. The first pass after a touch finds the pages young. Returns the
  /// pages freed.
  int64_t squeeze(int passes) {
    const int64_t before = count(host::Vmstat::pgsteal_anon);
    for (int pass = 0; pass < passes; ++pass) {
      run([&] {
        k.sched.current().memalloc = true;
        mm::lru_add_drain(k, k.sched.current().cpu);
        mm::SwapPlug plug(k);
        mm::ScanControl sc;
        const int64_t all = list(host::LruKindIndex::kInactiveAnon);
        for (int64_t done = 0; done < all; done += 10) mm::shrink_inactive_list(k, 0, host::kRootCgroup, 10, false, sc);
        plug.flush();
      });
    }
    return count(host::Vmstat::pgsteal_anon) - before;
  }
  void start_worker() {
    mm::Actor actor;
    actor.kind = mm::ActorKind::kWorker;
    sched.resume(sched.spawn(actor, [this] { mm::zswap_worker_main(k); }));
  }
  /// Swaps out `pages`, more than the pool may hold, and waits for the worker.
  void overfill(int64_t pages) {
    start_worker();
    touch(app, 0, pages);
    squeeze(2);
    pass(Nanoseconds(1'000'000'000));
  }
  const host::Zswap& zswap() const { return host.zswap; }
  int64_t pool() const { return host.zswap.pool.size(); }

  host::ProcessIndex app;
};

}  // namespace oomcast::support
