// What the library in the guest and the recorder say to each other. One request, one reply: hellos over a SEQPACKET
// socket that is closed afterwards, everything later through shared memory (mailbox.h). The guest keeps no descriptor
// of ours.
//
// The guest asks, and waits, only where memory must be registered before it is used, or scanned before it is freed
// (SharedArea says whether that is so at the moment). All else goes through the ring. Both sides treat what they read
// as untrusted: the guest may have been overwritten, the recorder may be another version.
#pragma once

#include <cstdint>
#include <type_traits>

namespace oomcast::ring {

inline constexpr uint32_t kMagic = 0x746d6f6f;  // "oomt"
inline constexpr uint32_t kVersion = 13;

inline constexpr uint64_t kOfFile = 1, kMayStay = 2;  // RequestKind::kFreeing
/// The target might refuse a request as large as this by itself: it is reported whatever else is only polled.
inline constexpr uint64_t kLargeRequestBytes = uint64_t{1} << 30;
/// What /proc shows may have been asked for in many pieces of this size; a request as large as one says so
/// (SharedArea::asking_bytes).
inline constexpr uint64_t kFoundPieceBytes = uint64_t{64} << 20;
/// Mappings of files below this are left out: locales, caches of the dynamic linker and the like.
inline constexpr uint64_t kLeastMappedFileBytes = uint64_t{1} << 20;

enum class RequestKind : uint32_t {
  kHello = 1,    // a program has started (or been exec'ed); a userfaultfd comes along unless userfaultfd_errno is set,
                 // and one for the heap
  kHelloForked,  // a forked child; `argument` is the parent's pid
  kMapped,  // [address, +bytes) was mapped private and anonymous; `argument` holds the PROT_ bits, `flags` the MAP_
            // bits
  kUnknownPage,  // an allocation lies on pages that are not in the known-page table
  kExiting,      // about to leave with exit status `argument`
  kFreeing,      // [address, +bytes) is about to be unmapped or given back; asked only when touches are polled,
                 // and with `argument` kOfFile where the data of a mapped file may go; kMayStay: given to an
                 // allocator, which may give it back or not
  kBreakMoved,   // the heap has grown by [address, +bytes), to the byte: as kMapped
  kFileNoted,    // a note on a file lies in the ring: answered when the model has taken it (SharedArea::lockstep)
  kForking,      // about to fork: what is in the stash has to be back in its place
  kKillsAll,     // about to kill whoever it may, us and the helper of the stash among them
  kHelloStash,   // the helper of the stash is there; the userfaultfds of the program's memory come along with the reply
  kGiveWay,      // memory must not be registered any more, `argument` says why (GiveWay); of process `address`, 0: the
                 // caller's
};

/// What does not go with memory whose faults are held: from then on the process's memory is polled.
enum class GiveWay : uint32_t {
  kSeccomp = 1,  // it puts itself under a seccomp filter: the library makes no more system calls there
  kUserfaultfd,  // it has a userfaultfd of its own: the kernel registers memory with one only
  kMemoryFile,   // its memory is read or written through /proc/PID/mem, which cannot wait for a fault
  kTraced,       // it is traced: PTRACE_PEEKDATA and its kin cannot wait either
  kCount
};

/// In `flags` of a hello: the userfaultfd was opened without privilege.
inline constexpr uint64_t kUserModeOnly = 1;
/// In `flags` of a hello: the device that kTakeDevice brought has been tried.
inline constexpr uint64_t kTriedDevice = 2;
/// In `flags` of a hello: it is said for the sender's parent, which has no descriptors left and has the same memory.
inline constexpr uint64_t kByHelper = 4;
/// In `flags` of a kFork note in the parent's ring: the child could not say hello, and will not try again.
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
  kTracked = 1,  // go on; to a hello come the descriptors of the shared area and of the doorbell
  kTakeDevice,   // a hello without privilege: open a userfaultfd through the /dev/userfaultfd that comes along, say
                 // hello again
  kRefused,      // go on, but the target would have refused this memory (ENOMEM): give it back and fail (--on-refuse
                 // enomem)
  kStayOut,      // this process is not to be tracked: do nothing from now on
};

struct Reply {
  uint32_t magic = kMagic;
  ReplyStatus status = ReplyStatus::kTracked;
  uint32_t polled = 0;  // touches are found by polling, for now at least: huge pages have to be off
  // The program, or one that it descends from, has switched them off for itself (PR_SET_THP_DISABLE).
  uint32_t huge_pages_off = 0;
  uint64_t stack_sample_bytes = 0;
  uint64_t shared_bytes = 0;
};
static_assert(std::is_trivially_copyable_v<Reply>);

}  // namespace oomcast::ring
