// SharedArea: the memory that one guest shares with the recorder, a sealed memfd: the mailbox, words for the library,
// times in file calls, the event ring, the known-page tables and the room of the stash.
//
// The recorder creates it and seals its size, so a guest cannot shrink it under the reader. Most of it is never touched
// (the tables are sparse). As shared memory it does not count in the guest's RssAnon.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "preload/ring/event_ring.h"
#include "preload/ring/file_notes.h"
#include "preload/ring/known_pages.h"
#include "preload/ring/mailbox.h"
#include "preload/ring/stash.h"

namespace oomcast::ring {

/// Bits for what a guest asked about its machine.
enum class Sensitive : uint32_t {
  kPhysPages = 0,
  kAvailablePhysPages,
  kProcessorsOnline,
  kProcessorsConfigured,
  kSysinfo,
  kGetNprocs,
  kAffinity,
  kMeminfo,
  kCpuFiles,
  kCgroup,
  kCount
};

/// Large requests of so many threads can be marked at once; those of others may be found in pieces.
inline constexpr size_t kAskingThreads = 16;

struct SharedArea {
  Mailbox mailbox;
  std::atomic<uint64_t> sensitive;   // bits by Sensitive
  std::atomic<uint64_t> break_fell;  // break after the last fall since the recorder read this; 0: no fall
  // not 0: the ring is nearly full or holds an urgent note, and the doorbell was rung for it
  std::atomic<uint32_t> ring_fills;
  std::atomic<uint32_t> lockstep;  // not 0: memory is short on the target, so the guest waits after each file note
  std::atomic<uint32_t> ask_before_use;         // not 0: memory is registered before the program touches it
  std::atomic<uint64_t> ask_before_free_bytes;  // frees of this size or more are scanned first
  // sizes of large requests that are about to be reported; 0: a free place
  std::atomic<uint64_t> asking_bytes[kAskingThreads];
  // not 0: the program makes robust mutexes, so no page may be armed or moved out for its next use
  std::atomic<uint32_t> robust_mutexes;
  FileCallTable file_calls;
  EventRing ring;
  KnownPages known;    // registered pages: malloc's hook need not ask
  KnownPages touched;  // counted pages: an allocation there is not fresh memory
  StashRoom stash;
};

}  // namespace oomcast::ring
