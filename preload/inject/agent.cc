// What the library does in the guest when it is loaded, at a fork, and at the exit.
#include "preload/inject/agent.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "preload/inject/connection.h"
#include "preload/inject/counted.h"
#include "preload/inject/exec_environment.h"
#include "preload/inject/own_stack.h"
#include "preload/inject/raw_syscall.h"
#include "preload/inject/real_libc.h"

extern "C" {
extern int on_exit(void (*)(int, void*), void*);
}

namespace oomcast::inject {

__thread ThreadState thread_state;
std::atomic<bool> agent_tracking{false};
std::atomic<uint32_t> agent_hello_due{0};
std::atomic<uintptr_t> agent_known_break{0};
std::atomic<bool> agent_without_huge_pages{false};
std::atomic<bool> agent_guest_without_huge_pages{false};
std::atomic<bool> agent_sealed{false};

namespace {

/// 1 in this process. MADV_WIPEONFORK makes it 0 in a copy that no fork handler has seen (clone, _Fork,
/// syscall(SYS_fork)).
volatile char* copy_mark = nullptr;

void make_copy_mark() {
  const long page = own_syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (failed(page)) return;
  if (raw_syscall(SYS_madvise, page, 4096, MADV_WIPEONFORK) != 0) {
    raw_syscall(SYS_munmap, page, 4096);
    return;
  }
  copy_mark = reinterpret_cast<volatile char*>(page);
  *copy_mark = 1;
}

constexpr int kCallsBeforeHello = 64;
constexpr size_t kBytesBeforeHello = 64 << 10;
int calls_before_hello = 0;

void before_fork() {
  // The recorder has to know a child's parent. Pages in the stash (MADV_DONTFORK) would be missing in the child.
  if (tracking() && agent_shared->stash.holds.load(std::memory_order_relaxed) != 0 && in_own_process())
    agent_request(ring::RequestKind::kForking, 0, 0, 0, 0);
  ++thread_state.inside;
}
void after_fork_in_parent() { --thread_state.inside; }

void at_exit(int status, void*) { say_exiting(status); }

__attribute__((constructor(101))) void start() {
  resolve_real_libc();
  // A setuid program must not be influenced by its caller. Sanitizers own the address space.
  if (getauxval(AT_SECURE) != 0 || dlsym(RTLD_DEFAULT, "__asan_init") != nullptr ||
      dlsym(RTLD_DEFAULT, "__tsan_init") != nullptr)
    return;
  const int saved_errno = errno;
  ++thread_state.inside;
  find_own_name();
  own_pid = static_cast<uint32_t>(raw_syscall(SYS_getpid));
  int socket = -1;
  if (getenv("OOMCAST_SOCKET") == nullptr) socket = spawn_recorder();  // sets the variable
  const char* const address = getenv("OOMCAST_SOCKET");
  bool answered = false;
  if (address != nullptr && set_recorder_address(address)) {
    SignalsHeld held;
    answered = say_hello(ring::RequestKind::kHello, static_cast<uint64_t>(raw_syscall(SYS_getppid)), socket);
  }
  if (answered) {
    make_copy_mark();
    thread_state.sample_left = agent_sample_bytes();  // many programs end before their first sample
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    on_exit(at_exit, nullptr);
  }
  --thread_state.inside;
  errno = saved_errno;
}

/// For a child that exits before its hello was said: whether it has taken so many faults that the hello is worthwhile.
bool touched_much() {
  constexpr long kFaults = 256;
  rusage used{};
  const Counted counted;
  return !counted.sealed() && agent_hello_due.load(std::memory_order_relaxed) != 0 &&
         raw_syscall(SYS_getrusage, RUSAGE_SELF, arg(&used)) == 0 && used.ru_minflt >= kFaults;
}

}  // namespace

/// Writes a note into the parent's ring, which is mapped here until this child says its own hello.
static void report_birth(uint8_t flags) {
  trace::Event event;
  event.kind = trace::EventKind::kFork;
  event.address = own_pid;
  event.flags = flags;
  agent_push(event);
}

/// Replaces the parent's shared area by one of this process. If the child has no descriptor for a hello, it says so in
/// the parent's ring.
static bool say_hello_of_child(uint32_t parent) {
  bool answered;
  {
    SignalsHeld held;
    answered = say_hello(ring::RequestKind::kHelloForked, parent);
  }
  if (answered || agent_shared == nullptr) return answered;
  if (lacks_descriptors) {
    report_birth(ring::kSaysNoHello);
    have_ring_read();
  }
  leave_area();
  return false;
}

bool copied_unseen() { return copy_mark != nullptr && *copy_mark == 0; }

void after_fork_in_child() {
  if (agent_sealed.load(std::memory_order_relaxed)) {  // the child is under the filter too
    forget_requests_of_parent();
    --thread_state.inside;
    return;
  }
  // Only this thread exists here. Mailbox and ring belong to the parent: leave them and start anew.
  const bool was_tracking = tracking_now();
  const bool may_wait = was_tracking && !asks_before_use();
  const uint32_t parent = own_pid;
  agent_tracking.store(false, std::memory_order_relaxed);
  forget_requests_of_parent();
  own_pid = static_cast<uint32_t>(raw_syscall(SYS_getpid));
  if (free_stacks_of_other_threads()) stop_unwinding();
  thread_state.tid = 0;
  thread_state.file_bytes = 0;  // the parent will note it
  agent_hello_due.store(may_wait ? parent : 0, std::memory_order_relaxed);
  calls_before_hello = kCallsBeforeHello;
  if (may_wait)
    report_birth(0);
  else if (was_tracking)
    say_hello_of_child(parent);
  if (copy_mark != nullptr) *copy_mark = 1;
  --thread_state.inside;  // more is left where the fork interrupted the library's own code
}

void say_exiting(int status) {
  if (!tracking_now() && agent_hello_due.load(std::memory_order_relaxed) == 0) return;
  if (!in_own_process()) return;  // a vfork child's end is not its parent's
  if (tracking_now() || touched_much())
    agent_request(ring::RequestKind::kExiting, 0, 0, static_cast<uint64_t>(static_cast<int64_t>(status)), 0);
}

bool say_due_hello() {
  // A vfork child shares this memory, but the hello is not due from it.
  if (thread_state.inside > 0 || !in_own_process()) return false;
  const Counted counted;
  if (counted.sealed()) return false;
  const uint32_t parent = agent_hello_due.exchange(0);
  if (parent == 0) return false;
  const int saved_errno = errno;
  ++thread_state.inside;
  const bool answered = say_hello_of_child(parent);
  --thread_state.inside;
  errno = saved_errno;
  return answered;
}

void hello_may_wait(size_t bytes) {
  if (agent_hello_due.load(std::memory_order_relaxed) != 0 && (--calls_before_hello < 0 || bytes >= kBytesBeforeHello))
    say_due_hello();
}

uint32_t current_tid() {
  if (__builtin_expect(thread_state.tid == 0, 0)) {
    const Counted counted;
    if (!counted.sealed()) thread_state.tid = static_cast<uint32_t>(raw_syscall(SYS_gettid));
  }
  return thread_state.tid;
}

bool in_own_process() {
  const Counted counted;
  return !counted.sealed() && static_cast<uint32_t>(raw_syscall(SYS_getpid)) == own_pid;
}

}  // namespace oomcast::inject
