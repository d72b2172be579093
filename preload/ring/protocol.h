// Requests and replies between the library in the guest and the recorder. Each request has one reply. A hello goes over
// a SEQPACKET socket that is closed afterwards; all later requests go through shared memory (mailbox.h). The guest
// keeps no descriptor of the recorder's.
//
// The guest asks, and waits, only where memory must be registered before its use or scanned before it is freed.
// SharedArea says whether that is needed at the moment. Everything else is a note in the ring. Both sides distrust what
// they read: the guest may have overwritten the memory, and the recorder may be another version.
#pragma once

#include <cstdint>
#include <type_traits>

namespace oomcast::ring {

inline constexpr uint32_t kMagic = 0x746d6f6f;  // "oomt"
inline constexpr uint32_t kVersion = 13;

inline constexpr uint64_t kOfFile = 1, kMayStay = 2;  // `argument` of RequestKind::kFreeing
/// A request of this size or more is always reported, even in the polling phase: the target might refuse it.
inline constexpr uint64_t kLargeRequestBytes = uint64_t{1} << 30;
/// A mapping found in /proc may consist of many requests up to this size. A request of this size or more is marked in
/// SharedArea::asking_bytes.
inline constexpr uint64_t kFoundPieceBytes = uint64_t{64} << 20;
/// Smaller mappings of files are ignored: locales, caches of the dynamic linker and the like.
inline constexpr uint64_t kLeastMappedFileBytes = uint64_t{1} << 20;

enum class RequestKind : uint32_t {
  kHello = 1,    // a program was started or exec'ed; carries a userfaultfd for all memory and one for the heap, none if
                 // userfaultfd_errno is set
  kHelloForked,  // a forked child; `argument`: the parent's pid
  kMapped,       // [address, +bytes) was mapped private and anonymous; `argument`: PROT_ bits, `flags`: MAP_ bits
  kUnknownPage,  // an allocation lies on pages that are not in the known-page table
  kExiting,      // about to exit; `argument`: exit status
  kFreeing,      // [address, +bytes) is about to be unmapped or freed; asked while touches are polled, and with
                 // `argument` kOfFile if data of a mapped file may be freed; kMayStay: freed to an allocator, which may
                 // keep it
  kBreakMoved,   // the heap has grown by [address, +bytes), in bytes; as kMapped
  kFileNoted,    // a file note is in the ring; answered when the model has taken it (SharedArea::lockstep)
  kForking,      // about to fork: pages in the stash must be back in their place
  kKillsAll,     // about to kill(-1, SIGKILL), which kills the recorder and the helper of the stash too
  kHelloStash,   // from the helper of the stash; the reply carries the userfaultfds of the program's memory
  kGiveWay,      // memory must not be registered any more; `argument`: why (GiveWay); `address`: pid of the process, 0:
                 // the caller's
};

/// Why a process gives way: it does what does not work on memory whose faults are held. From then on it is polled.
enum class GiveWay : uint32_t {
  kSeccomp = 1,  // it sets a seccomp filter for itself: the library makes no more system calls there
  kUserfaultfd,  // it opens a userfaultfd: the kernel registers memory with one only
  kMemoryFile,  // its memory is read or written through /proc/PID/mem, which fails on a missing page instead of waiting
  kTraced,      // it is traced: PTRACE_PEEKDATA and PTRACE_POKEDATA fail in the same way
  kCount
};

/// `flags` of a hello: the userfaultfd was opened with UFFD_USER_MODE_ONLY.
inline constexpr uint64_t kUserModeOnly = 1;
/// `flags` of a hello: the device sent with kTakeDevice was tried, or no userfaultfd is wanted.
inline constexpr uint64_t kTriedDevice = 2;
/// `flags` of a hello: sent by a helper for its parent, which has no descriptor left. Both have the same memory.
inline constexpr uint64_t kByHelper = 4;
/// `flags` of a kFork note in the parent's ring: the child could not say hello and will not try again.
inline constexpr uint8_t kSaysNoHello = 1;

struct Request {
  uint32_t magic = kMagic;
  uint32_t version = kVersion;
  RequestKind kind = RequestKind::kHello;
  uint32_t pid = 0;
  uint32_t tid = 0;
  int32_t userfaultfd_errno = 0;
  uint64_t address = 0;
  uint64_t bytes = 0;
  uint64_t argument = 0;
  uint64_t flags = 0;
};
static_assert(std::is_trivially_copyable_v<Request>);

enum class ReplyStatus : uint32_t {
  kTracked = 1,  // go on; after a hello it carries the descriptors of the shared area and of the doorbell
  kTakeDevice,   // to a hello without privilege: carries /dev/userfaultfd; open a userfaultfd through it and say hello
                 // again
  kRefused,      // the target would have refused this memory: free it and fail with ENOMEM (--on-refuse enomem)
  kStayOut,      // this process is not tracked: do nothing from now on
};

struct Reply {
  uint32_t magic = kMagic;
  ReplyStatus status = ReplyStatus::kTracked;
  uint32_t polled = 0;  // touches are polled at present: huge pages must be off
  // The program or an ancestor has switched huge pages off (PR_SET_THP_DISABLE).
  uint32_t huge_pages_off = 0;
  uint64_t stack_sample_bytes = 0;
  uint64_t shared_bytes = 0;
};
static_assert(std::is_trivially_copyable_v<Reply>);

}  // namespace oomcast::ring
