// Simulates the target host while the program runs. Feed events in arrival order, then ask for the outcome.
//
// Several programs may share the host, each a service: events say whose they are, and due() says whose turn it is.
// Values in, value out: the same host, options and events give the same Outcome, byte for byte.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/base/random.h"
#include "model/sim/outcome.h"
#include "model/spec/host_spec.h"
#include "model/spec/mempolicy.h"
#include "model/trace/event_sink.h"

namespace oomcast::sim {

/// Where a program runs, and how.
struct Placement {
  int cpu_node = -1;      // --cpu-node: node on whose CPUs the program's threads run; -1: first node with CPUs
  int oom_score_adj = 0;  // --oom-score-adj: of the program's root process, inherited by its children
  // --membind, --interleave, --preferred: the policy that the program starts with, node ids as a mask.
  host::PolicyMode policy_mode = host::PolicyMode::kDefault;
  uint64_t policy_nodes = 0;
  // What the kubelet ranks by: the pod's memory request and priority.
  Bytes memory_request;
  int priority = 0;
  std::optional<std::vector<host::TmpfsSpec>> tmpfs{};  // a container's own mounts; absent: the host's are its
  // Speed of the machine that recorded the events, for scaling compute_ns (ns per 20 million loops; 0: do not scale).
  int64_t recorder_cpu_loop_20m_ns = 0;
};

/// One of several programs on the host.
struct ServiceOptions : Placement {
  std::string name;
  Nanoseconds start;   // its first event happens then
  std::string cgroup;  // path of its group, one of HostSpec::cgroups; empty: the program's group, if there is one
};

/// The placement is that of the only program; services have their own.
struct Options : Placement {
  std::vector<ServiceOptions> services;  // at most host::kServicesMax
  bool kill_on_oom = false;              // --on-oom kill: ask the recorder to kill the guest's process for real
  bool refuse_enomem = false;  // --on-refuse enomem: the guest's call fails for real, so a refusal is no divergence
  bool audit = false;          // recount every invariant the slow way after each event
  Seed seed{1};
};

/// The forecast so far.
struct Glimpse {
  Nanoseconds t;
  Bytes app_footprint, free;  // `free`: of all nodes
  Verdict verdict = Verdict::kFits;
};

class Simulation final : public trace::EventSink {
 public:
  /// REQUIRES: validate(host) is ok.
  Simulation(host::HostSpec host, Options options);
  ~Simulation() override;
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  void feed(const trace::Event& event) override;
  /// An event of the service with this number, counted from 0. Events of one service come in the order of their
  /// arrival; those of several in that of due(). REQUIRES: pids, tids, stacks and files of the services are told apart.
  void feed(const trace::Event& event, size_t service);
  /// When the service's next event happens; absent while its task waits for memory.
  std::optional<Nanoseconds> due(const trace::Event& event, size_t service) const;
  /// Lets the next thing happen that is due by `limit`, as long as no event is fed. False: nothing is.
  bool pass(Nanoseconds limit);
  void take_watches(std::vector<trace::WatchRequest>& out) override;
  void take_kills(std::vector<trace::KillRequest>& out) override;
  bool take_refusal() override;
  uint64_t headroom_pages() const override;
  bool placed_by_thread() const override;

  /// Virtual time so far.
  Nanoseconds now() const;
  /// How the host stands now, for whoever watches the run.
  Glimpse glimpse() const;
  /// Ends the run: lets pending reclaim and I/O settle, then gives the result. Call once.
  Outcome finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace oomcast::sim
