// Hooks the calls by which the guest maps memory: after the system call the recorder registers the range, before the
// guest can touch it. In the exact phase unmaps need no note: the userfaultfd reports them.
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>

#include "preload/inject/agent.h"
#include "preload/inject/counted.h"
#include "preload/inject/lock_hooks.h"
#include "preload/inject/raw_syscall.h"
#include "preload/inject/real_libc.h"

extern "C" {
extern void* __curbrk __attribute__((weak));
}

#ifndef MREMAP_MAYMOVE
#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED 2
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

namespace oomcast::inject {
namespace {

#define OOMCAST_EXPORT extern "C" __attribute__((visibility("default")))

// bytes; smaller shared mappings are seen by polling, or matter little
constexpr uint64_t kLeastSharedBytes = 64 << 10;
std::atomic<bool> maps_files{false};   // this process has mapped data of a file
std::atomic<bool> maps_shared{false};  // this process has mapped memory that it may share

/// In the polling phase only a scan shows what was touched of memory that is about to be freed. True: the recorder was
/// asked, has scanned, and takes the memory for freed.
bool before_free(const void* start, uint64_t bytes) {
  return tracking() && bytes >= agent_shared->ask_before_free_bytes.load(std::memory_order_relaxed) &&
         agent_request(ring::RequestKind::kFreeing, reinterpret_cast<uint64_t>(start), bytes, 0, 0);
}
/// The target refuses the growth: moves the break back and sets ENOMEM.
void take_break_back(void* before) {
  real_libc_table.brk(before);
  after_break_moved();
  errno = ENOMEM;
}
constexpr int kMadvCollapse = 25;  // MADV_COLLAPSE: Linux 6.1, not in Debian 12's libc headers

/// Notes MADV_HUGEPAGE, MADV_NOHUGEPAGE and MADV_COLLAPSE. EINVAL counts as success: a kernel without huge pages
/// returns it, the target would not. Which error MADV_COLLAPSE gives here says nothing of the target.
void note_huge_advice(uint64_t start, uint64_t bytes, int advice, long result) {
  if ((result != 0 && result != -EINVAL && advice != kMadvCollapse) || start % 4096 != 0) return;
  if (advice == MADV_HUGEPAGE) agent_note(trace::EventKind::kAdviseHuge, start, page_up(bytes), 0, trace::kHugePages);
  if (advice == MADV_NOHUGEPAGE) agent_note(trace::EventKind::kAdviseHuge, start, page_up(bytes), 0, 0);
  if (advice == kMadvCollapse) agent_note(trace::EventKind::kAdviseHuge, start, page_up(bytes), 0, trace::kCollapse);
}

/// Noted where memory is registered. Where it is polled, the next scan of the mappings finds the protection.
int protected_now(void* start, size_t bytes, int protection, long result) {
  if (!failed(result) && tracking_now() && asks_before_use())
    agent_note(trace::EventKind::kProtect, reinterpret_cast<uint64_t>(start), page_up(bytes), 0,
               (protection & PROT_WRITE) ? trace::kWritable : 0);
  return static_cast<int>(with_errno(result));
}

/// Whether MAP_LOCKED may be done in two steps. Not with MAP_FIXED: if the lock then failed, the old mapping would be
/// gone.
bool may_lock_after_mapping(int flags) {
  constexpr int kPrivateMemory = MAP_PRIVATE | MAP_ANONYMOUS, kOthers = MAP_FIXED | MAP_HUGETLB | MAP_GROWSDOWN;
  return (flags & MAP_LOCKED) != 0 && (flags & (kPrivateMemory | kOthers)) == kPrivateMemory;
}

/// libunwind fills a table of 256 KiB at each thread's first stack, which only makes the next stacks cheaper. In a
/// program of 120 threads that was 30 MiB which the recorder took for the program's. So one thread gets its table;
/// without one libunwind looks at each frame again.
bool refuses_libunwind(size_t bytes, int fd) {
  constexpr size_t kTableBytes = 256 << 10;
  static std::atomic<bool> given{false};
  return fd < 0 && bytes >= kTableBytes && thread_state.inside > 0 && given.exchange(true);
}

void* map(void* hint, size_t bytes, int protection, int flags, int fd, off_t offset, const void* caller) {
  const LargeRequest large(bytes);
  const long result = raw_syscall(SYS_mmap, arg(hint), static_cast<long>(bytes), protection, flags, fd, offset);
  // Pages of these mappings are found by polling, so munmap() has to ask for a scan first.
  if (!failed(result) && fd >= 0 && bytes >= ring::kLeastMappedFileBytes && !(protection & PROT_EXEC))
    maps_files.store(true, std::memory_order_relaxed);
  if (!failed(result) && (flags & MAP_TYPE) != MAP_PRIVATE && (protection & PROT_WRITE))
    maps_shared.store(true, std::memory_order_relaxed);
  const bool answered = !failed(result) && (flags & (MAP_PRIVATE | MAP_ANONYMOUS)) == (MAP_PRIVATE | MAP_ANONYMOUS) &&
                        !(flags & MAP_HUGETLB) && tracking() && asks_before_use(bytes) &&
                        agent_request(ring::RequestKind::kMapped, static_cast<uint64_t>(result), page_up(bytes),
                                      static_cast<uint64_t>(protection), static_cast<uint64_t>(flags));
  if (answered && thread_state.refused) {
    // As in the kernel: what MAP_FIXED has replaced is gone all the same.
    raw_syscall(SYS_munmap, result, static_cast<long>(bytes));
    errno = ENOMEM;
    return MAP_FAILED;
  }
  // The recorder knows the flags of a request that it has answered.
  if (!failed(result) && (flags & MAP_LOCKED) && !answered)
    note_lock(reinterpret_cast<void*>(result), bytes, trace::kLocked);
  // A file's shared mapping may be memory (tmpfs, memfd); a private one is not.
  if (!failed(result) && ((flags & MAP_ANONYMOUS) || (flags & MAP_TYPE) != MAP_PRIVATE) && tracking_now())
    sample_mapping(static_cast<uintptr_t>(result), page_up(bytes), caller, (flags & MAP_TYPE) != MAP_PRIVATE);
  return reinterpret_cast<void*>(with_errno(result));
}

/// mmap() with MAP_LOCKED in two steps, so that the model sees the lock before the pages. False: the guest's call has
/// still to be made as it is.
bool map_and_lock(void* hint, size_t bytes, int protection, int flags, int fd, off_t offset, const void* caller,
                  void** mapped) {
  const Counted counted;
  if (!tracking() || !counted.tracking()) return false;
  const int errno_before = errno;
  thread_state.refused = false;
  *mapped = map(hint, bytes, protection, flags & ~(MAP_LOCKED | MAP_POPULATE), fd, offset, caller);
  const bool is_mapped = *mapped != MAP_FAILED;
  if (is_mapped ? lock_new_mapping(*mapped, bytes) : thread_state.refused) return true;
  if (is_mapped) munmap(*mapped, bytes);
  errno = errno_before;
  return false;
}

}  // namespace

void request_shared_scan() {
  if (maps_shared.load(std::memory_order_relaxed) && tracking_now() && thread_state.inside == 0 && in_own_process())
    agent_request(ring::RequestKind::kFileNoted, 0, 0, ring::kScanShared, 0);
}

OOMCAST_EXPORT void* mmap(void* hint, size_t bytes, int protection, int flags, int fd, off_t offset) {
  const void* const caller = __builtin_return_address(0);
  if (__builtin_expect(in_libunwind(), 0) && refuses_libunwind(bytes, fd)) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  if (void* mapped = nullptr;
      may_lock_after_mapping(flags) && map_and_lock(hint, bytes, protection, flags, fd, offset, caller, &mapped))
    return mapped;
  return map(hint, bytes, protection, flags, fd, offset, caller);
}
OOMCAST_EXPORT void* mmap64(void*, size_t, int, int, int, off_t) __attribute__((alias("mmap")));

OOMCAST_EXPORT int munmap(void* start, size_t bytes) {
  const bool of_file = maps_files.load(std::memory_order_relaxed) && bytes >= ring::kLeastMappedFileBytes;
  const auto address = reinterpret_cast<uint64_t>(start);
  const bool of_shared = maps_shared.load(std::memory_order_relaxed) && bytes >= kLeastSharedBytes && tracking();
  const bool asked = of_file || of_shared ? agent_request(ring::RequestKind::kFreeing, address, page_up(bytes),
                                                          of_file ? ring::kOfFile : 0, 0)
                                          : before_free(start, bytes);
  const long result = raw_syscall(SYS_munmap, arg(start), static_cast<long>(bytes));
  // Noted again after the call: before a scan the same file may be mapped there again, or the call may have failed.
  if (asked)
    agent_note(result == 0 ? trace::EventKind::kUnmap : trace::EventKind::kAdviseDontneed, address, page_up(bytes), 0,
               0);
  return static_cast<int>(with_errno(result));
}

OOMCAST_EXPORT void* mremap(void* old, size_t old_bytes, size_t bytes, int flags, ...) {
  void* target = nullptr;
  if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
    va_list rest;
    va_start(rest, flags);
    target = va_arg(rest, void*);
    va_end(rest);
  }
  long result =
      raw_syscall(SYS_mremap, arg(old), static_cast<long>(old_bytes), static_cast<long>(bytes), flags, arg(target));
  // EFAULT: the range is two VMAs, of which one is not registered yet. Once both are registered they merge.
  if (result == -EFAULT &&
      agent_request(ring::RequestKind::kUnknownPage, reinterpret_cast<uint64_t>(old), page_up(old_bytes), 0, 0))
    result =
        raw_syscall(SYS_mremap, arg(old), static_cast<long>(old_bytes), static_cast<long>(bytes), flags, arg(target));
  // The userfaultfd reports a move, but not the part that is new.
  if (!failed(result) && page_up(bytes) > page_up(old_bytes) && tracking() && asks_before_use(bytes - old_bytes))
    agent_request(ring::RequestKind::kUnknownPage, static_cast<uint64_t>(result) + page_up(old_bytes),
                  page_up(bytes) - page_up(old_bytes), 0, 0);
  return reinterpret_cast<void*>(with_errno(result));
}

