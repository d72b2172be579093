// What the hooks may ask and report inside the guest, and the library's state for each thread.
//
// Rules of this folder: no heap, no exceptions, no stdio, errno unchanged, no lock held across a call to other code.
// Any error ends tracking, never the guest.
#pragma once

#include <atomic>
#include <cstdint>

#include "preload/ring/protocol.h"
#include "preload/ring/shared_area.h"

namespace oomcast::inject {

struct ThreadState {
  int inside;        // > 0: the library's own code is running; hooks only forward
  int in_allocator;  // > 0: the guest's allocator is running and may hold its locks; no unwinding
  int bootstrap;     // > 0: allocations are the library's own and come from its arena
  uint32_t tid;
  bool refused;                // the last request was for memory that the target would refuse
  int64_t sample_left;         // bytes until the next allocation whose stack is sampled
  uint32_t sampled_pages[32];  // page numbers, hashed with the size, of the last samples; 0: none
  // The last read or write that is not noted yet, because the ring was nearly full; file_bytes 0: none.
  uint64_t file_id, file_offset, file_bytes;
  trace::EventKind file_kind;
  bool file_calls_last;     // the last call took longer than a copy from the page cache
  uint64_t last_file_page;  // of the last note, mixed with file and kind: small sequential calls are noted once for
                            // each page
};
extern __thread ThreadState thread_state __attribute__((tls_model("initial-exec")));

/// True while a recorder answers. The only check on the hooks' fast path.
extern std::atomic<bool> agent_tracking;
/// The break up to which the recorder knows the heap.
extern std::atomic<uintptr_t> agent_known_break;
/// The guest has made robust mutexes (ending_hooks.cc).
extern std::atomic<bool> agent_robust_mutexes;
/// Touches are or were polled: the library has switched huge pages off, and they stay off.
extern std::atomic<bool> agent_without_huge_pages;
/// Whether the guest or an ancestor has switched huge pages off: the answer to its PR_GET_THP_DISABLE.
extern std::atomic<bool> agent_guest_without_huge_pages;
/// True once this process is under a seccomp filter of its own: the library makes no system calls any more.
extern std::atomic<bool> agent_sealed;
/// Valid while agent_tracking is true, and after it until a fork. The area of a forked child replaces its parent's.
extern ring::SharedArea* agent_shared;

/// Not 0: this process is a child of that pid, was forked in the polling phase, and has not said hello yet, since most
/// such children exec at once. tracking() says the due hello; what a child calls before an exec avoids tracking().
extern std::atomic<uint32_t> agent_hello_due;
/// Says the due hello. True: tracking is on.
bool say_due_hello();
/// For a hook that children call before an exec: says the due hello after many such calls, or for many bytes.
void hello_may_wait(size_t bytes);

/// True in a copy of this process that no fork handler has seen (clone, _Fork, syscall(SYS_fork)): the shared area is
/// the parent's.
bool copied_unseen();

inline bool tracking_now() { return agent_tracking.load(std::memory_order_acquire); }
inline bool tracking() {
  return tracking_now() ||
         (__builtin_expect(agent_hello_due.load(std::memory_order_relaxed) != 0, 0) && say_due_hello());
}
/// Whether memory must be registered before its use. REQUIRES: tracking. Memory that was mapped before this became true
/// is found by a scan: the recorder reads the mappings after it has changed the word.
inline bool asks_before_use(uint64_t bytes = 0) {
  return agent_shared->ask_before_use.load(std::memory_order_acquire) != 0 || bytes >= ring::kLargeRequestBytes;
}

/// Marks a large request from before the system call until the recorder knows of it. A scan that finds the memory in
/// between leaves it to the hook: otherwise the memory would be taken for many small requests, which no kernel refuses.
/// Each thread uses a place of its own in the shared area. A copy of the process that no fork handler has seen marks
/// nothing, as the area is its parent's.
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

/// Kernel tid of this thread; 0: unknown, and the process is sealed.
uint32_t current_tid();
/// Asks the recorder and waits for the answer. False: not tracking, called by the library itself, or the recorder is
/// gone (then tracking ends). thread_state.refused says whether the target refuses the memory.
bool agent_request(ring::RequestKind kind, uint64_t address, uint64_t bytes, uint64_t argument, uint64_t flags);
/// Writes a note into the ring and never waits. If the ring is nearly full, rings the doorbell.
void agent_push(const trace::Event& event, const uint64_t* frames = nullptr, uint32_t frame_count = 0);
/// Writes a note of this thread, if tracking.
void agent_note(trace::EventKind kind, uint64_t address, uint64_t bytes, uint64_t argument, uint8_t flags);
/// Writes a note on what this thread or another one has set for itself. Not in a vfork child: it is another process.
void agent_note_setting(trace::EventKind kind, uint32_t tid, uint64_t address, uint64_t bytes, uint64_t argument,
                        uint8_t flags);
/// Writes the note that file_hooks.cc holds back for this thread.
void flush_file_note();
/// Puts a note about a file into the ring. `file`: ring::file_id(); `offset`: Event::argument.
void push_file_note(trace::EventKind kind, uint64_t file, uint64_t bytes, uint64_t offset, uint8_t flags = 0);
/// Notes that a file in memory may have ended: after a close, a dup2() over it, or an unlink. `file` 0: unknown which.
void note_may_be_gone(uint64_t file);
/// Before an exec unmaps everything: asks for a scan of shared memory, if this process maps any. Says no due hello.
void request_shared_scan();
/// False in a vfork child, which shares the memory but not the descriptors, and in a sealed process, where no system
/// call is made.
bool in_own_process();
/// Marks in the shared area what the guest has asked about its machine.
void agent_note_sensitive(ring::Sensitive what);
/// At the exit: waits until the recorder has scanned what this process has touched.
void say_exiting(int status);

/// For malloc's hooks, after an allocation. False: the target would refuse it (--on-refuse enomem).
bool after_allocation_slow(uintptr_t address, size_t bytes);
/// The break is not where it was known to be: asks for growth, or notes a fall. False: the target refuses the growth.
bool after_break_moved();

/// The descriptor number that libunwind gets instead of a pipe. It is no descriptor: other callers get EBADF for it.
inline constexpr int kAddressProbe = -1000;
/// The caller is libunwind or the loader, working for the library.
inline bool in_libunwind() { return thread_state.bootstrap > 0; }
inline bool is_address_probe(int fd) { return __builtin_expect(fd == kAddressProbe, 0) && in_libunwind(); }
/// Whether memory can be read at the address. One system call.
bool is_readable(const void* address);
/// Like write(fd, address, 1): 1, or -1 and EFAULT if the address cannot be read.
long probe_address(const void* address);

/// In a forked child: samples have the caller only from now on, since a lock of libunwind may never be released.
void stop_unwinding();

/// Samples the stack of the allocation that used up `sample_left`, unless its memory was `touched` before. REQUIRES:
/// the allocator holds no lock.
void sample_stack(uintptr_t address, size_t bytes, const void* caller, bool touched);

/// Samples the stack of the mmap() that gave this memory, if it is at least as large as the sampling period.
void sample_mapping(uintptr_t address, size_t bytes, const void* caller, bool shared);

/// Starts `oomcast record-attached` for a program that was started without oomcast. Returns the connected socket, or
/// -1.
int spawn_recorder();

}  // namespace oomcast::inject
