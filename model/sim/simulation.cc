// Simulates the target host while the program runs. See simulation.h; order and time as in the README, "Time".
#include "model/sim/simulation.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "model/base/check.h"
#include "model/mm/cached_files.h"
#include "model/mm/fault.h"
#include "model/mm/kswapd.h"
#include "model/mm/page_alloc.h"
#include "model/mm/writeback.h"
#include "model/sim/after_kill.h"
#include "model/sim/auditor.h"
#include "model/sim/background.h"
#include "model/sim/block_device.h"
#include "model/sim/digest.h"
#include "model/sim/event_handler.h"
#include "model/sim/headroom.h"
#include "model/sim/incident_log.h"
#include "model/sim/margins.h"
#include "model/sim/moment.h"
#include "model/sim/outcome_text.h"
#include "model/sim/scheduler.h"
#include "model/sim/task.h"
#include "model/sim/timeline.h"

namespace oomcast::sim {

using host::Process;
using host::ProcessIndex;
using trace::Event;
using trace::EventKind;

namespace {

constexpr Nanoseconds kSettleMax{600'000'000'000};  // what is pending at the end gets at most this long
constexpr uint64_t kHaltedHeadroom = 1 << 18;       // no watermark is met any more: 1 GiB
constexpr Nanoseconds kActiveFor{100'000'000};      // a task without events for longer is not waiting for memory
constexpr Nanoseconds kVictimWakes{4'000'000};      // a tick until another process acts on its SIGKILL

std::vector<int> cpus_per_node(const host::Host& host) {
  std::vector<int> cpus;
  for (const host::Node& node : host.nodes) cpus.push_back(static_cast<int>(node.cpu_indices.size()));
  return cpus;
}

}  // namespace

class Simulation::Impl {
 public:
  Impl(host::HostSpec spec, Options options)
      : options_(options),
        host_(spec),
        scheduler_(cpus_per_node(host_)),
        disks_(scheduler_, host_),
        log_(host_, scheduler_, outcome_),
        kernel_(host_, scheduler_, disks_, log_, options.seed),
        handler_(kernel_, options_, outcome_),
        background_(kernel_, scheduler_, options.seed),
        app_node_(pick_node(options.cpu_node)) {
    one_node_ = options.policy_mode != host::PolicyMode::kDefault || host_.spec.vm.zone_reclaim_mode != 0;
    outcome_.host = std::move(spec);
    disks_.connect(kernel_);
    log_.refusal_is_lived = options.refuse_enomem;
    log_.on_kill = [this](ProcessIndex victim) { begin_exit(victim); };
    cache_files();
    auditor_ = std::make_unique<Auditor>(host_);
    start_kswapds();
    start_flusher();
    start_background();
    timeline_ = std::make_unique<Timeline>(host_, scheduler_, kswapds_);
    log_.on_moment = [this](Moment& moment) { timeline_->add_pressure(moment); };
    outcome_.moments.push_back(moment_of("start", scheduler_.now(), host_));
    arm_sampler();
  }

  ~Impl() { scheduler_.abandon(); }

  void feed(const Event& event) {
    if (outcome_.halted_at) return;
    ++outcome_.events;
    wait_for_fork(event.pid);
    Task& task = task_for(event);
    wait_for(task.fiber);
    if (outcome_.halted_at) return;
    const Nanoseconds start = task.clock + scaled(event.compute_ns) + Nanoseconds(static_cast<int64_t>(event.wait_ns));
    if (start < scheduler_.now()) ++outcome_.order_forced;
    scheduler_.run_until(start);
    if (outcome_.halted_at) return;
    if (event.kind == EventKind::kFork) forks_[static_cast<uint32_t>(event.address)] = event.tid;
    if (event.kind == EventKind::kThreadExit) task.gone = true;
    if (event.kind == EventKind::kExit) {
      forget_tasks(event.pid, event.tid);
      handler_.forget(event.pid);
    }
    one_node_ |= event.kind == EventKind::kSetPolicy || event.kind == EventKind::kBindRange;
    note_stack(event, task);
    task.event = event;
    task.last_active = scheduler_.now();
    task.clock = std::max(start, task.clock);
    scheduler_.set_running_task(task.fiber);
    const ProcessIndex process = task.process;
    scheduler_.resume(task.fiber);
    if (task.gone && !scheduler_.blocked(task.fiber)) drop_task(event.tid);
    note_need();
    margins_.note(host_, one_node_, outcome_);
    if (host_.pages.fold()) host_.processes[process].space.fold();
    if (options_.audit) audit();
  }

