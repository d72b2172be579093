// Simulates the target host while the program runs. See simulation.h; order and time as in the README, "Time".
#include "model/sim/simulation.h"

#include <algorithm>
#include <utility>

#include "model/base/check.h"
#include "model/mm/fault.h"
#include "model/mm/page_alloc.h"
#include "model/sim/apply_event.h"
#include "model/sim/auditor.h"
#include "model/sim/background.h"
#include "model/sim/block_device.h"
#include "model/sim/digest.h"
#include "model/sim/headroom.h"
#include "model/sim/incident_log.h"
#include "model/sim/kill_need.h"
#include "model/sim/kubelet.h"
#include "model/sim/margins.h"
#include "model/sim/outcome_text.h"
#include "model/sim/scheduler.h"
#include "model/sim/service_outcome.h"
#include "model/sim/startup.h"
#include "model/sim/task_table.h"
#include "model/sim/timeline.h"

namespace oomcast::sim {

using host::Process;
using host::ProcessIndex;
using trace::Event;
using trace::EventKind;

namespace {

constexpr Nanoseconds kSettleMax{600'000'000'000};  // what is pending at the end gets at most this long
constexpr uint64_t kHaltedHeadroom = 1 << 18;       // no watermark is met any more: 1 GiB
constexpr Nanoseconds kVictimWakes{4'000'000};      // a tick until another process acts on its SIGKILL

}  // namespace

class Simulation::Impl {
 public:
  Impl(host::HostSpec spec, Options options)
      : options_(options),
        host_(spec),
        scheduler_(cpus_per_node(host_)),
        pressure_(host_),
        disks_(scheduler_, host_),
        log_(host_, scheduler_),
        kernel_(host_, scheduler_, disks_, log_, options.seed),
        applier_(kernel_, options_),
        background_(kernel_, scheduler_, options.seed),
        app_node_(pick_node(host_, options.cpu_node)),
        tasks_(
            host_, scheduler_, task_settings(host_, options_),
            [this](uint32_t pid, uint32_t parent) { return applier_.process_of(pid, parent); },
            [this](Task& task) { apply(task); }),
        need_(host_, applier_.files()) {
    add_services();
    one_node_ = options.policy_mode != host::PolicyMode::kDefault || host_.spec.vm.zone_reclaim_mode != 0;
    for (const ServiceOptions& service : options_.services)
      one_node_ |= service.policy_mode != host::PolicyMode::kDefault;
    scheduler_.account_to(pressure_);
    disks_.connect(kernel_);
    scheduler_.on_switch_to([this](const mm::Actor& actor) {
      if (actor.process != host::kNoProcess) host_.processes[actor.process].switched_to();
    });
    log_.refusal_is_lived = options.refuse_enomem;
    log_.on_kill = [this](ProcessIndex victim) {
      const Process& process = host_.processes[victim];
      need_.begin(victim);
      if (options_.kill_on_oom && process.guest) kills_.push_back({static_cast<uint32_t>(process.pid)});
      begin_exit(victim, scheduler_.current().pid == process.pid && process.guest);
    };
    cache_files(kernel_, scheduler_, applier_, app_node_);
    auditor_ = std::make_unique<Auditor>(host_);
    std::vector<FiberId> kswapds = start_kswapds(kernel_, scheduler_);
    start_flusher(kernel_, scheduler_, app_node_);
    start_khugepaged(kernel_, scheduler_, app_node_);
    start_zswap_worker(kernel_, scheduler_, app_node_);
    start_background(kernel_, background_, applier_, app_node_);
    timeline_ = std::make_unique<Timeline>(host_, scheduler_, pressure_, std::move(kswapds));
    log_.take_moment("start");
    log_.on_moment = [this](Moment& moment) { timeline_->add_pressure(moment); };
    arm_sampler();
    if (host_.spec.kubelet.eviction_hard > Bytes(0)) arm_kubelet();
  }

  ~Impl() { scheduler_.abandon(); }