OOMCAST_EXPORT int madvise(void* start, size_t bytes, int advice) {
  const bool asked = (advice == MADV_DONTNEED || advice == MADV_REMOVE) && before_free(start, bytes);
  // MADV_FREE and MADV_DONTNEED give the same userfaultfd event, so a note says beforehand which one follows. A note of
  // 0 bytes would withdraw the previous one.
  const bool frees = advice == MADV_FREE && page_up(bytes) != 0;
  if (frees) agent_note(trace::EventKind::kAdviseFree, reinterpret_cast<uint64_t>(start), page_up(bytes), 0, 0);
  const long result = raw_syscall(SYS_madvise, arg(start), static_cast<long>(bytes), advice);
  // A refused MADV_FREE gives no event, and the MADV_DONTNEED that many programs then try must not be taken for it: a
  // note of 0 bytes withdraws the first one.
  if (frees && result == -EINVAL) agent_note(trace::EventKind::kAdviseFree, reinterpret_cast<uint64_t>(start), 0, 0, 0);
  if (asked) agent_note(trace::EventKind::kAdviseDontneed, reinterpret_cast<uint64_t>(start), page_up(bytes), 0, 0);
  note_huge_advice(reinterpret_cast<uint64_t>(start), bytes, advice, result);
  return static_cast<int>(with_errno(result));
}

