// A machine for tests of model/mm: a host with scheduler, disks and kswapds, and tasks to run the code under test in.
//
//   Machine m(HostBuilder().node(64_MiB).build());
//   const auto app = m.start(100);
//   m.touch(app, 0, 256);                              // in a task's fiber, until it is done
//   m.run([&] { mm::alloc_page(m.k, ...); });          // any kernel code
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "model/mm/fault.h"
#include "model/mm/kernel.h"
#include "model/mm/kswapd.h"
#include "model/mm/lru.h"
#include "model/sim/auditor.h"
#include "model/sim/block_device.h"
#include "model/sim/incident_log.h"
#include "model/sim/scheduler.h"
#include "tests/support/host_builder.h"

namespace oomcast::support {

enum class Kswapd : uint8_t { kRuns, kAbsent };

class Machine {
 public:
  explicit Machine(const host::HostSpec& spec, Kswapd kswapd = Kswapd::kRuns)
      : host(spec),
        sched(cpus_per_node(host)),
        pressure(host),
        disks(sched, host),
        log(host, sched),
        k(host, sched, disks, log, Seed{1}),
        auditor(host) {
    sched.account_to(pressure);
    disks.connect(k);
    log.on_kill = [this](host::ProcessIndex victim) { kill(victim); };
    if (kswapd == Kswapd::kRuns) {
      for (const host::NodeIndex node : host.nodes.indices()) start_kswapd(node);
      pass(Nanoseconds(200'000'000));  // past each kswapd's first nap, after which it checks the marks once more
    }
  }
  ~Machine() { sched.abandon(); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Runs `body` in the fiber of a new task, until it returns. When the task sleeps, the other fibers run.
  void run(const std::function<void()>& body, host::NodeIndex node = 0, int pid = 0) {
    const sim::FiberId id = begin(body, node, pid);
    finish(id);
  }
  sim::FiberId begin(const std::function<void()>& body, host::NodeIndex node = 0, int pid = 0) {
    mm::Actor actor;
    actor.node = node;
    const std::vector<host::CpuIndex>& cpus = host.nodes[node].cpu_indices;
    if (!cpus.empty()) actor.cpu = cpus.front();
    actor.pid = actor.tid = pid;
    const sim::FiberId id = sched.spawn(actor, body);
    tasks_.push_back({id, pid});
    sched.resume(id);
    return id;
  }
  void finish(sim::FiberId id) {
    for (int64_t steps = 0; !sched.done(id) && !sched.halted(); ++steps) {
      ASSERT_TRUE(sched.step()) << "the task waits for something that never comes";
      ASSERT_LT(steps, 100'000'000) << "the task never gets done";
    }
  }
  /// Lets `time` pass: kswapd, disks and dying processes run.
  void pass(Nanoseconds time) { sched.run_until(sched.now() + time); }

  /// A new process of the program.
  host::ProcessIndex start(int pid, int oom_score_adj = 0) {
    host::Process process;
    process.pid = pid;
    process.comm = "app" + std::to_string(pid);
    process.oom_score_adj = oom_score_adj;
    process.guest = true;
    host.processes.push_back(std::move(process));
    return static_cast<host::ProcessIndex>(host.processes.size() - 1);
  }
  host::Process& process(host::ProcessIndex index) { return host.processes[index]; }

  /// Uses pages [first, first + count) of a process in ascending order. Returns how many uses succeeded.
  int64_t touch(host::ProcessIndex index, uint64_t first, int64_t count, bool write = true, host::NodeIndex node = 0) {
    int64_t used = 0;
    host.processes[index].switched_to();
    run(
        [&] {
          while (used < count && mm::touch_page(k, index, first + static_cast<uint64_t>(used), write)) ++used;
        },
        node, host.processes[index].pid);
    return used;
  }
  int64_t read(host::ProcessIndex index, uint64_t first, int64_t count) { return touch(index, first, count, false); }

  int64_t count(host::Vmstat item) const { return host.vmstat[item]; }
  host::Zone& zone(host::NodeIndex node = 0, host::ZoneKind kind = host::ZoneKind::kDma32) {
    return host.nodes[node].zones[kind];
  }
  host::Node& node(host::NodeIndex index = 0) { return host.nodes[index]; }
  const host::Page& page(host::ProcessIndex index, uint64_t vpn) {
    const host::Pte pte = host.processes[index].space.get(vpn);
    EXPECT_TRUE(pte.is_present()) << "page " << vpn << " is not in memory";
    return host.pages[pte.page()];
  }
  bool in_memory(host::ProcessIndex index, uint64_t vpn) { return host.processes[index].space.get(vpn).is_present(); }
  bool swapped(host::ProcessIndex index, uint64_t vpn) { return host.processes[index].space.get(vpn).is_swapped(); }
  /// Total stall times, as in /proc/pressure/memory: 0 until a task was busy for a tick (busy_for_a_tick()).
  Nanoseconds lost_some() { return now_lost().some().total; }
  Nanoseconds lost_full() { return now_lost().full().total; }
  int64_t list(host::LruKindIndex kind, host::NodeIndex node = 0) const { return host.nodes[node].size(kind); }
  int64_t available() const {
    int64_t sum = 0;
    for (const host::Node& node : host.nodes) {
      for (const host::Zone& zone : node.zones) sum += zone.free + zone.parked();
    }
    return sum;
  }
  std::vector<std::string> audit() const { return auditor.audit(host); }
  void expect_sound() const { EXPECT_EQ(audit(), std::vector<std::string>{}); }
  /// Moves the pages in CPU 0's LRU batch to their lists.
  void lru_drain() {
    run([&] { mm::lru_add_drain(k, 0); });
  }
  /// Keeps a CPU busy for a tick. Without this the CPU counts for nothing in lost_some() and lost_full().
  void busy_for_a_tick() {
    run([&] {
      sched.cpu(mm::kTick);
      sched.point();
    });
  }

  host::Host host;
  sim::Scheduler sched;
  sim::Pressure pressure;
  sim::Disks disks;
  sim::IncidentLog log;
  const sim::Incidents& outcome = log.incidents();
  mm::Kernel k;
  sim::Auditor auditor;
  /// Whether a victim exits and frees its memory. False: something keeps the victim from running.
  bool victims_exit = true;

 private:
  sim::PressureGroup& now_lost() {
    pressure.host().update(sched.now());
    return pressure.host();
  }
  static IndexVector<host::NodeIndex, int> cpus_per_node(const host::Host& host) {
    IndexVector<host::NodeIndex, int> cpus;
    for (const host::Node& node : host.nodes) cpus.push_back(static_cast<int>(node.cpu_indices.size()));
    return cpus;
  }
  void start_kswapd(host::NodeIndex node) {
    mm::Actor actor;
    actor.kind = mm::ActorKind::kKswapd;
    actor.node = node;
    actor.memalloc = true;
    const std::vector<host::CpuIndex>& cpus = host.nodes[node].cpu_indices;
    if (!cpus.empty()) actor.cpu = cpus.back();
    const sim::FiberId id = sched.spawn(actor, [this, node] { mm::kswapd_main(k, node); });
    sched.resume(id);
  }
  void kill(host::ProcessIndex victim) {
    for (const auto& [id, pid] : tasks_) {
      if (pid == host.processes[victim].pid && host.processes[victim].guest && !sched.done(id)) sched.interrupt(id);
    }
    if (!victims_exit) return;
    mm::Actor actor;
    actor.kind = mm::ActorKind::kExit;
    const sim::FiberId id = sched.spawn(actor, [this, victim] { mm::exit_process(k, victim); });
    sched.resume_at(id, sched.now() + k.costs.wake_latency);
  }

  std::vector<std::pair<sim::FiberId, int>> tasks_;
};

/// A mapping as mmap() of private, writable, anonymous memory makes it.
inline host::AddressSpace::Mapping anonymous(host::HugeAdvice huge = host::HugeAdvice::kNone) {
  host::AddressSpace::Mapping kind;
  kind.anonymous = kind.accountable = kind.data = true;
  kind.huge = huge;
  return kind;
}

/// Puts `pages` that belong to no process on the list, as a reservoir.
inline void stock(host::Lruvec& lruvec, host::LruKindIndex list, int64_t pages,
                  host::ZoneKind zone = host::ZoneKind::kDma32) {
  lruvec.list(list).add_reservoir({host::kNoProcess, zone, pages});
}

}  // namespace oomcast::support
