// Sends questions to the recorder and writes notes for it. A question waits for its answer; a note lies in the ring. If
// nobody answers any more, tracking ends and the guest goes on.
#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <time.h>

#include "preload/inject/agent.h"
#include "preload/inject/connection.h"
#include "preload/inject/counted.h"
#include "preload/inject/raw_syscall.h"
#include "preload/inject/stash_helper.h"

namespace oomcast::inject {

std::atomic<uint32_t> threads_counted{0};

namespace {

std::atomic<uint32_t> request_lock{0};  // tid of the thread that asks; 0: none

/// One thread asks at a time. A vfork child that is killed while it asks never releases the lock: a thread that has
/// waited for 100 ms takes the lock from a holder that does not exist any more.
void lock_requests() {
  const uint32_t tid = static_cast<uint32_t>(raw_syscall(SYS_gettid));
  for (;;) {
    uint32_t holder = 0;
    if (request_lock.compare_exchange_strong(holder, tid, std::memory_order_acquire)) return;
    const timespec patience{0, 100'000'000};
    const long waited = raw_syscall(SYS_futex, arg(&request_lock), FUTEX_WAIT_PRIVATE, holder, arg(&patience));
    if (waited == -ETIMEDOUT && raw_syscall(SYS_kill, holder, 0) == -ESRCH &&
        request_lock.compare_exchange_strong(holder, tid, std::memory_order_acquire))
      return;
  }
}

void unlock_requests() {
  request_lock.store(0, std::memory_order_release);
  raw_syscall(SYS_futex, arg(&request_lock), FUTEX_WAKE_PRIVATE, 1);
}

long shared_futex(std::atomic<uint32_t>* word, int operation, uint32_t value, const timespec* timeout) {
  return own_syscall(SYS_futex, arg(word), operation, value, arg(timeout));
}

/// Takes the present break as the known one. `before`: what was known. False: it is not new, or none was known.
bool take_break(uintptr_t* before, uintptr_t* now) {
  *before = agent_known_break.load(std::memory_order_relaxed);
  do {
    *now = current_break();
    if (*now == *before) return false;
  } while (!agent_known_break.compare_exchange_weak(*before, *now, std::memory_order_relaxed));
  return *before != 0;
}

void note_of(uint32_t tid, trace::EventKind kind, uint64_t address, uint64_t bytes, uint64_t argument, uint8_t flags) {
  if (!tracking() || thread_state.inside > 0) return;
  if (thread_state.file_bytes != 0) flush_file_note();
  trace::Event event;
  event.kind = kind;
  event.tid = tid;
  event.address = address;
  event.bytes = bytes;
  event.argument = argument;
  event.flags = flags;
  agent_push(event);
}

}  // namespace

void forget_requests_of_parent() {
  request_lock.store(0, std::memory_order_relaxed);
  threads_counted.store(0, std::memory_order_relaxed);
}

void await_counted_threads() {
  constexpr int kPatienceMs = 1000;  // a vfork child that was killed while counted stays counted for ever
  const timespec moment{0, 1'000'000};
  for (int i = 0; i < kPatienceMs && threads_counted.load(std::memory_order_seq_cst) != 0; ++i)
    raw_syscall(SYS_nanosleep, arg(&moment), 0);
}

bool agent_request(ring::RequestKind kind, uint64_t address, uint64_t bytes, uint64_t argument, uint64_t flags) {
  if (!tracking() || thread_state.inside > 0) return false;
  if (copied_unseen()) {
    ++thread_state.inside;
    after_fork_in_child();
    if (!tracking()) return false;
  }
  const Counted counted;
  if (!counted.tracking()) return false;
  if (thread_state.file_bytes != 0) flush_file_note();
  ring::Request request;
  request.kind = kind;
  request.pid = own_pid;
  request.tid = current_tid();
  request.address = address;
  request.bytes = bytes;
  request.argument = argument;
  request.flags = flags;
  ring::ReplyStatus status = ring::ReplyStatus::kStayOut;
  bool answered = false;
  ++thread_state.inside;
  {
    SignalsHeld held;
    lock_requests();
    answered = tracking_now() && ring::ask(agent_shared->mailbox, *agent_doorbell, request, &status, shared_futex);
    if (!answered || status == ring::ReplyStatus::kStayOut) agent_tracking.store(false, std::memory_order_release);
    if (answered && kind != ring::RequestKind::kExiting) make_wanted_stash_helper();
    unlock_requests();
  }
  thread_state.refused = answered && status == ring::ReplyStatus::kRefused;
  --thread_state.inside;
  return answered;
}

void agent_push(const trace::Event& event, const uint64_t* frames, uint32_t frame_count) {
  agent_shared->ring.try_push(event, frames, frame_count);
  if (__builtin_expect(agent_shared->ring.roomy(), 1) || agent_shared->ring_fills.load(std::memory_order_relaxed) != 0)
    return;
  // While inside, the caller is counted already, or is a child that reports its birth.
  const Counted counted;
  if (counted.tracking() || thread_state.inside > 0) have_ring_read();
}

void have_ring_read() {
  if (agent_shared->ring_fills.exchange(1, std::memory_order_relaxed) != 0) return;
  agent_doorbell->rings.fetch_add(1, std::memory_order_release);
  shared_futex(&agent_doorbell->rings, FUTEX_WAKE, 1, nullptr);
}

void agent_note(trace::EventKind kind, uint64_t address, uint64_t bytes, uint64_t argument, uint8_t flags) {
  if (tracking()) note_of(current_tid(), kind, address, bytes, argument, flags);
}

void agent_note_setting(trace::EventKind kind, uint32_t tid, uint64_t address, uint64_t bytes, uint64_t argument,
                        uint8_t flags) {
  if (tracking() && in_own_process()) note_of(tid, kind, address, bytes, argument, flags);
}

void agent_note_sensitive(ring::Sensitive what) {
  if (tracking() && thread_state.inside == 0)
    agent_shared->sensitive.fetch_or(uint64_t{1} << static_cast<uint32_t>(what), std::memory_order_relaxed);
}

bool after_allocation_slow(uintptr_t address, size_t bytes) {
  return !(agent_request(ring::RequestKind::kUnknownPage, address, bytes, 0, 0) && thread_state.refused);
}

bool after_break_moved() {
  uintptr_t before, now;
  if (!take_break(&before, &now)) return true;
  if (now < before) {
    // No question: glibc gives its heap back page by page.
    if (tracking()) agent_shared->break_fell.store(now, std::memory_order_release);
    return true;
  }
  // The break is read before this word: if the word says no, the scan after its change finds the growth.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (!tracking() || !asks_before_use(now - before)) return true;
  const bool answered = agent_request(ring::RequestKind::kBreakMoved, before, now - before, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS);
  return !(answered && thread_state.refused);
}

}  // namespace oomcast::inject
