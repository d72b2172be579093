// What guest and recorder agree on about files: the number of a file, flags of file notes, and the time that each
// thread has spent in file calls.
//
// The model has its own cost of a read or write. Therefore the recorder subtracts the time counted here from a thread's
// computing and waiting time. Threads share a small table by tid; a collision only costs accuracy.
#pragma once

#include <atomic>
#include <cstdint>

#include "model/trace/event.h"

namespace oomcast::ring {

/// The number by which events name a file: never 0 or 1, and less than 2^62 + 2, so number plus length does not wrap.
inline uint64_t file_id(uint64_t device, uint64_t inode) {
  uint64_t mixed = inode * 0x9e3779b97f4a7c15u ^ (device + 0x632be59bd9b4e019u) * 0xff51afd7ed558ccdu;
  mixed = (mixed ^ mixed >> 32) * 0xc4ceb9fe1a85ec53u;
  return ((mixed ^ mixed >> 29) >> 2) + 2;
}

/// The note that comes before the first call on a descriptor's file, a read of 0 bytes: from then on the hooks report
/// the use of the file.
inline bool is_claim(const trace::Event& note) { return note.kind == trace::EventKind::kFileRead && note.bytes == 0; }

/// In `flags` of a read or write note: a stream that had no hooks is about to be closed. `bytes` is its position in the
/// file, `argument` its descriptor.
inline constexpr uint8_t kLastPosition = 1 << 7;
inline bool is_last_position(const trace::Event& note) {
  return (note.kind == trace::EventKind::kFileRead || note.kind == trace::EventKind::kFileWrite) &&
         (note.flags & kLastPosition) != 0;
}

/// kFileInMemory of the hooks is the first use of a descriptor whose file is memory (tmpfs, a memfd): `bytes` is the
/// descriptor, `argument` st_nlink. With kMayBeGone a descriptor was closed or a name removed: `address` is the file,
/// or 0 if it is not known.
inline constexpr uint8_t kMayBeGone = 1 << 7;
/// kFileTruncate from the hooks with this in `flags`: the file has no name any more. `argument` is its inode number,
/// `bytes` is 1 if the program has it open (O_TMPFILE), 0 if a call has just taken the last name away.
inline constexpr uint8_t kLastNameGone = 1 << 7;
inline bool is_last_name_gone(const trace::Event& note) {
  return note.kind == trace::EventKind::kFileTruncate && (note.flags & kLastNameGone) != 0;
}
inline bool is_open_without_name(const trace::Event& note) { return note.bytes != 0; }

/// `argument` of RequestKind::kFileNoted: pages of shared memory are about to be freed, so they must be scanned now.
inline constexpr uint64_t kScanShared = 1;

/// Written by a thread of the guest, read by the recorder.
struct alignas(64) FileCalls {
  std::atomic<uint64_t> tid;       // 0: free
  std::atomic<uint64_t> since_ns;  // CLOCK_MONOTONIC when the present call began; 0: no call
  std::atomic<uint64_t> wall_ns;   // of finished calls
  std::atomic<uint64_t> cpu_ns;    // CPU time in wall_ns
};

struct FileCallTable {
  static constexpr uint32_t kThreads = 1024;
  FileCalls threads[kThreads];

  FileCalls& of(uint32_t tid) { return threads[tid % kThreads]; }
};

/// What the recorder reads there. A call that seems to take kLongestNs was left by a longjmp() or a cancellation.
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
