// What the hooks may ask and report inside the guest, and what the library keeps per thread.
//
// Rules of this folder: no heap, no exceptions, no stdio, errno left alone, nothing held across a call out. Whatever
// goes wrong here ends tracking, never the guest.
#pragma once

#include <atomic>
#include <cstdint>

#include "preload/ring/protocol.h"
#include "preload/ring/shared_area.h"

namespace oomcast::inject {

struct ThreadState {
  int inside;        // > 0: our own code is running; hooks forward and do nothing else
  int in_allocator;  // > 0: the guest's allocator is running and may hold its locks: no unwinding
  int bootstrap;     // > 0: allocations are our own and come from our arena
  uint32_t tid;
  bool refused;                // the last request was about memory that the target would not have given
  int64_t sample_left;         // bytes until the next allocation whose stack is taken
  uint32_t sampled_pages[32];  // pages whose stack was taken lately, by their number; 0: none
  // What was last read or written through a file and not noted yet because the ring was busy; file_bytes 0: nothing.
  uint64_t file_id, file_offset, file_bytes;
  trace::EventKind file_kind;
  bool file_calls_last;  // the last one took longer than a copy out of the page cache
  uint64_t
      last_file_page;  // of the note before, mixed with its file and kind: small sequential calls are noted once a page
};
extern __thread ThreadState thread_state __attribute__((tls_model("initial-exec")));

/// True while a recorder listens. The hooks' only check on their fast path.
extern std::atomic<bool> agent_tracking;
/// The break up to which the recorder has registered the heap.
extern std::atomic<uintptr_t> agent_known_break;
/// The guest has made mutexes that outlive their owners (ending_hooks.cc).
extern std::atomic<bool> agent_robust_mutexes;
/// True when touches have been found by polling: huge pages were switched off then, and stay so.
extern std::atomic<bool> agent_without_huge_pages;
/// Whether the guest, or one that it descends from, has switched them off: the answer it gets when it asks.
extern std::atomic<bool> agent_guest_without_huge_pages;
/// True once this process has put itself under a seccomp filter: the library makes no system call of its own any more.
extern std::atomic<bool> agent_sealed;
/// Valid once agent_tracking has been true; stays mapped for ever.
extern ring::SharedArea* agent_shared;

/// Not 0: we are a child of this process, forked while touches are only polled, and have not said hello yet. Most such
/// children exec at once. Whoever asks tracking() makes it happen; what a child does before it execs does not ask.
extern std::atomic<uint32_t> agent_hello_due;
bool say_due_hello();
/// For a hook that children call before they exec: says hello once there have been many such calls.
void hello_may_wait(size_t bytes);

/// True in a copy of this process that no fork handler has seen (clone, _Fork, syscall(SYS_fork)): the shared area is
/// its parent's.
bool copied_unseen();

inline bool tracking_now() { return agent_tracking.load(std::memory_order_acquire); }
inline bool tracking() {
  return tracking_now() ||
         (__builtin_expect(agent_hello_due.load(std::memory_order_relaxed) != 0, 0) && say_due_hello());
}
/// Whether memory has to be registered before it is used. Only while tracking. What was mapped before this said no is
/// found by the scan that follows the change, since the recorder reads the mappings after it has changed the word.
inline bool asks_before_use(uint64_t bytes = 0) {
  return agent_shared->ask_before_use.load(std::memory_order_acquire) != 0 || bytes >= ring::kLargeRequestBytes;
}

/// From before a large request to the kernel until the recorder knows of it. A scan that finds the memory in between
/// leaves it to the hook: found by chance, it would be taken for many small requests that no kernel refuses. Each
/// thread that asks has a place of its own in the shared area. A copy of the process that no fork handler has seen
/// marks nothing: the area is its parent's.
class LargeRequest {
 public:
  explicit LargeRequest(uint64_t bytes) {
    if (__builtin_expect(bytes >= ring::kFoundPieceBytes, 0) && tracking_now() && !copied_unseen() &&
        asks_before_use(bytes))
      mark(bytes);
  }
  LargeRequest(const LargeRequest&) = delete;
  ~LargeRequest() {
    if (place_ != nullptr) place_->store(0);
  }

 private:
  void mark(uint64_t bytes) {
    for (std::atomic<uint64_t>& place : agent_shared->asking_bytes) {
      uint64_t free_place = 0;
      if (!place.compare_exchange_strong(free_place, bytes)) continue;
      place_ = &place;
      return;
    }
  }

  std::atomic<uint64_t>* place_ = nullptr;
};

/// 0 where a filter forbids to ask.
uint32_t current_tid();
/// Sends and waits for the answer. False: the recorder is gone (tracking then stops) or busy with another thread for
/// long.
bool agent_request(ring::RequestKind kind, uint64_t address, uint64_t bytes, uint64_t argument, uint64_t flags);
/// Puts a note into the ring. Where that is nearly full, the doorbell is rung; no thread waits for it.
void agent_push(const trace::Event& event, const uint64_t* frames = nullptr, uint32_t frame_count = 0);
/// A note that needs no answer.
void agent_note(trace::EventKind kind, uint64_t address, uint64_t bytes, uint64_t argument, uint8_t flags);
/// A note on what a thread of ours, or any other, has set for itself. Left out in a vfork child: it is not us.
void agent_note_setting(trace::EventKind kind, uint32_t tid, uint64_t address, uint64_t bytes, uint64_t argument,
                        uint8_t flags);
/// Writes the note that file_hooks.cc holds back for this thread.
void flush_file_note();
/// Before an exec takes all mappings away: what was touched of shared memory is scanned, if this process has any. No
/// hello for its sake.
void request_shared_scan();
/// False in a vfork child, which has our memory, but descriptors of its own, and under a filter, where no system call
/// is made.
bool in_own_process();
void agent_note_sensitive(ring::Sensitive what);
/// Waits until the recorder has scanned all that this process touched.
void say_exiting(int status);

/// Called by malloc's hooks after each allocation. False: the target would have refused it (--on-refuse enomem).
bool after_allocation_slow(uintptr_t address, size_t bytes);
/// Called when the break is not where it was known to be: growth is asked for, a fall is noted.
bool after_break_moved();

/// What libunwind takes for its pipe: no descriptor. To everybody else it is the bad descriptor that it is to the
/// kernel.
inline constexpr int kAddressProbe = -1000;
/// The call comes from libunwind or the loader, on our behalf.
inline bool in_libunwind() { return thread_state.bootstrap > 0; }
inline bool is_address_probe(int fd) { return __builtin_expect(fd == kAddressProbe, 0) && in_libunwind(); }
/// Whether there is memory to be read at the address. A system call.
bool is_readable(const void* address);
/// As write(kAddressProbe, address, 1): 1, or -1 and EFAULT where there is nothing to be read.
long probe_address(const void* address);

/// The stack of the allocation that used up `sample_left`, unless its memory has been `touched` before. Never called in
/// an allocator's lock.
void sample_stack(uintptr_t address, size_t bytes, const void* caller, bool touched);

/// The stack of a call of mmap() that gave this memory, if it is as large as what is sampled of the allocator's.
void sample_mapping(uintptr_t address, size_t bytes, const void* caller, bool shared);

/// Starts `oomcast record-attached` for a program that was not started by it. The connected socket, or -1.
int spawn_recorder();

}  // namespace oomcast::inject
