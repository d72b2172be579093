// Which code asked for this memory? Every so many allocated bytes the stack is walked, as raw program counters.
//
// libunwind walks, into storage on the stack, after the allocator has returned: never inside its locks. Symbols are the
// recorder's business. libunwind is opened with RTLD_LOCAL instead of being linked: it exports _Unwind_RaiseException and
// its kin, and as a dependency of a preloaded library it would take over the C++ exceptions of the guest's plugins. (Its
// static form in Debian is not position-independent.)
#include <dlfcn.h>
#include <fcntl.h>

#include <iterator>

#include "preload/inject/agent.h"
#include "preload/inject/raw_syscall.h"
#include "preload/inject/real_libc.h"

namespace oomcast::inject {
namespace {

using Backtrace = int (*)(void**, int);
Backtrace unwind = nullptr;

/// Whether this thread's last samples already have one for the pages of this block. A block that is freed and taken again
/// is not fresh memory, though nobody may have seen yet that its pages are in use. A collision forgets, never lies.
bool sampled_lately(ThreadState& thread, uintptr_t address, size_t bytes) {
  const auto page = static_cast<uint32_t>(address >> 12) ^ static_cast<uint32_t>(bytes >> 16 << 20);
  uint32_t& last = thread.sampled_pages[(page ^ page >> 7) % std::size(thread.sampled_pages)];
  if (last == page) return true;
  last = page;
  return false;
}

void serve_from_bootstrap(bool on) { thread_state.bootstrap += on ? 1 : -1; }

}  // namespace

/// libunwind keeps a pipe to try addresses with. Whoever starts without standard input would find it in its place: ours go
/// high up, the guest's own are left alone.
extern "C" __attribute__((visibility("default"))) int pipe2(int* ends, int flags) {
  const long result = raw_syscall(SYS_pipe2, arg(ends), flags);
  for (int i = 0; i < 2 && result == 0 && thread_state.bootstrap > 0; ++i) {
    long high = -1;
    for (int lowest = 900; lowest > 16 && high < 0; lowest /= 2) high = raw_syscall(SYS_fcntl, ends[i], F_DUPFD_CLOEXEC, lowest);
    if (high < 0) continue;
    raw_syscall(SYS_close, ends[i]);
    ends[i] = static_cast<int>(high);
  }
  return static_cast<int>(with_errno(result));
}

int64_t agent_sample_bytes();

void open_libunwind() {
  if (unwind != nullptr) return;
  // What dlopen allocates comes from our own arena: the guest's heap looks the same with and without us.
  serve_from_bootstrap(true);
  void* library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) unwind = reinterpret_cast<Backtrace>(dlsym(library, "unw_backtrace"));
  if (unwind == nullptr) dlerror();  // the guest must not find our error in its own dlerror()
  serve_from_bootstrap(false);
}

void sample_stack_if_due(uintptr_t address, size_t bytes) {
  ThreadState& thread = thread_state;
  thread.sample_left -= static_cast<int64_t>(bytes > (size_t{1} << 40) ? size_t{1} << 40 : bytes);
  if (__builtin_expect(thread.sample_left > 0, 1)) return;
  const int64_t period = agent_sample_bytes();
  if (period <= 0) {
    thread.sample_left = INT64_MAX / 2;
    return;
  }
  thread.sample_left = period;
  if (unwind == nullptr || thread.inside > 0 || thread.in_allocator > 0 || !tracking()) return;
  if (sampled_lately(thread, address, bytes)) return;
  ++thread.inside;
  ++thread.bootstrap;  // libunwind's thread-local cache is allocated on a thread's first use
  void* frames[ring::kFramesMax];
  const int count = unwind(frames, ring::kFramesMax);
  constexpr int kOwnFrames = 2;  // this function and the hook
  if (count > kOwnFrames) {
    trace::Event event;
    event.kind = trace::EventKind::kAlloc;
    event.tid = current_tid();
    event.address = address;
    event.bytes = bytes;
    agent_shared->ring.try_push(event, reinterpret_cast<const uint64_t*>(frames + kOwnFrames), static_cast<uint32_t>(count - kOwnFrames));
  }
  --thread.bootstrap;
  --thread.inside;
}

}  // namespace oomcast::inject