  void feed(const Event& event, size_t number) {
    if (halted()) return;
    Running& service = running_[number];
    if (!service.begun) scheduler_.run_until(options_.services[number].start);
    service.begun = true;
    log_.more_to_come = std::any_of(running_.begin(), running_.end(), [](const Running& each) { return !each.begun; });
    applier_.begin_service(static_cast<uint8_t>(number + 1));
    service.last = std::max(service.last, feed(event));
  }

  // When a thread began is not told: not before what its service did last.
  std::optional<Nanoseconds> due(const Event& event, size_t number) const {
    const Running& service = running_[number];
    if (halted() || !service.begun) return halted() ? now() : options_.services[number].start;
    return tasks_.due(event, service.last);
  }

  bool pass(Nanoseconds limit) { return scheduler_.step_until(limit); }

  /// Gives when it happened.
  Nanoseconds feed(const Event& event) {
    if (halted()) return now();
    ++events_;
    if (event.kind == EventKind::kMount) applier_.mounts().name(event);
    Task& task = tasks_.ready_for(event);
    if (halted()) return now();
    const Nanoseconds start = tasks_.start_of(task, event);
    if (start < scheduler_.now()) ++order_forced_;
    tasks_.pass_until(task, event, start);
    if (halted()) return now();
    if (event.kind == EventKind::kExit) applier_.forget(event.pid);
    one_node_ |= event.kind == EventKind::kSetPolicy || event.kind == EventKind::kBindRange;
    note_stack(event, task);
    const ProcessIndex process = task.process;
    tasks_.run(task, event, start);
    margins_.note(host_, one_node_, log_.incidents());
    if (host_.pages.fold()) host_.processes[process].space.fold();
    if (options_.audit) audit();
    return start;
  }

  uint64_t headroom_pages() const {
    if (halted()) return kHaltedHeadroom;
    for (const mm::KswapdState& state : kernel_.kswapd) {
      if (state.in_balance) return 0;
    }
    return static_cast<uint64_t>(sim::headroom_pages(host_, one_node_));
  }

  bool placed_by_thread() const {
    return std::count_if(host_.nodes.begin(), host_.nodes.end(), [](const host::Node& node) {
             return std::any_of(node.zones.begin(), node.zones.end(),
                                [](const host::Zone& zone) { return zone.managed > 0; });
           }) > 1;
  }

  // Puts together what the collectors have gathered, and derives the rest from it.
  Outcome finish() {
    settle();
    finished_ = true;
    need_.note();
    Outcome outcome;
    static_cast<Incidents&>(outcome) = log_.take();
    static_cast<Series&>(outcome) = timeline_->finish(outcome.moments);
    static_cast<AppPeaks&>(outcome.app) = applier_.peaks();
    outcome.host = host_.spec;
    outcome.forecast = scheduler_.now();
    outcome.steps = scheduler_.steps();
    outcome.events = events_;
    outcome.order_forced = order_forced_;
    outcome.lost_events = applier_.lost_events();
    outcome.left_out = applier_.left_out();
    outcome.audit_faults = std::move(audit_faults_);
    outcome.counters = host_.vmstat;
    for (const host::ZoneKind z : host::kZonesAscending)
      outcome.allocstall[z] = host_.vmstat[host::by_zone(host::Vmstat::allocstall_dma, z)];
    outcome.zswap = {to_bytes(Pages(host_.zswap.pool_peak)), host_.zswap.stored_peak, host_.zswap.pool_limit_hit,
                     host_.vmstat[host::Vmstat::zswpwb]};
    summarize_app(host_, outcome);
    outcome.app.memory_mounts = memory_mounts(host_, options_.services);
    summarize_cgroup(host_, outcome);
    for (size_t s = 0; s < running_.size(); ++s)
      outcome.services.push_back(
          service_outcome(host_, options_.services, s, std::move(log_.services[s + 1]), running_[s].last));
    outcome.evictions = std::move(evictions_);
    outcome.verdict = verdict_of(outcome);
    outcome.app.whole_run_peak = std::max(outcome.app.footprint_peak, need_.whole_run_peak());
    outcome.need_after_kill = need_.need();
    static_cast<NextVerdicts&>(outcome) = margins_.finish(outcome, outcome.verdict, outcome.need_after_kill);
    outcome.digest = digest_of(host_, outcome);
    return outcome;
  }

