// What the guest and the recorder agree on about files: one number per file, and how long each thread has spent in file
// calls.
//
// The model puts its own cost of a read or write in place of the native one: the recorder takes what is counted here
// out of a thread's computing and waiting time. Threads share a small table by their tid; a collision costs accuracy
// only.
#pragma once

#include <atomic>
#include <cstdint>

#include "model/trace/event.h"

namespace oomcast::ring {

/// The number of a file in events: never 0 or 1, and far enough below 2^64 that number plus length does not wrap.
inline uint64_t file_id(uint64_t device, uint64_t inode) {
  uint64_t mixed = inode * 0x9e3779b97f4a7c15u ^ (device + 0x632be59bd9b4e019u) * 0xff51afd7ed558ccdu;
  mixed = (mixed ^ mixed >> 32) * 0xc4ceb9fe1a85ec53u;
  return ((mixed ^ mixed >> 29) >> 2) + 2;
}

/// The first note about a descriptor's file: before its first call, a read of nothing. From then on hooks report the
/// use of the file.
inline bool is_claim(const trace::Event& note) { return note.kind == trace::EventKind::kFileRead && note.bytes == 0; }

/// In `flags` of a read or write: not one call, but that a stream without hooks is about to be closed. `bytes` is how
/// far along the file it stands, `argument` its descriptor.
inline constexpr uint8_t kLastPosition = 1 << 7;
inline bool is_last_position(const trace::Event& note) {
  return (note.kind == trace::EventKind::kFileRead || note.kind == trace::EventKind::kFileWrite) &&
         (note.flags & kLastPosition) != 0;
}

/// kFileInMemory from the hooks: the first use of a descriptor whose file is memory (tmpfs, a memfd); `bytes` is the
/// descriptor, `argument` how many names the file has. With kMayBeGone: a descriptor was closed or a name taken away;
/// `address` 0 if it is not known of which.
inline constexpr uint8_t kMayBeGone = 1 << 7;
/// kFileTruncate from the hooks with this in `flags`: the file has no name any more. `argument` is its inode number,
/// `bytes` is 1 if the program has it open (O_TMPFILE), 0 if a call has just taken the last name away.
inline constexpr uint8_t kLastNameGone = 1 << 7;
inline bool is_last_name_gone(const trace::Event& note) {
  return note.kind == trace::EventKind::kFileTruncate && (note.flags & kLastNameGone) != 0;
}
inline bool is_open_without_name(const trace::Event& note) { return note.bytes != 0; }

/// RequestKind::kFileNoted with this in `argument`: pages of shared memory are about to go, they are scanned now or
/// never.
inline constexpr uint64_t kScanShared = 1;

/// Written by one thread of the guest, read by the recorder.
struct alignas(64) FileCalls {
  std::atomic<uint64_t> tid;       // 0: free
  std::atomic<uint64_t> since_ns;  // CLOCK_MONOTONIC at which the call that is under way began, 0: none is
  std::atomic<uint64_t> wall_ns;   // spent in finished calls
  std::atomic<uint64_t> cpu_ns;    // of it, on a CPU
};

struct FileCallTable {
  static constexpr uint32_t kThreads = 1024;
  FileCalls threads[kThreads];

  FileCalls& of(uint32_t tid) { return threads[tid % kThreads]; }
};

/// What the recorder makes of it. A call that seems to last this long was left by a jump or a cancellation.
struct FileTime {
  static constexpr uint64_t kLongestNs = 5'000'000'000;
  bool in_call = false;
  uint64_t wall_ns = 0, cpu_ns = 0;

  static FileTime read(FileCallTable& table, uint32_t tid, uint64_t now_ns) {
    const FileCalls& calls = table.of(tid);
    FileTime out;
    if (calls.tid.load(std::memory_order_acquire) != tid) return out;
    const uint64_t since = calls.since_ns.load(std::memory_order_acquire);
    out.in_call = since != 0 && (since > now_ns || now_ns - since < kLongestNs);
    out.wall_ns = calls.wall_ns.load(std::memory_order_relaxed);
    out.cpu_ns = calls.cpu_ns.load(std::memory_order_relaxed);
    return out;
  }
};

}  // namespace oomcast::ring