  uint64_t headroom_pages() const {
    if (outcome_.halted_at) return kHaltedHeadroom;
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

  Outcome finish() {
    settle();
    finished_ = true;
    timeline_->finish(outcome_);
    outcome_.forecast = scheduler_.now();
    outcome_.steps = scheduler_.steps();
    outcome_.counters = host_.vmstat;
    for (size_t z = 0; z < outcome_.allocstall.size(); ++z)
      outcome_.allocstall[z] = host_.vmstat[host::by_zone(host::Vmstat::allocstall_dma, static_cast<int>(z))];
    summarize_app(host_, outcome_);
    summarize_cgroup(host_, outcome_);
    outcome_.verdict = verdict_of(outcome_);
    note_need();
    outcome_.app.whole_run_peak = std::max(outcome_.app.footprint_peak, outcome_.app.whole_run_peak);
    margins_.finish(outcome_);
    outcome_.caveats = caveats_of(outcome_);
    outcome_.digest = digest_of(host_, outcome_);
    return std::move(outcome_);
  }

  Nanoseconds now() const { return scheduler_.now(); }
  Glimpse glimpse() const {
    int64_t free = 0;
    for (const host::Node& node : host_.nodes) free += node.free();
    return {now(), to_bytes(Pages(host_.guest_anon + host_.guest_swapped)), to_bytes(Pages(free)),
            verdict_of(outcome_)};
  }
  IncidentLog& log() { return log_; }
  std::vector<trace::KillRequest>& kills() { return kills_; }

 private:
  int pick_node(int wanted) const {
    for (size_t n = 0; n < host_.nodes.size(); ++n) {
      if (wanted >= 0 ? host_.nodes[n].id.value == wanted : !host_.nodes[n].cpu_indices.empty())
        return static_cast<int>(n);
    }
    return 0;
  }

  // The program runs on the first CPUs of its node; kswapd has the last one.
  mm::Actor make_actor(mm::ActorKind kind, int node, size_t nth) const {
    mm::Actor actor;
    actor.kind = kind;
    actor.node = node;
    const std::vector<int>& cpus = host_.nodes[static_cast<size_t>(node)].cpu_indices;
    if (!cpus.empty()) actor.cpu = kind == mm::ActorKind::kKswapd ? cpus.back() : cpus[nth % cpus.size()];
    return actor;
  }

  void start_kswapds() {
    for (int node = 0; node < static_cast<int>(host_.nodes.size()); ++node) {
      mm::Actor actor = make_actor(mm::ActorKind::kKswapd, node, 0);
      actor.memalloc = true;
      const FiberId id = scheduler_.spawn(actor, [this, node] { mm::kswapd_main(kernel_, node); });
      kswapds_.push_back(id);
      scheduler_.resume(id);
    }
  }

  // What is cached at the start is no doing of the run: counters begin after it.
  void cache_files() {
    if (host_.spec.page_cache.empty()) return;
    const FiberId id = scheduler_.spawn(make_actor(mm::ActorKind::kExit, app_node_, 0), [this] {
      for (const host::CachedFileSpec& file : host_.spec.page_cache) {
        mm::cache_file(kernel_, handler_.file_of(file_number(file.file, static_cast<uint64_t>(file.file_id)), true),
                       file);
      }
    });
    scheduler_.resume(id);
    while (!scheduler_.done(id) && !scheduler_.halted()) OOMCAST_CHECK(scheduler_.step());
    host_.vmstat = {};
  }

  // In turns over the CPUs of all nodes, as a scheduler would spread them.
  void start_background() {
    std::vector<int> nodes;
    for (size_t n = 0; n < host_.nodes.size(); ++n) {
      if (!host_.nodes[n].cpu_indices.empty()) nodes.push_back(static_cast<int>(n));
    }
    for (size_t i = 0; i < host_.spec.background.size(); ++i) {
      const host::BackgroundSpec& spec = host_.spec.background[i];
      const int node = nodes.empty() ? app_node_ : nodes[(i + 1) % nodes.size()];
      background_.start(i, handler_.file_of(file_number(spec.file, static_cast<uint64_t>(spec.file_id)), true),
                        make_actor(mm::ActorKind::kBackground, node, i + 1));
    }
  }

  void start_flusher() {
    mm::Actor actor = make_actor(mm::ActorKind::kFlusher, app_node_, 1);
    const FiberId id = scheduler_.spawn(actor, [this] { mm::flusher_main(kernel_); });
    scheduler_.resume(id);
  }

  void arm_sampler() {
    scheduler_.at(scheduler_.now() + kSampleInterval, [this] {
      if (finished_) return;
      std::erase_if(tasks_, [this](const auto& entry) {
        const bool over = entry.second.gone && scheduler_.done(entry.second.fiber);
        if (over) scheduler_.discard(entry.second.fiber);
        return over;
      });
      int active = 0;
      for (const auto& [tid, task] : tasks_)
        active +=
            !task.gone && (scheduler_.blocked(task.fiber) || scheduler_.now() - task.last_active < kActiveFor) ? 1 : 0;
      scheduler_.set_active_tasks(active);
      timeline_->sample();
      arm_sampler();
    });
  }

  Nanoseconds scaled(uint64_t compute_ns) const {
    const int64_t here = options_.recorder_cpu_loop_20m_ns, there = host_.spec.calibration.cpu_loop_20m.count();
    const int64_t ns = static_cast<int64_t>(compute_ns);
    if (here <= 0 || there <= 0) return Nanoseconds(ns);
    return Nanoseconds(static_cast<int64_t>(static_cast<__int128>(ns) * there / here));
  }

  Task& task_for(const Event& event) {
    const auto it = tasks_.find(event.tid);
    if (it != tasks_.end() && !it->second.gone && it->second.pid == event.pid) return it->second;
    if (it != tasks_.end()) wait_for(it->second.fiber);
    const uint32_t parent = event.kind == EventKind::kProcessStart ? static_cast<uint32_t>(event.address) : 0;
    // While it waited, the sampler may have cleared the old one away.
    if (tasks_.contains(event.tid) && !scheduler_.halted()) drop_task(event.tid);
    Task& task = tasks_[event.tid];
    task = Task{};
    task.pid = event.pid;
    task.tid = event.tid;
    task.process = handler_.process_of(event.pid, parent);
    // When a thread began is not told; it arrives now, having done what the event says.
    task.clock = std::max(
        Nanoseconds(0), scheduler_.now() - scaled(event.compute_ns) - Nanoseconds(static_cast<int64_t>(event.wait_ns)));
    mm::Actor actor = make_actor(mm::ActorKind::kTask, app_node_, tasks_started_++);
    actor.pid = static_cast<int>(event.pid);
    actor.tid = static_cast<int>(event.tid);
    Process& process = host_.processes[task.process];
    actor.policy = process.policy;
    if (!actor.policy.is_default()) process.thread_policies[actor.tid] = actor.policy;
    const uint32_t tid = event.tid;
    task.fiber = scheduler_.spawn(actor, [this, tid] { run_task(tid); });
    return task;
  }

  // A sampled allocation carries the stack that asked for it; incidents soon after are laid at its door.
  void note_stack(const Event& event, Task& task) {
    if (event.kind == EventKind::kAlloc && event.stack_id != 0)
      task.sampled_stack_id = last_sampled_stack_ = event.stack_id;
    log_.event_stack_id = event.stack_id;
    log_.sampled_stack_id = task.sampled_stack_id != 0 ? task.sampled_stack_id : last_sampled_stack_;
  }

  int64_t held_tables() const { return host_.guest_tables + after_kill_.tables(); }
  int64_t held_pages() const { return host_.guest_anon + host_.guest_swapped + after_kill_.pages(); }

  // Not while a victim's memory is being freed: part of it is in both counts then.
  void note_need() {
    if (!need_at_kill_) return;
    const AfterKill::Held twice = after_kill_.counted_twice();
    if (twice.pages == 0 && kernel_.oom_victims_pending > 0) return;
    const int64_t pages = held_pages() - twice.pages, tables = held_tables() - twice.tables;
    outcome_.app.whole_run_peak = std::max(outcome_.app.whole_run_peak, to_bytes(Pages(pages)));
    const Bytes grown = to_bytes(Pages(pages + tables - *need_at_kill_));
    outcome_.need_after_kill = std::max(outcome_.need_after_kill.value_or(Bytes(0)), grown);
  }

  // The body of a task's fiber: one event after the other.
  void run_task(uint32_t tid) {
    while (true) {
      Task& task = tasks_.at(tid);
      const FiberId fiber = task.fiber;
      scheduler_.actor(fiber).stack_id = task.event.stack_id;
      const Process& process = host_.processes[task.process];
      // What kind of file it is holds for others, too.
      if ((process.alive && !process.dying && !process.stuck_at) ||
          task.event.kind == trace::EventKind::kFileInMemory) {
        const host::PageArray::InUse in_use(host_.pages);
        handler_.handle(task.event, task.process);
      } else if (task.event.kind == EventKind::kFork) {
        handler_.never_born(static_cast<uint32_t>(task.event.address), task.pid);
      }
      scheduler_.actor(fiber).stack_id = 0;
      Task& after = tasks_.at(tid);
      // The event in whose middle the process was killed counts, too.
      if (after_kill_.follows(after.process)) after_kill_.handle(after.event, after.process);
      after.clock = std::max(after.clock, scheduler_.now()) + scheduler_.take_pending(fiber);
      if (after.gone) return;
      scheduler_.park();
    }
  }

  void wait_for(FiberId fiber) {
    while (!scheduler_.halted() && scheduler_.blocked(fiber)) OOMCAST_CHECK(scheduler_.step());
  }

  // A child that acts has been forked; in the model its parent may still be stalled in the middle of copying.
  void wait_for_fork(uint32_t pid) {
    if (forks_.empty()) return;
    const auto fork = forks_.find(pid);
    if (fork == forks_.end()) return;
    if (const auto parent = tasks_.find(fork->second); parent != tasks_.end()) wait_for(parent->second.fiber);
    forks_.erase(fork);
  }

  // The process ends with the event of thread `last`. Its other threads do nothing any more; those that the model still
  // stalls go when they are through.
  void forget_tasks(uint32_t pid, uint32_t last) {
    std::vector<uint32_t> idle;
    for (auto& [tid, task] : tasks_) {
      if (task.pid != pid) continue;
      task.gone = true;
      if (tid != last && !scheduler_.blocked(task.fiber)) idle.push_back(tid);
    }
    for (const uint32_t tid : idle) drop_task(tid);
  }

  void drop_task(uint32_t tid) {
    const auto task = tasks_.find(tid);
    scheduler_.discard(task->second.fiber);
    tasks_.erase(task);
  }

  // SIGKILL from the OOM killer: the victim's tasks stop at once, its memory comes free when it gets to run.
  void begin_exit(ProcessIndex victim) {
    const Process& process = host_.processes[victim];
    if (!need_at_kill_) need_at_kill_ = held_pages() + held_tables();
    if (process.guest) after_kill_.begin(victim);
    const bool own = scheduler_.current().pid == process.pid && process.guest;
    if (!process.guest) background_.kill(process.pid);
    for (auto& [tid, task] : tasks_) {
      if (task.process == victim) scheduler_.interrupt(task.fiber);
    }
    if (options_.kill_on_oom && process.guest) kills_.push_back({static_cast<uint32_t>(process.pid)});
    const FiberId id = scheduler_.spawn(make_actor(mm::ActorKind::kExit, app_node_, 0), [this, victim] {
      const host::PageArray::InUse in_use(host_.pages);
      host_.guest_mapped_bytes -= host_.processes[victim].space.mapped_bytes;
      if (after_kill_.follows(victim)) after_kill_.exits(victim);
      mm::exit_process(kernel_, victim);
    });
    exits_.push_back(id);
    scheduler_.resume_at(id, scheduler_.now() + (own ? kernel_.costs.wake_latency : kVictimWakes));
  }

  bool pending() const {
    if (!disks_.idle()) return true;
    const auto busy = [this](FiberId id) { return scheduler_.blocked(id); };
    if (std::any_of(exits_.begin(), exits_.end(), busy)) return true;
    return std::any_of(tasks_.begin(), tasks_.end(), [&](const auto& entry) { return busy(entry.second.fiber); });
  }

  void settle() {
    background_.stop();
    const Nanoseconds limit = scheduler_.now() + kSettleMax;
    while (pending() && scheduler_.now() < limit && scheduler_.step()) {
    }
    // The run ends with its last thread; one that is stuck, or on a halted host, adds nothing.
    for (const auto& [tid, task] : tasks_) {
      if (!outcome_.halted_at) scheduler_.run_until(task.clock);
    }
    if (options_.audit) audit();
  }

  void audit() {
    const auto stalled = std::count_if(tasks_.begin(), tasks_.end(),
                                       [this](const auto& entry) { return scheduler_.blocked(entry.second.fiber); });
    for (const std::string& fault : auditor_->audit(host_, stalled + background_.in_flight())) {
      if (outcome_.caveats.size() < 20)
        outcome_.caveats.push_back("internal: the audit after event " + std::to_string(outcome_.events) +
                                   " found that " + fault);
      audit_failed_ = true;
    }
  }

  Options options_;
  host::Host host_;
  Scheduler scheduler_;
  Disks disks_;
  Outcome outcome_;
  IncidentLog log_;
  mm::Kernel kernel_;
  EventHandler handler_;
  Background background_;
  std::unique_ptr<Auditor> auditor_;
  int app_node_;
  bool one_node_ = false;  // memory of a single node may be asked for
  std::unique_ptr<Timeline> timeline_;
  std::vector<FiberId> kswapds_, exits_;
  std::map<uint32_t, Task> tasks_;
  std::map<uint32_t, uint32_t> forks_;  // child not heard of yet -> tid of the task that forks it
  size_t tasks_started_ = 0;
  std::vector<trace::KillRequest> kills_;
  uint32_t last_sampled_stack_ = 0;
  AfterKill after_kill_{host_, handler_.files()};
  std::optional<int64_t> need_at_kill_;  // pages and page tables held when the first victim was chosen
  Margins margins_;
  bool finished_ = false, audit_failed_ = false;
};

Simulation::Simulation(host::HostSpec host, Options options)
    : impl_(std::make_unique<Impl>(std::move(host), options)) {}
Simulation::~Simulation() = default;
void Simulation::feed(const Event& event) { impl_->feed(event); }
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