  Nanoseconds now() const { return scheduler_.now(); }
  Glimpse glimpse() const {
    int64_t free = 0;
    for (const host::Node& node : host_.nodes) free += node.free();
    return {now(), to_bytes(Pages(host_.guest_anon + host_.guest_swapped)), to_bytes(Pages(free)),
            verdict_of(log_.incidents())};
  }
  IncidentLog& log() { return log_; }
  std::vector<trace::KillRequest>& kills() { return kills_; }

 private:
  /// How far a service has come.
  struct Running {
    bool begun = false;
    Nanoseconds last;  // when its last event happened
  };

  static std::vector<TaskTable::Settings> task_settings(const host::Host& host, const Options& options) {
    std::vector<TaskTable::Settings> settings{{options.recorder_cpu_loop_20m_ns, pick_node(host, options.cpu_node)}};
    for (const ServiceOptions& service : options.services)
      settings.push_back({service.recorder_cpu_loop_20m_ns, pick_node(host, service.cpu_node)});
    return settings;
  }

  void add_services() {
    if (options_.services.empty()) return;
    running_.resize(options_.services.size());
    host_.services.resize(options_.services.size() + 1);
    log_.services.resize(host_.services.size());
    for (size_t s = 0; s < host_.services.size(); ++s) {
      host_.services[s].taken_by.resize(host_.services.size());
      host_.services[s].cgroup = host_.app_cgroup;
      if (s == 0 || options_.services[s - 1].cgroup.empty()) continue;
      const auto group = std::find_if(host_.cgroups.begin(), host_.cgroups.end(), [&](const host::Cgroup& each) {
        return each.path == options_.services[s - 1].cgroup;
      });
      OOMCAST_CHECK(group != host_.cgroups.end());
      host_.services[s].cgroup = host_.cgroups.index_of(*group);
    }
  }

  bool halted() const { return log_.incidents().halted.has_value(); }

  void arm_sampler() {
    scheduler_.at(scheduler_.now() + kSampleInterval, [this] {
      if (finished_) return;
      tasks_.sweep();
      applier_.note_peaks();
      timeline_->sample();
      arm_sampler();
    });
  }

  void arm_kubelet() {
    scheduler_.at(scheduler_.now() + kKubeletInterval, [this] {
      if (finished_ || halted()) return;
      if (auto eviction = eviction_due(host_, options_, scheduler_.now())) evict(std::move(*eviction));
      arm_kubelet();
    });
  }

  // A hard eviction gives no time to end: SIGKILL for all processes of the pod.
  void evict(Eviction eviction) {
    const uint8_t service = eviction.ranked.front().number;
    for (ProcessIndex index = 0; index < host_.processes.size(); ++index) {
      host::Process& process = host_.processes[index];
      if (!process.guest || process.service != service || !process.alive || process.dying) continue;
      log_.on_evicted(service, process);
      process.dying = true;
      ++kernel_.oom_victims_pending;  // exit_process() takes it back; nobody else is killed meanwhile
      begin_exit(index, false);
    }
    evictions_.push_back(std::move(eviction));
  }

  // A sampled allocation carries the stack that asked for it; incidents soon after are laid at its door.
  void note_stack(const Event& event, Task& task) {
    if (event.kind == EventKind::kAlloc && event.stack_id != 0)
      task.sampled_stack_id = last_sampled_stack_ = event.stack_id;
    log_.event_stack_id = event.stack_id;
    log_.sampled_stack_id = task.sampled_stack_id != 0 ? task.sampled_stack_id : last_sampled_stack_;
  }

  // In the task's fiber.
  void apply(Task& task) {
    const Process& process = host_.processes[task.process];
    // What kind of file it is holds for others, too.
    if ((process.alive && !process.dying && !process.stuck_at) || task.event.kind == EventKind::kFileInMemory) {
      const host::PageArray::InUse in_use(host_.pages);
      applier_.apply(task.event, task.process);
    } else if (task.event.kind == EventKind::kFork) {
      applier_.never_born(static_cast<uint32_t>(task.event.address), task.pid);
    }
    need_.handle(task.event, task.process);
  }

