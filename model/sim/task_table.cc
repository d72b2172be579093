// The threads of the program. See task_table.h; order and time: model/README.md, "Time".
#include "model/sim/task_table.h"

#include <algorithm>

#include "model/base/check.h"
#include "model/sim/startup.h"

namespace oomcast::sim {

using trace::Event;
using trace::EventKind;

namespace {

constexpr Nanoseconds kComputesFor{100'000'000};  // a task without an event for longer counts as idle

}  // namespace

Nanoseconds TaskTable::scaled(uint64_t compute_ns, uint8_t service) const {
  const int64_t here = settings_[service].recorder_cpu_loop_20m_ns, there = host_.spec.calibration.cpu_loop_20m.count();
  const int64_t ns = static_cast<int64_t>(compute_ns);
  if (here <= 0 || there <= 0) return Nanoseconds(ns);
  return Nanoseconds(static_cast<int64_t>(static_cast<__int128>(ns) * there / here));
}

Nanoseconds TaskTable::start_of(const Task& task, const Event& event) const {
  const uint8_t service = host_.processes[task.process].service;
  return task.clock + scaled(event.compute_ns, service) + Nanoseconds(static_cast<int64_t>(event.wait_ns));
}

std::optional<Nanoseconds> TaskTable::due(const Event& event, Nanoseconds if_new) const {
  if (const auto fork = forks_.find(event.pid); fork != forks_.end()) {
    const auto parent = tasks_.find(fork->second);
    if (parent != tasks_.end() && scheduler_.blocked(parent->second.fiber)) return std::nullopt;
  }
  const auto it = tasks_.find(event.tid);
  if (it == tasks_.end()) return if_new;
  if (scheduler_.blocked(it->second.fiber)) return std::nullopt;
  return it->second.gone || it->second.pid != event.pid ? if_new : start_of(it->second, event);
}

Task& TaskTable::ready_for(const Event& event) {
  wait_for_fork(event.pid);
  Task& task = task_for(event);
  wait_for(task.fiber);
  return task;
}

void TaskTable::run(Task& task, const Event& event, Nanoseconds start) {
  if (event.kind == EventKind::kFork) forks_[static_cast<uint32_t>(event.address)] = event.tid;
  if (event.kind == EventKind::kThreadExit) task.gone = true;
  if (event.kind == EventKind::kExit) forget(event.pid, event.tid);
  task.event = event;
  task.last_active = scheduler_.now();
  task.clock = std::max(start, task.clock);
  if (event.wait_ns > 0) host_.processes[task.process].switched_to();
  scheduler_.set_running_task(task.fiber);
  scheduler_.resume(task.fiber);
  if (task.gone && !scheduler_.blocked(task.fiber)) drop(event.tid);
}

Task& TaskTable::task_for(const Event& event) {
  const auto it = tasks_.find(event.tid);
  if (it != tasks_.end() && !it->second.gone && it->second.pid == event.pid) return it->second;
  if (it != tasks_.end()) wait_for(it->second.fiber);
  const uint32_t parent = event.kind == EventKind::kProcessStart ? static_cast<uint32_t>(event.address) : 0;
  // The sampler may have removed the old task during the wait.
  if (tasks_.contains(event.tid) && !scheduler_.halted()) drop(event.tid);
  Task& task = tasks_[event.tid];
  task = Task{};
  task.pid = event.pid;
  task.tid = event.tid;
  task.process = process_of_(event.pid, parent);
  host::Process& process = host_.processes[task.process];
  // Events do not tell when a thread began. It arrives now, after the compute and wait time of its first event.
  task.clock = std::max(Nanoseconds(0), scheduler_.now() - scaled(event.compute_ns, process.service) -
                                            Nanoseconds(static_cast<int64_t>(event.wait_ns)));
  mm::Actor actor = make_actor(host_, mm::ActorKind::kTask, settings_[process.service].app_node, started_++);
  actor.pid = static_cast<int>(event.pid);
  actor.tid = static_cast<int>(event.tid);
  actor.process = task.process;
  process.switched_to();
  actor.service = process.service;
  actor.cgroup = process.cgroup;
  actor.policy = process.policy;
  if (!actor.policy.is_default()) process.thread_policies[actor.tid] = actor.policy;
  const uint32_t tid = event.tid;
  task.fiber = scheduler_.spawn(actor, [this, tid] { run_fiber(tid); });
  return task;
}

// The body of a task's fiber: handles one event after the other.
void TaskTable::run_fiber(uint32_t tid) {
  while (true) {
    Task& task = tasks_.at(tid);
    const FiberId fiber = task.fiber;
    scheduler_.actor(fiber).stack_id = task.event.stack_id;
    apply_(task);
    scheduler_.actor(fiber).stack_id = 0;
    Task& after = tasks_.at(tid);
    after.clock = std::max(after.clock, scheduler_.now()) + scheduler_.take_pending(fiber);
    if (after.gone) return;
    scheduler_.park();
  }
}

void TaskTable::wait_for(FiberId fiber) {
  while (!scheduler_.halted() && scheduler_.blocked(fiber)) OOMCAST_CHECK(scheduler_.step());
}

// A child that has an event exists, but in the model its parent may still be stalled inside fork().
void TaskTable::wait_for_fork(uint32_t pid) {
  if (forks_.empty()) return;
  const auto fork = forks_.find(pid);
  if (fork == forks_.end()) return;
  if (const auto parent = tasks_.find(fork->second); parent != tasks_.end()) wait_for(parent->second.fiber);
  forks_.erase(fork);
}

// The process ends with an event of thread `last`. Its other threads end, too; those that the model stalls are removed
// when their stall is over.
void TaskTable::forget(uint32_t pid, uint32_t last) {
  std::vector<uint32_t> idle;
  for (auto& [tid, task] : tasks_) {
    if (task.pid != pid) continue;
    task.gone = true;
    if (tid != last && !scheduler_.blocked(task.fiber)) idle.push_back(tid);
  }
  for (const uint32_t tid : idle) drop(tid);
}

void TaskTable::drop(uint32_t tid) {
  const auto task = tasks_.find(tid);
  scheduler_.discard(task->second.fiber);
  tasks_.erase(task);
}

void TaskTable::interrupt(host::ProcessIndex victim) {
  for (auto& [tid, task] : tasks_) {
    if (task.process == victim) scheduler_.interrupt(task.fiber);
  }
}

void TaskTable::pass_until(const Task& task, const Event& event, Nanoseconds start) {
  if (event.wait_ns > 0) {
    scheduler_.run_until(start - Nanoseconds(static_cast<int64_t>(event.wait_ns)));
    scheduler_.rest(task.fiber);
  }
  scheduler_.run_until(start);
}

void TaskTable::sweep() {
  std::erase_if(tasks_, [this](const auto& entry) {
    const bool over = entry.second.gone && scheduler_.done(entry.second.fiber);
    if (over) scheduler_.discard(entry.second.fiber);
    return over;
  });
  for (const auto& [tid, task] : tasks_) {
    if (scheduler_.now() - task.last_active >= kComputesFor) scheduler_.rest(task.fiber);
  }
}

int64_t TaskTable::blocked() const {
  return std::count_if(tasks_.begin(), tasks_.end(),
                       [this](const auto& entry) { return scheduler_.blocked(entry.second.fiber); });
}

void TaskTable::run_out() {
  // The sampler runs meanwhile, and may remove tasks.
  Nanoseconds last;
  for (const auto& [tid, task] : tasks_) last = std::max(last, task.clock);
  scheduler_.run_until(last);
}

}  // namespace oomcast::sim
