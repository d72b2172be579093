// Samples the stack of the code that asks for memory, as raw program counters, each time a number of bytes was
// allocated.
//
// libunwind runs after the allocator has returned, never inside its locks, and on a stack of the library, as a
// coroutine's has no room. Where another allocator stands in front of the hooks, only the caller of mmap() is noted.
// The recorder finds the names. libunwind is opened with RTLD_LOCAL and not linked: it exports _Unwind_RaiseException
// and others, and as a dependency of a preloaded library it would take over the C++ exceptions of the guest's plugins.
// (Debian's static form is not position-independent.) Opening it takes 0.25 ms, longer than many programs run: that is
// done when the first stack is due, or before the first thread is created.
#include <dlfcn.h>
#include <errno.h>
#include <libunwind.h>
#include <link.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/uio.h>

#include <iterator>

#include "preload/inject/agent.h"
#include "preload/inject/connection.h"
#include "preload/inject/counted.h"
#include "preload/inject/own_stack.h"
#include "preload/inject/python_frames.h"
#include "preload/inject/raw_syscall.h"
#include "preload/inject/real_libc.h"

extern "C" {
extern char __libc_single_threaded __attribute__((weak));
extern void* __libc_stack_end __attribute__((weak));
}

namespace oomcast::inject {
namespace {

using Backtrace = decltype(&::unw_backtrace);
Backtrace unwind = nullptr;
bool libunwind_tried = false;
bool callers_only = false;  // a thread of the parent was inside libunwind at the fork, with a lock perhaps

/// Whether one of this thread's last samples is for the pages of this block. A block that is freed and allocated again
/// is not fresh memory, even if no scan has found its pages yet. A collision may forget a sample, but never invents
/// one.
bool sampled_lately(ThreadState& thread, uintptr_t address, size_t bytes) {
  const auto page = static_cast<uint32_t>(address >> 12) ^ static_cast<uint32_t>(bytes >> 16 << 20);
  uint32_t& last = thread.sampled_pages[(page ^ page >> 7) % std::size(thread.sampled_pages)];
  if (last == page) return true;
  last = page;
  return false;
}

/// Puts the event at `data` into the ring with the present stack; an empty one without libunwind. The recorder drops
/// the library's own frames.
void write_stack(void* data) {
  uint64_t frames[ring::kFramesMax];
  const int found = unwind != nullptr ? unwind(reinterpret_cast<void**>(frames), ring::kFramesMax) : 0;
  const uint32_t count = weave_python_frames(frames, static_cast<uint32_t>(found > 0 ? found : 0));
  agent_push(*static_cast<const trace::Event*>(data), frames, count);
}

void serve_from_bootstrap(bool on) { thread_state.bootstrap += on ? 1 : -1; }

/// Whether dlopen() is safe here. Not with other threads: one that holds the loader's lock may wait for this one. Not
/// inside the loader itself, and not on a coroutine's stack, which may be too small.
bool loader_can_be_called(const void* caller) {
  constexpr uintptr_t kLoaderBytes = 1 << 20, kLeastStackBytes = 64 << 10, kStackBytes = 8 << 20;
  if (&__libc_single_threaded == nullptr || !__libc_single_threaded || _r_debug.r_state != r_debug::RT_CONSISTENT)
    return false;
  if (reinterpret_cast<uintptr_t>(caller) - getauxval(AT_BASE) < kLoaderBytes) return false;
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  return &__libc_stack_end != nullptr &&
         reinterpret_cast<uintptr_t>(__libc_stack_end) - here < kStackBytes - kLeastStackBytes;
}

}  // namespace

/// libunwind keeps a pipe, and writes to it from an address to find out whether the address can be read. A guest that
/// lists its descriptors would find the pipe. So libunwind gets numbers that are no descriptors, and hooks answer its
/// calls with them. Signals are blocked meanwhile: a pipe2() of a handler is a real one.
extern "C" __attribute__((visibility("default"))) int pipe2(int* ends, int flags) {
  if (__builtin_expect(in_libunwind(), 0)) {
    ends[0] = ends[1] = kAddressProbe;
    return 0;
  }
  return static_cast<int>(with_errno(raw_syscall(SYS_pipe2, arg(ends), flags)));
}

/// rt_sigprocmask() with an invalid `how`: the kernel first reads the signal set (EFAULT), then refuses (EINVAL).
bool is_readable(const void* address) {
  constexpr long kNoSuchAction = -1;
  const uint64_t set = reinterpret_cast<uint64_t>(address) & ~uint64_t{7};
  return set != 0 && raw_syscall(SYS_rt_sigprocmask, kNoSuchAction, static_cast<long>(set), 0, 8) == -EINVAL;
}

long probe_address(const void* address) { return is_readable(address) ? 1 : with_errno(-EFAULT); }

static void open_libunwind() {
  libunwind_tried = true;
  const int saved_errno = errno;
  const SignalsHeld held;
  ++thread_state.inside;
  // dlopen() allocates from the library's arena: the guest's heap is the same with and without the library.
  serve_from_bootstrap(true);
  run_on_own_stack(
      [](void*) {
        void* library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
        if (library != nullptr) unwind = reinterpret_cast<Backtrace>(dlsym(library, "unw_backtrace"));
        if (unwind == nullptr) dlerror();  // the guest's dlerror() must not return this error
        find_python();
      },
      nullptr);
  serve_from_bootstrap(false);
  --thread_state.inside;
  errno = saved_errno;
}

namespace {
bool may_unwind(const ThreadState& thread);
void push_sample(uintptr_t address, size_t bytes, uint8_t flags, const void* caller);
bool have_libunwind(const void* caller);

/// The new thread's pthread_t, which in glibc points to the top of its stack. 0: not to be had. Read by the kernel: the
/// new thread may have unmapped the place already, and libc does not look at it any more.
uintptr_t word_at(const pthread_t* thread) {
  const Counted counted;
  if (!counted.tracking()) return 0;
  uintptr_t word = 0;
  const iovec here{&word, sizeof word}, there{const_cast<pthread_t*>(thread), sizeof word};
  const long got = raw_syscall(SYS_process_vm_readv, static_cast<long>(own_pid), arg(&here), 1, arg(&there), 1, 0);
  return got == static_cast<long>(sizeof word) ? word : 0;
}

}  // namespace

/// Opens libunwind before the first thread is created: later another thread may hold the loader's lock.
extern "C" __attribute__((visibility("default"))) int pthread_create(pthread_t* thread,
                                                                     const pthread_attr_t* attributes,
                                                                     void* (*start)(void*), void* argument) {
  void* const caller = __builtin_return_address(0);
  if (tracking() && agent_sample_bytes() > 0 && thread_state.inside == 0) have_libunwind(caller);
  auto* const real = have_real_libc() && real_libc_table.pthread_create != nullptr
                         ? real_libc_table.pthread_create
                         : reinterpret_cast<decltype(real_libc_table.pthread_create)>(
                               dlsym(RTLD_NEXT, "pthread_create"));  // in a libpthread that was loaded later
  const int result = real != nullptr ? real(thread, attributes, start, argument) : EAGAIN;
  if (result == 0 && agent_sample_bytes() > 0 && may_unwind(thread_state))
    if (const uintptr_t stack = word_at(thread); stack != 0) push_sample(stack, 0, trace::kThreadStack, caller);
  return result;
}

namespace {

/// False where unwinding could wait for another thread that waits for this one, or without a recorder.
bool may_unwind(const ThreadState& thread) {
  return thread.inside == 0 && thread.in_allocator == 0 && tracking_now() && !copied_unseen();
}

/// Opens libunwind once, at the first safe moment. Never where others allocate: the loader and libunwind's thread-local
/// data would allocate from them, and they may hold a lock at this moment.
bool have_libunwind(const void* caller) {
  if (!libunwind_tried && !others_allocate && loader_can_be_called(caller)) open_libunwind();
  return unwind != nullptr;
}

/// Whether samples have the caller only, not the stack.
bool samples_callers() { return others_allocate || callers_only; }

/// Whether a sample can be taken: with its stack, or with the caller only.
bool can_sample(const void* caller) { return samples_callers() || have_libunwind(caller); }

trace::Event allocation(uintptr_t address, size_t bytes, uint8_t flags) {
  trace::Event event;
  event.kind = trace::EventKind::kAlloc;
  event.tid = current_tid();
  event.address = address;
  event.bytes = bytes;
  event.flags = flags;
  return event;
}

/// Notes who asked for [address, +bytes): the stack, or only `caller`.
void push_sample(uintptr_t address, size_t bytes, uint8_t flags, const void* caller) {
  ThreadState& thread = thread_state;
  const Counted counted;
  if (!counted.tracking()) return;
  const int saved_errno = errno;  // libunwind's probes of addresses set errno
  const SignalsHeld held;
  ++thread.inside;
  trace::Event event = allocation(address, bytes, flags);
  if (samples_callers()) {
    const auto frame = reinterpret_cast<uint64_t>(caller);
    agent_push(event, &frame, 1);
    --thread.inside;
    return;
  }
  ++thread.bootstrap;  // libunwind allocates a thread-local cache at a thread's first use
  errno = 0;           // libunwind retries a read while errno is EINTR
  if (!run_on_own_stack(write_stack, &event))
    thread.sample_left = 0;  // all stacks are in use: sample the next allocation
  --thread.bootstrap;
  --thread.inside;
  errno = saved_errno;
}

}  // namespace

void stop_unwinding() { callers_only = true; }

void sample_stack(uintptr_t address, size_t bytes, const void* caller, bool touched) {
  ThreadState& thread = thread_state;
  const int64_t period = agent_sample_bytes();
  if (period <= 0) {
    thread.sample_left = INT64_MAX / 2;
    return;
  }
  thread.sample_left = period;
  if (touched || !may_unwind(thread)) return;
  if (!can_sample(caller) || sampled_lately(thread, address, bytes)) return;
  push_sample(address, bytes, 0, caller);
}

void sample_mapping(uintptr_t address, size_t bytes, const void* caller, bool shared) {
  ThreadState& thread = thread_state;
  const int64_t period = agent_sample_bytes();
  if (period <= 0 || bytes < static_cast<size_t>(period) || !may_unwind(thread)) return;
  if (!can_sample(caller) || sampled_lately(thread, address, bytes)) return;
  push_sample(address, bytes, shared ? trace::kMapping | trace::kSharedMapping : trace::kMapping, caller);
}

}  // namespace oomcast::inject
