// Virtual time and fibers. See scheduler.h.
#include "model/sim/scheduler.h"

#include <algorithm>

#include "model/base/check.h"

namespace oomcast::sim {

Scheduler::Scheduler(IndexVector<host::NodeIndex, int> cpus_per_node)
    : cpus_per_node_(std::move(cpus_per_node)), busy_per_node_(cpus_per_node_.size(), 0) {}

Scheduler::~Scheduler() = default;

mm::Actor& Scheduler::current() { return current_ == kNoFiber ? irq_ : fibers_[current_]->actor; }

Nanoseconds& Scheduler::pending() { return current_ == kNoFiber ? irq_pending_ : fibers_[current_]->pending; }

// CPU time takes longer if more actors of the node run than the node has CPUs.
Nanoseconds Scheduler::shared(Nanoseconds cost, const mm::Actor& actor) const {
  int busy = busy_per_node_[actor.node] + 1;
  if (running_task_ != kNoFiber && running_task_ != current_) {
    const Fiber& task = *fibers_[running_task_];
    if (task.state == State::kParked && task.actor.node == actor.node && &task.actor != &actor) ++busy;
  }
  const int cpus = std::max(1, cpus_per_node_[actor.node]);
  return busy > cpus ? cost * busy / cpus : cost;
}

FiberId Scheduler::spawn(mm::Actor actor, std::function<void()> body) {
  FiberId id = static_cast<FiberId>(fibers_.size());
  if (free_fibers_.empty()) {
    fibers_.push_back(std::make_unique<Fiber>());
  } else {
    id = free_fibers_.back();
    free_fibers_.pop_back();
    // Wake-ups for the fiber that had this id before are older than the new token.
    const uint64_t token = fibers_[id]->token + 1;
    fibers_[id] = std::make_unique<Fiber>();
    fibers_[id]->token = token;
  }
  Fiber& fiber = *fibers_[id];
  fiber.actor = actor;
  fiber.code.emplace([this, id, body = std::move(body)] {
    body();
    fibers_[id]->state = State::kDone;
  });
  return id;
}

void Scheduler::switch_to(Fiber& fiber, FiberId id) {
  OOMCAST_CHECK(current_ == kNoFiber);
  current_ = id;
  fiber.state = State::kRunning;
  tell(fiber, {.running = true, .stalled = fiber.actor.memstall_depth > 0});
  fiber.code->resume();
  if (fiber.state == State::kDone) tell(fiber, {});
  current_ = kNoFiber;
}

void Scheduler::resume(FiberId id) {
  OOMCAST_CHECK(fibers_[id]->state == State::kParked);
  switch_to(*fibers_[id], id);
}

void Scheduler::discard(FiberId id) {
  Fiber& fiber = *fibers_[id];
  OOMCAST_CHECK(id != current_ && (fiber.state == State::kParked || fiber.state == State::kDone));
  fiber.code.reset();
  fiber.state = State::kDone;
  tell(fiber, {});
  if (running_task_ == id) running_task_ = kNoFiber;
  free_fibers_.push_back(id);
}

void Scheduler::resume_at(FiberId id, Nanoseconds time) {
  fibers_[id]->state = State::kBlocked;
  schedule(id, time);
}

void Scheduler::schedule(FiberId id, Nanoseconds time) {
  due_.push({std::max(time, now_), sequence_++, id, ++fibers_[id]->token, 0});
}

void Scheduler::at(Nanoseconds time, std::function<void()> callback) {
  size_t slot;
  if (!free_callbacks_.empty()) {
    slot = free_callbacks_.back();
    free_callbacks_.pop_back();
    callbacks_[slot] = std::move(callback);
  } else {
    slot = callbacks_.size();
    callbacks_.push_back(std::move(callback));
  }
  due_.push({std::max(time, now_), sequence_++, kNoFiber, 0, slot});
}

void Scheduler::run(const Due& due) {
  now_ = std::max(now_, due.time);
  ++steps_;
  if (due.fiber == kNoFiber) {
    const std::function<void()> callback = std::move(callbacks_[due.callback]);
    free_callbacks_.push_back(due.callback);
    callback();
    return;
  }
  Fiber& fiber = *fibers_[due.fiber];
  if (fiber.token != due.token || fiber.state != State::kBlocked) return;
  if (fiber.on_cpu) {
    fiber.on_cpu = false;
    --busy_per_node_[fiber.actor.node];
  }
  switch_to(fiber, due.fiber);
}

void Scheduler::run_until(Nanoseconds time) {
  while (step_until(time)) {
  }
  if (!halted_) now_ = std::max(now_, time);
}

bool Scheduler::step_until(Nanoseconds limit) {
  if (halted_ || due_.empty() || due_.top().time > limit) return false;
  const Due due = due_.top();
  due_.pop();
  horizon_ = limit;
  run(due);
  horizon_ = Nanoseconds(0);
  return true;
}

void Scheduler::block() {
  Fiber& fiber = *fibers_[current_];
  fiber.state = State::kBlocked;
  fiber.code->pause();
}

void Scheduler::give_up_cpu() {
  block();
  if (switched_to_) switched_to_(current());
}

void Scheduler::park() {
  Fiber& fiber = *fibers_[current_];
  fiber.state = State::kParked;
  fiber.code->pause();
}

void Scheduler::commit_pending() {
  Fiber& fiber = *fibers_[current_];
  if (fiber.pending.count() == 0) return;
  const Nanoseconds cost = shared(fiber.pending, fiber.actor);
  const bool takes_turns = cost > fiber.pending;
  correct_stall(fiber);
  fiber.busy += fiber.pending;
  fiber.pending = Nanoseconds(0);
  if (nothing_due_by(now_ + cost)) {
    go_on_at(now_ + cost);
    if (takes_turns && switched_to_) switched_to_(current());
    return;
  }
  fiber.on_cpu = true;
  ++busy_per_node_[fiber.actor.node];
  schedule(current_, now_ + cost);
  takes_turns ? give_up_cpu() : block();
}

bool Scheduler::nothing_due_by(Nanoseconds time) const {
  return !halted_ && time <= horizon_ && (due_.empty() || due_.top().time > time);
}

// What schedule(), block() and run() would do, without leaving the fiber.
void Scheduler::go_on_at(Nanoseconds time) {
  now_ = time;
  ++sequence_;
  ++steps_;
  ++fibers_[current_]->token;
}

Nanoseconds Scheduler::take_pending(FiberId id) {
  Fiber& fiber = *fibers_[id];
  const Nanoseconds cost = shared(fiber.pending, fiber.actor);
  correct_stall(fiber);
  fiber.busy += fiber.pending;
  fiber.pending = Nanoseconds(0);
  return cost;
}

void Scheduler::point() {
  if (current_ == kNoFiber) return;
  commit_pending();
}

bool Scheduler::alone_for(Nanoseconds cost) const {
  if (current_ == kNoFiber) return false;
  const Fiber& fiber = *fibers_[current_];
  return nothing_due_by(now_ + shared(fiber.pending + cost, fiber.actor));
}

void Scheduler::sleep(Nanoseconds duration) {
  commit_pending();
  Fiber& fiber = *fibers_[current_];
  schedule(current_, now_ + duration);
  const bool stalled = fiber.actor.memstall_depth > 0;
  tell(fiber, {.stalled = stalled, .waiting = fiber.actor.kind == mm::ActorKind::kTask});
  give_up_cpu();
}

Nanoseconds Scheduler::wait(mm::WaitQueue& queue, Nanoseconds timeout) {
  commit_pending();
  Fiber& fiber = *fibers_[current_];
  if (fiber.actor.dying && !fiber.actor.is_kswapd()) return Nanoseconds(0);
  const FiberId id = current_;
  const bool for_ever = timeout.count() < 0;
  fiber.wait_deadline = for_ever ? Nanoseconds(INT64_MAX) : now_ + timeout;
  const uint64_t token = ++fiber.token;
  queue.waiters.push_back({id, token});
  if (!for_ever) due_.push({fiber.wait_deadline, sequence_++, id, token, 0});
  const bool idles = fiber.actor.is_kswapd() || fiber.actor.kind == mm::ActorKind::kFlusher ||
                     fiber.actor.kind == mm::ActorKind::kWorker;
  tell(fiber, {.stalled = fiber.actor.memstall_depth > 0, .waiting = !idles});
  give_up_cpu();
  std::erase_if(queue.waiters, [id](const mm::WaitQueue::Waiter& waiter) { return waiter.fiber == id; });
  if (for_ever) return Nanoseconds(1);
  return std::max(Nanoseconds(0), fiber.wait_deadline - now_);
}

void Scheduler::wake_all(mm::WaitQueue& queue) {
  for (const mm::WaitQueue::Waiter& waiter : queue.waiters) {
    if (fibers_[waiter.fiber]->token == waiter.token) schedule(waiter.fiber, now_);
  }
  queue.waiters.clear();
}

void Scheduler::interrupt(FiberId id) {
  Fiber& fiber = *fibers_[id];
  fiber.actor.dying = true;
  if (fiber.state == State::kBlocked && !fiber.on_cpu) schedule(id, now_);
}

void Scheduler::halt() {
  halted_ = true;
  if (current_ != kNoFiber) block();
}

void Scheduler::tell(Fiber& fiber, TaskState state) {
  if (pressure_ == nullptr) return;
  const mm::Actor& actor = fiber.actor;
  if (state == fiber.told && actor.cpu == fiber.told_cpu) return;
  if (actor.cpu != fiber.told_cpu) {
    pressure_->change(actor.cgroup, fiber.told_cpu, now_, fiber.told, {});
    fiber.told = {};
    fiber.told_cpu = actor.cpu;
  }
  pressure_->change(actor.cgroup, actor.cpu, now_, fiber.told, state);
  fiber.told = state;
}

void Scheduler::rest(FiberId id) {
  Fiber& fiber = *fibers_[id];
  if (fiber.state == State::kParked) tell(fiber, {});
}

// Pressure is told of a stall when it begins and ends, but CPU time passes at the next point() only. So time used
// before the stall may pass within it (`before_stall`), and time used within it may pass after it (`stalled_pending`).
void Scheduler::correct_stall(Fiber& fiber) {
  const Nanoseconds by = fiber.told.stalled ? -fiber.before_stall : fiber.stalled_pending;
  fiber.before_stall = fiber.stalled_pending = Nanoseconds(0);
  if (pressure_ == nullptr || by.count() == 0) return;
  pressure_->correct(fiber.actor.cgroup, fiber.told_cpu,
                     by.count() > 0 ? shared(by, fiber.actor) : -shared(-by, fiber.actor));
}

void Scheduler::memstall_enter() {
  mm::Actor& actor = current();
  if (actor.memstall_depth++ > 0 || current_ == kNoFiber) return;
  Fiber& fiber = *fibers_[current_];
  fiber.before_stall = fiber.pending - fiber.stalled_pending;
  tell(fiber, {.running = true, .stalled = true});
}

void Scheduler::memstall_leave() {
  mm::Actor& actor = current();
  if (--actor.memstall_depth > 0 || current_ == kNoFiber) return;
  Fiber& fiber = *fibers_[current_];
  fiber.stalled_pending = fiber.pending - fiber.before_stall;
  fiber.before_stall = Nanoseconds(0);
  tell(fiber, {.running = true});
}

}  // namespace oomcast::sim
