// Describes what the program did. One fixed record, the same bytes in the guest's ring, in the recorder and in a trace.
//
// This header is the only thing that code in the guest shares with the model: plain data, no allocation, no includes
// beyond the C++ basics. Meaning of `address`, `bytes` and `flags` by kind:
//
// clang-format off
//   kind            address              bytes                     flags, and what it means
//   kProcessStart   parent pid (0: none) -                         first event of a process; comm follows
//   kComm           name, chars 0-7      name, chars 8-15          process name as in /proc/PID/comm
//   kExec           -                    -                         address space replaced by an empty one
//   kFork           child pid            -                         child gets a CoW copy of every page
//   kExit           exit status          -                         kExitBySignal: status is a signal number
//   kThreadExit     -                    -
//   kMap            start                length                    kPrivate|kAnonymous|kWritable|kNoReserve|kStack|
//                                                                  kGrowsDown|kExecutable
//   kMapFile        start                file id                   kProgram; what the kMap before it maps: a file, from
//                                                                  offset `argument` on
//   kUnmap          start                length
//   kProtect        start                length                    kWritable when the new protection can be written
//   kAdviseDontneed start                length                    also MADV_REMOVE on private memory
//   kAdviseFree     start                length                    MADV_FREE
//   kRemap          old start            length                    new start is in `argument`
//   kTouch          start, page aligned  length                    kWrite or read; kPresent: found resident when first
//                                                                  seen; kTouchedBefore: counts as resident, not as
//                                                                  touched once more
//   kReference      start                length                    a watched page was used again; kWrite
//   kOomScoreAdj    new value (int64)    -
//   kAlloc          pointer              length                    kMapping|kThreadStack|kSharedMapping; a sampled
//                                                                  allocation (for sites only; no model effect)
//   kFree           pointer              -
//   kFileRead       file id              length                    file offset in `argument`
//   kFileWrite      file id              length                    file offset in `argument`; kPresent: the pages were
//                                                                  found, nobody saw the write
//   kFileSync       file id              -                         fsync(): all of it is written back
//   kFileTruncate   file id              -                         pages from file offset `argument` on are dropped
//   kFileInMemory   file id              -                         kUnevictable|kNameless; the file is no page cache:
//                                                                  tmpfs, memfd, System V, shared anonymous memory
//                                                                  (swap can take it), or ramfs; before its first use,
//                                                                  and again when its last name is taken away; in
//                                                                  `argument` the mount that it lies on (0: none)
//   kMount          path, chars 0-7      path, chars 8-15          where that mount of tmpfs is, its number in
//                                                                  `argument`, before the first file on it; repeated
//                                                                  for a longer path (mount_path.h)
//   kFilePunch      file id              length                    whole pages in [`argument`, +length) are dropped
//   kSetPolicy      node mask            -                         set_mempolicy() of this thread; PolicyMode
//   kBindRange      start                length                    mbind(); node mask in `argument`, PolicyMode
//   kHomeNode       start                length                    set_mempolicy_home_node(); the node in `argument`
//   kAffinity       CPU mask, CPUs 0-63  -                         sched_setaffinity() of this thread
//   kAdviseHuge     start                length                    kHugePages: MADV_HUGEPAGE; kCollapse: MADV_COLLAPSE;
//                                                                  neither: MADV_NOHUGEPAGE
//   kThpDisable     1 or 0               -                         prctl(PR_SET_THP_DISABLE) of this process
//   kLimit          RLIMIT_* number      -                         new soft limit in `argument` (~0: none)
//   kLock           start                length                    kLocked|kLockOnFault: mlock2(), else munlock()
//   kLockAll        -                    -                         kLockCurrent|kLockFuture|kLockOnFault: mlockall(),
//                                                                  of none: munlockall()
//   kClock          -                    -                         only time passed (keeps kswapd and devices running)
//   kLost           -                    number of lost events
// clang-format on
#pragma once

#include <cstdint>
#include <type_traits>