/// For the caller's own memory this is madvise() in pieces; frees in another process are reported by that process's
/// userfaultfd. The kernel takes advice on huge pages for the caller's own memory only.
OOMCAST_EXPORT ssize_t process_madvise(int pidfd, const iovec* pieces, size_t count, int advice, unsigned flags) {
  const long result =
      raw_syscall(SYS_process_madvise, pidfd, reinterpret_cast<long>(pieces), static_cast<long>(count), advice, flags);
  uint64_t done = 0;
  for (size_t i = 0; i < count && !failed(result) && done < static_cast<uint64_t>(result); done += pieces[i++].iov_len)
    note_huge_advice(reinterpret_cast<uint64_t>(pieces[i].iov_base), pieces[i].iov_len, advice, 0);
  return with_errno(result);
}

OOMCAST_EXPORT int mprotect(void* start, size_t bytes, int protection) {
  return protected_now(start, bytes, protection,
                       raw_syscall(SYS_mprotect, arg(start), static_cast<long>(bytes), protection));
}

OOMCAST_EXPORT int pkey_mprotect(void* start, size_t bytes, int protection, int key) {
  return protected_now(start, bytes, protection,
                       raw_syscall(SYS_pkey_mprotect, arg(start), static_cast<long>(bytes), protection, key));
}

/// `bytes` of the question are nominal: the recorder knows how large the segment is.
OOMCAST_EXPORT int shmdt(const void* start) {
  const auto address = reinterpret_cast<uint64_t>(start);
  const bool asked = tracking() && agent_request(ring::RequestKind::kFreeing, address, 4096, 0, 0);
  const long result = raw_syscall(SYS_shmdt, arg(start));
  if (asked)
    agent_note(result == 0 ? trace::EventKind::kUnmap : trace::EventKind::kAdviseDontneed, address, 4096, 0, 0);
  return static_cast<int>(with_errno(result));
}

/// IPC_RMID: the segment is freed with its last detach, or at once if it is attached nowhere.
OOMCAST_EXPORT int shmctl(int id, int command, struct shmid_ds* buffer) {
  const long result = raw_syscall(SYS_shmctl, id, command, arg(buffer));
  if (result == 0 && command == IPC_RMID && tracking())
    agent_note(trace::EventKind::kFileInMemory, 0, 0, 0, ring::kMayBeGone);
  return static_cast<int>(with_errno(result));
}

OOMCAST_EXPORT int brk(void* end) {
  if (!have_real_libc()) return -1;
  void* const before = real_libc_table.sbrk(0);
  const int result = real_libc_table.brk(end);
  if (result == 0 && tracking() && thread_state.inside == 0 && !after_break_moved()) return take_break_back(before), -1;
  return result;
}

OOMCAST_EXPORT void* sbrk(intptr_t step) {
  if (!have_real_libc()) return reinterpret_cast<void*>(-1);
  void* const result = real_libc_table.sbrk(step);
  if (step != 0 && tracking() && thread_state.inside == 0 && !after_break_moved()) {
    take_break_back(result);
    return reinterpret_cast<void*>(-1);
  }
  return result;
}

}  // namespace oomcast::inject