  // SIGKILL: the victim's tasks stop at once, its memory comes free when it gets to run, which it does (`own`) if it is
  // its own task that killed it.
  void begin_exit(ProcessIndex victim, bool own) {
    const Process& process = host_.processes[victim];
    if (!process.guest) background_.kill(process.pid);
    tasks_.interrupt(victim);
    mm::Actor actor = make_actor(host_, mm::ActorKind::kExit, app_node_, 0);
    actor.cgroup = process.cgroup;
    const FiberId id = scheduler_.spawn(actor, [this, victim] {
      const host::PageArray::InUse in_use(host_.pages);
      host_.guest_mapped_bytes -= host_.processes[victim].space.mapped_bytes;
      mm::exit_process(kernel_, victim);
    });
    exits_.push_back(id);
    scheduler_.resume_at(id, scheduler_.now() + (own ? kernel_.costs.wake_latency : kVictimWakes));
  }

  bool pending() const {
    const auto busy = [this](FiberId id) { return scheduler_.blocked(id); };
    return !disks_.idle() || std::any_of(exits_.begin(), exits_.end(), busy) || tasks_.blocked() > 0;
  }

  void settle() {
    background_.stop();
    const Nanoseconds limit = scheduler_.now() + kSettleMax;
    while (pending() && scheduler_.now() < limit && scheduler_.step()) {
    }
    // The run ends with its last thread; one that is stuck, or on a halted host, adds nothing.
    if (!halted()) tasks_.run_out();
    if (options_.audit) audit();
  }

  void audit() {
    const int64_t in_flight =
        tasks_.blocked() + background_.in_flight() + (kernel_.khugepaged.in_hand ? 1 : 0) + kernel_.zswap.in_hand;
    for (const std::string& fault : auditor_->audit(host_, in_flight)) {
      if (audit_faults_.size() < kAuditFaults) audit_faults_.push_back({events_, fault});
    }
  }

  Options options_;
  host::Host host_;
  Scheduler scheduler_;
  Pressure pressure_;
  Disks disks_;
  IncidentLog log_;
  mm::Kernel kernel_;
  EventApplier applier_;
  Background background_;
  host::NodeIndex app_node_;
  TaskTable tasks_;
  KillNeed need_;
  std::unique_ptr<Auditor> auditor_;
  std::unique_ptr<Timeline> timeline_;
  Margins margins_;
  std::vector<FiberId> exits_;
  std::vector<trace::KillRequest> kills_;
  std::vector<AuditFault> audit_faults_;
  std::vector<Eviction> evictions_;
  std::vector<Running> running_;  // by the number of the service
  uint64_t events_ = 0, order_forced_ = 0;
  uint32_t last_sampled_stack_ = 0;
  bool one_node_ = false;  // memory of a single node may be asked for
  bool finished_ = false;
};

Simulation::Simulation(host::HostSpec host, Options options)
    : impl_(std::make_unique<Impl>(std::move(host), options)) {}
Simulation::~Simulation() = default;
void Simulation::feed(const Event& event) { impl_->feed(event); }
void Simulation::feed(const Event& event, size_t service) { impl_->feed(event, service); }
std::optional<Nanoseconds> Simulation::due(const Event& event, size_t service) const {
  return impl_->due(event, service);
}
bool Simulation::pass(Nanoseconds limit) { return impl_->pass(limit); }
void Simulation::take_watches(std::vector<trace::WatchRequest>& out) {
  out.insert(out.end(), impl_->log().watches.begin(), impl_->log().watches.end());
  impl_->log().watches.clear();
}
void Simulation::take_kills(std::vector<trace::KillRequest>& out) {
  out.insert(out.end(), impl_->kills().begin(), impl_->kills().end());
  impl_->kills().clear();
}
bool Simulation::take_refusal() { return std::exchange(impl_->log().refused, false); }
uint64_t Simulation::headroom_pages() const { return impl_->headroom_pages(); }
bool Simulation::placed_by_thread() const { return impl_->placed_by_thread(); }
Glimpse Simulation::glimpse() const { return impl_->glimpse(); }
Nanoseconds Simulation::now() const { return impl_->now(); }
Outcome Simulation::finish() { return impl_->finish(); }

}  // namespace oomcast::sim
