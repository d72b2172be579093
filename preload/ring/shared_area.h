// The memory that the guest and the recorder share. One sealed memfd: the mailbox for questions, notes, the event ring,
// time spent in file calls, the known-page table and the room of the stash.
//
// Made by the recorder, which seals its size: a guest cannot shrink it under the reader. Almost all of it is never
// touched (the table is sparse), and as shared memory it is not part of the guest's RssAnon.
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

/// What a guest asked about its machine, by bit.
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

/// So many threads can ask for large memory at once; what others ask for at that time may be found in pieces.
inline constexpr size_t kAskingThreads = 16;

struct SharedArea {
  Mailbox mailbox;
  std::atomic<uint64_t> sensitive;   // bits by Sensitive
  std::atomic<uint64_t> break_fell;  // the break has come down to here since the recorder last read this; 0: it has not
  std::atomic<uint32_t>
      ring_fills;  // not 0: the ring is nearly full or holds what cannot wait, and the doorbell has been rung for it
  std::atomic<uint32_t> lockstep;               // not 0: memory is short on the target, so each file note is waited for
  std::atomic<uint32_t> ask_before_use;         // not 0: memory is registered before the program touches it
  std::atomic<uint64_t> ask_before_free_bytes;  // so much and more is scanned before it is given back
  std::atomic<uint64_t>
      asking_bytes[kAskingThreads];      // requests for so much are under way and about to be reported; 0: a free place
  std::atomic<uint32_t> robust_mutexes;  // not 0: the program has such, so none of its pages may be held for their use
  FileCallTable file_calls;
  EventRing ring;
  KnownPages known;    // registered: malloc need not ask
  KnownPages touched;  // counted: what is allocated there is not fresh memory
  StashRoom stash;
};

}  // namespace oomcast::ring