namespace oomcast::trace {

enum class EventKind : uint8_t {
  kProcessStart = 1,
  kComm,
  kExec,
  kFork,
  kExit,
  kThreadExit,
  kMap,
  kUnmap,
  kProtect,
  kAdviseDontneed,
  kAdviseFree,
  kRemap,
  kTouch,
  kReference,
  kOomScoreAdj,
  kAlloc,
  kFree,
  kFileRead,
  kFileWrite,
  kClock,
  kLost,
  kFileSync,
  kFileTruncate,
  kMapFile,
  kSetPolicy,
  kBindRange,
  kHomeNode,
  kAffinity,
  kAdviseHuge,
  kThpDisable,
  kLimit,
  kFileInMemory,
  kFilePunch,
  kLock,
  kLockAll,
  kMount,
};

/// MPOL_* numbers of the kernel; kSetPolicy and kBindRange carry one in `flags`, without its MPOL_F_* bits. Node masks
/// are of physical node ids 0 to 63; 0 where the mode takes none.
enum class PolicyMode : uint8_t {
  kDefault,
  kPreferred,
  kBind,
  kInterleave,
  kLocal,
  kPreferredMany,
  kWeightedInterleave,
};

enum EventFlag : uint8_t {
  kWrite = 1 << 0,          // kTouch, kReference: a write; else a read
  kPresent = 1 << 1,        // kTouch, kFileWrite: was already there when tracking found it
  kTouchedBefore = 1 << 2,  // kTouch: memory that an earlier event has reported, too: without an address of its own, or
                            // as a relative's
  kExitBySignal = 1 << 0,   // kExit
  kPrivate = 1 << 0,        // kMap: MAP_PRIVATE (else shared)
  kAnonymous = 1 << 1,      // kMap: not backed by a file
  kWritable = 1 << 2,       // kMap, kProtect: PROT_WRITE
  kNoReserve = 1 << 3,      // kMap: MAP_NORESERVE
  kStack = 1 << 4,          // kMap: a stack
  kGrowsDown = 1 << 5,      // kMap: MAP_GROWSDOWN
  kExecutable = 1 << 6,     // kMap: PROT_EXEC
  kProgram = 1 << 0,        // kMapFile: code or constants of a program or library
  kMapping = 1 << 0,        // kAlloc: by mmap(), not by the allocator
  kThreadStack = 1 << 1,    // kAlloc: a new thread's stack; the pointer is somewhere in it, its length unknown (0)
  kSharedMapping = 1 << 2,  // kAlloc, beside kMapping: MAP_SHARED
  kUnevictable = 1 << 0,    // kFileInMemory: ramfs
  kNameless = 1 << 1,       // kFileInMemory: it ends with the last process that has used it
  kHugePages = 1 << 0,      // kAdviseHuge: wanted (else not wanted)
  kCollapse = 1 << 1,       // kAdviseHuge: at once, whatever was wanted before
  kLocked = 1 << 0,         // kLock: mlock() (else munlock())
  kLockCurrent = 1 << 0,    // kLockAll: what is mapped
  kLockFuture = 1 << 1,     // kLockAll: what will be mapped
  kLockOnFault = 1 << 2,    // kLock, kLockAll: fresh memory is not faulted in for it
};

struct Event {
  uint64_t time_ns = 0;     // CLOCK_MONOTONIC of the recording machine when it happened; for display and order only
  uint64_t compute_ns = 0;  // CPU time of this task since its last event, the cost of tracking taken out
  uint64_t wait_ns = 0;     // time this task was off the CPU of its own will since its last event (sleep, poll, lock)
  uint64_t address = 0;
  uint64_t bytes = 0;
  uint64_t argument = 0;
  uint32_t pid = 0;  // process (thread group) id
  uint32_t tid = 0;
  uint32_t stack_id = 0;  // 0: none sampled; else an index into CaptureSummary::stacks, counted from 1
  uint16_t cpu = 0;       // where the thread ran, if known
  EventKind kind = EventKind::kClock;
  uint8_t flags = 0;
};
static_assert(sizeof(Event) == 64 && std::is_trivially_copyable_v<Event>);

}  // namespace oomcast::trace
