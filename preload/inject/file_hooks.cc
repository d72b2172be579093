// Hooks the calls that read, write or change files: the real call first, then a note in the ring with the file and the
// bytes. For pipes, sockets and terminals a hook only looks up the descriptor in a table.
//
// A hook does not lock or allocate, and waits for the recorder only where the note has to be in step with the model.
// The time in a call, the hook's included, is counted in the shared area: the model has its own cost, so the recorder
// subtracts it. Only calls through these names are seen. Of stdio inside libc (fread, fprintf) only the position of a
// stream when it is closed is noted.
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "preload/inject/agent.h"
#include "preload/inject/counted.h"
#include "preload/inject/file_call.h"
#include "preload/inject/give_way.h"
#include "preload/inject/present_host.h"
#include "preload/inject/raw_syscall.h"
#include "preload/inject/real_libc.h"

namespace oomcast::inject {
namespace {

#define OOMCAST_EXPORT extern "C" __attribute__((visibility("default")))

using trace::EventKind;

constexpr uint64_t kUnknown = 0, kNotAFile = 1;
constexpr int kDescriptors = 4096;
constexpr uint64_t kPage = 4096;
// Flags beside a file's number. kClaimed: the recorder knows that hooks report the file's use. kInMemory: the file is
// memory, and may be freed when it is closed.
constexpr uint64_t kClaimed = uint64_t{1} << 63, kInMemory = uint64_t{1} << 62;
std::atomic<uint64_t> file_of_descriptor[kDescriptors];  // number of the file with flags, or kUnknown, or kNotAFile
std::atomic<bool> uses_memory_files{false};

/// Forgets the descriptor. Returns the number of its file if that is memory, else 0.
uint64_t forget(int fd) {
  if (fd < 0 || fd >= kDescriptors) return 0;
  const uint64_t known = file_of_descriptor[fd].exchange(kUnknown, std::memory_order_relaxed);
  return known > kNotAFile && (known & kInMemory) != 0 ? known & ~(kClaimed | kInMemory) : 0;
}

void forget_from(unsigned first, unsigned last) {
  for (unsigned fd = first; fd <= last && fd < kDescriptors; ++fd) forget(static_cast<int>(fd));
}

enum class Home : uint8_t { kCached, kUncached, kMemory };

/// kUncached: no page cache. This is so for files that the kernel generates at each read, and for O_DIRECT.
Home home_of(int fd) {
  struct statfs system;
  if (raw_syscall(SYS_fstatfs, fd, arg(&system)) != 0) return Home::kUncached;
  const auto type = static_cast<unsigned long>(system.f_type);
  if (type == TMPFS_MAGIC || type == RAMFS_MAGIC) return Home::kMemory;
  const long flags = raw_syscall(SYS_fcntl, fd, F_GETFL);
  if (flags >= 0 && (flags & O_DIRECT) != 0) return Home::kUncached;
  constexpr unsigned long kUncached[] = {HUGETLBFS_MAGIC, PROC_SUPER_MAGIC, SYSFS_MAGIC,        DEBUGFS_MAGIC,
                                         TRACEFS_MAGIC,   SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC};
  for (const unsigned long uncached : kUncached)
    if (type == uncached) return Home::kUncached;
  return Home::kCached;
}

uint64_t look_up(int fd) {
  const Counted counted;
  if (!counted.tracking()) return kNotAFile;
  struct stat status;
  if (raw_syscall(SYS_fstat, fd, arg(&status)) != 0) return kUnknown;
  const Home home = S_ISREG(status.st_mode) ? home_of(fd) : Home::kUncached;
  const uint64_t file = home == Home::kUncached ? kNotAFile : ring::file_id(status.st_dev, status.st_ino);
  if (!in_own_process()) return kNotAFile;
  if (fd < kDescriptors)
    file_of_descriptor[fd].store(home == Home::kMemory ? file | kInMemory : file, std::memory_order_relaxed);
  if (home == Home::kMemory) {
    // Asked while the descriptor is open: the recorder finds the file's name through it.
    uses_memory_files.store(true, std::memory_order_relaxed);
    push_file_note(EventKind::kFileInMemory, file, static_cast<uint64_t>(fd), status.st_nlink);
    agent_request(ring::RequestKind::kFileNoted, 0, 0, 0, 0);
  } else if (home == Home::kCached && status.st_nlink == 0) {
    push_file_note(EventKind::kFileTruncate, file, 1, status.st_ino, ring::kLastNameGone);
  }
  return file;
}

/// Number of the file behind `fd`. kUnknown or kNotAFile: there is nothing to note.
uint64_t file_behind(int fd) {
  if (!tracking() || thread_state.inside > 0 || fd < 0) return kNotAFile;
  const uint64_t known = fd < kDescriptors ? file_of_descriptor[fd].load(std::memory_order_relaxed) : kUnknown;
  if (known == kUnknown) return look_up(fd);
  return known == kNotAFile ? known : known & ~(kClaimed | kInMemory);
}

bool in_memory(int fd) {
  if (fd < 0 || fd >= kDescriptors) return false;
  const uint64_t known = file_of_descriptor[fd].load(std::memory_order_relaxed);
  return known > kNotAFile && (known & kInMemory) != 0;
}

/// Notes before the first call that moves the offset that hooks see it; otherwise the recorder would count the move as
/// one that no hook sees. Calls that only change the file (ftruncate) claim nothing: stdio may follow.
void claim(int fd, uint64_t file) {
  if (file <= kNotAFile || fd >= kDescriptors) return;
  const uint64_t known = file_of_descriptor[fd].load(std::memory_order_relaxed);
  if ((known & ~kInMemory) != file) return;
  file_of_descriptor[fd].store(known | kClaimed, std::memory_order_relaxed);
  push_file_note(EventKind::kFileRead, file, 0, 0);
}

/// If memory is short on the target, waits until the model has taken the note: pages that it evicts must be watched
/// before the guest goes on.
void keep_in_step() {
  if (agent_shared->lockstep.load(std::memory_order_relaxed) != 0)
    agent_request(ring::RequestKind::kFileNoted, 0, 0, 0, 0);
}

/// Notes a finished read or write. While the ring is nearly full, consecutive calls are merged into one note, so that a
/// program that is faster than the recorder loses none.
void note_io(EventKind kind, uint64_t file, uint64_t offset, uint64_t bytes) {
  ThreadState& thread = thread_state;
  const uint64_t first = offset / kPage, last = (offset + bytes - 1) / kPage;
  const uint64_t mixed = (file ^ static_cast<uint64_t>(kind) << 56) + last;
  const bool noted = first == last && bytes < kPage && mixed == thread.last_file_page;
  thread.last_file_page = mixed;
  if (noted) return;
  if (thread.file_bytes != 0) {
    if (thread.file_kind == kind && thread.file_id == file && thread.file_offset + thread.file_bytes == offset) {
      offset = thread.file_offset;
      bytes += thread.file_bytes;
      thread.file_bytes = 0;
    } else {
      flush_file_note();
    }
  }
  if (agent_shared->ring.roomy()) {
    push_file_note(kind, file, bytes, offset);
    keep_in_step();
    return;
  }
  thread.file_kind = kind;
  thread.file_id = file;
  thread.file_offset = offset;
  thread.file_bytes = bytes;
}

/// `offset` < 0: the call has moved the descriptor's own offset, so the bytes end where that stands now.
void note_moved(EventKind kind, int fd, uint64_t file, int64_t offset, int64_t moved) {
  if (moved <= 0 || file <= kNotAFile || !tracking()) return;
  if (offset < 0) {
    const Counted counted;
    const long position = counted.tracking() ? raw_syscall(SYS_lseek, fd, 0, SEEK_CUR) : -1;
    if (position < moved) return;
    offset = position - moved;
  }
  note_io(kind, file, static_cast<uint64_t>(offset), static_cast<uint64_t>(moved));
}

void note_change(EventKind kind, uint64_t file, uint64_t offset) {
  if (file <= kNotAFile || !tracking()) return;
  flush_file_note();
  thread_state.last_file_page = 0;
  push_file_note(kind, file, 0, offset);
}

/// stdio reads and writes inside libc. How far it has moved the descriptor can be seen only while that is open.
void note_stream_closing(FILE* stream, int fd) {
  // bytes; less is configuration and the like, which is in the target's page cache anyway
  constexpr uint64_t kLeastMove = 64 << 10;
  if (!tracking() || thread_state.inside > 0 || fd < 0 || fd >= kDescriptors) return;
  const uint64_t known = file_of_descriptor[fd].load(std::memory_order_relaxed);
  if (known == kNotAFile || (known & kClaimed) != 0) return;  // not a file, or noted by the hooks
  const Counted counted;
  if (!counted.tracking()) return;
  const long position = raw_syscall(SYS_lseek, fd, 0, SEEK_CUR);
  struct stat status;
  if (position < static_cast<long>(kLeastMove) || raw_syscall(SYS_fstat, fd, arg(&status)) != 0 ||
      !S_ISREG(status.st_mode) || home_of(fd) == Home::kUncached || !in_own_process())
    return;
  const EventKind kind = __fwriting(stream) != 0 ? EventKind::kFileWrite : EventKind::kFileRead;
  push_file_note(kind, ring::file_id(status.st_dev, status.st_ino), static_cast<uint64_t>(position),
                 static_cast<uint64_t>(fd), ring::kLastPosition);
  keep_in_step();
}

template <class Call>
ssize_t transfer(EventKind kind, int fd, int64_t offset, Call call) {
  const uint64_t file = file_behind(fd);
  if (file <= kNotAFile) return call();
  claim(fd, file);
  FileCall timed;
  const ssize_t moved = call();
  note_moved(kind, fd, file, offset, moved);
  timed.end();
  return moved;
}

template <class Call>
int change(EventKind kind, int fd, uint64_t offset, Call call) {
  const uint64_t file = file_behind(fd);
  if (file <= kNotAFile) return call();
  FileCall timed;
  const int result = call();
  if (result == 0) note_change(kind, file, offset);
  timed.end();
  return result;
}

int opened(int fd, int flags) {
  if (fd < 0) return fd;
  forget(fd);
  if ((flags & O_TRUNC) != 0 && (flags & O_ACCMODE) != O_RDONLY)
    note_change(EventKind::kFileTruncate, file_behind(fd), 0);
  return fd;
}

/// Where the moved bytes begin: the kernel has set *offset to their end. Before the call it is unknown whether *offset
/// can be read.
int64_t begin_of(const off_t* offset, ssize_t moved) { return offset != nullptr && moved > 0 ? *offset - moved : -1; }

ssize_t between(int out, int in, const off_t* in_offset, const off_t* out_offset, ssize_t (*call)(void*), void* data) {
  const uint64_t source = file_behind(in), target = file_behind(out);
  if (source <= kNotAFile && target <= kNotAFile) return call(data);
  claim(in, source);
  claim(out, target);
  FileCall timed;
  const ssize_t moved = call(data);
  note_moved(EventKind::kFileRead, in, source, begin_of(in_offset, moved), moved);
  note_moved(EventKind::kFileWrite, out, target, begin_of(out_offset, moved), moved);
  timed.end();
  return moved;
}

template <class Call>
ssize_t between(int out, int in, const off_t* in_offset, const off_t* out_offset, Call call) {
  return between(
      out, in, in_offset, out_offset, [](void* data) { return (*static_cast<Call*>(data))(); }, &call);
}

/// After the guest's open() of `path` has returned `fd`: if --present-host shows another file there, opens that under
/// the same number. Not in a sealed process, whose filter may forbid the calls for it.
int shown(int fd, const char* path, int flags) {
  const Counted counted;
  if (counted.sealed() || !path_was_read(fd >= 0)) return fd;
  const int saved_errno = errno;
  note_opened(fd, path);
  if ((flags & O_ACCMODE) != O_RDONLY) return fd;
  const char* const stand_in = machine_file(path);
  int other = stand_in != nullptr ? real_libc_table.open(stand_in, flags) : -1;
  if (other >= 0 && fd >= 0) {
    raw_syscall(SYS_dup3, other, fd, flags & O_CLOEXEC);
    raw_syscall(SYS_close, other);
    other = fd;
  }
  errno = saved_errno;
  return other >= 0 ? other : fd;
}

mode_t mode_of(int flags, va_list rest) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;
}

}  // namespace

void push_file_note(EventKind kind, uint64_t file, uint64_t bytes, uint64_t offset, uint8_t flags) {
  trace::Event event;
  event.kind = kind;
  event.flags = flags;
  event.tid = current_tid();
  event.time_ns = clock_ns(CLOCK_MONOTONIC);
  event.address = file;
  event.bytes = bytes;
  event.argument = offset;
  agent_push(event);
}

void note_may_be_gone(uint64_t file) {
  if (!uses_memory_files.load(std::memory_order_relaxed) || !tracking() || thread_state.inside > 0 || !in_own_process())
    return;
  push_file_note(EventKind::kFileInMemory, file, 0, 0, ring::kMayBeGone);
}

void flush_file_note() {
  ThreadState& thread = thread_state;
  if (thread.file_bytes == 0) return;
  const uint64_t bytes = thread.file_bytes;
  thread.file_bytes = 0;
  if (tracking()) push_file_note(thread.file_kind, thread.file_id, bytes, thread.file_offset);
}

constexpr EventKind kRead = EventKind::kFileRead, kWrite = EventKind::kFileWrite;

#define OOMCAST_TRANSFER(kind, name, offset, parameters, arguments)                    \
  OOMCAST_EXPORT ssize_t name parameters {                                             \
    if (!OOMCAST_HAVE(name)) return missing<ssize_t>();                                \
    return transfer(kind, fd, offset, [&] { return real_libc_table.name arguments; }); \
  }

OOMCAST_EXPORT ssize_t read(int fd, void* to, size_t bytes) {
  if (!OOMCAST_HAVE(read)) return missing<ssize_t>();
  if (is_address_probe(fd)) return with_errno(-EAGAIN);
  return transfer(EventKind::kFileRead, fd, -1, [&] { return real_libc_table.read(fd, to, bytes); });
}
OOMCAST_EXPORT ssize_t write(int fd, const void* from, size_t bytes) {
  if (!OOMCAST_HAVE(write)) return missing<ssize_t>();
  if (is_address_probe(fd)) return probe_address(from);
  return transfer(EventKind::kFileWrite, fd, -1, [&] { return real_libc_table.write(fd, from, bytes); });
}
OOMCAST_TRANSFER(kRead, pread, at, (int fd, void* to, size_t bytes, off_t at), (fd, to, bytes, at))
OOMCAST_TRANSFER(kRead, pread64, at, (int fd, void* to, size_t bytes, off_t at), (fd, to, bytes, at))
OOMCAST_TRANSFER(kRead, readv, -1, (int fd, const iovec* to, int count), (fd, to, count))
OOMCAST_TRANSFER(kRead, preadv, at, (int fd, const iovec* to, int count, off_t at), (fd, to, count, at))
OOMCAST_TRANSFER(kRead, preadv64, at, (int fd, const iovec* to, int count, off_t at), (fd, to, count, at))
OOMCAST_TRANSFER(kRead, __read_chk, -1, (int fd, void* to, size_t bytes, size_t room), (fd, to, bytes, room))
OOMCAST_TRANSFER(kRead, __pread_chk, at, (int fd, void* to, size_t bytes, off_t at, size_t room),
                 (fd, to, bytes, at, room))
OOMCAST_TRANSFER(kRead, __pread64_chk, at, (int fd, void* to, size_t bytes, off_t at, size_t room),
                 (fd, to, bytes, at, room))
OOMCAST_TRANSFER(kWrite, pwrite, at, (int fd, const void* from, size_t bytes, off_t at), (fd, from, bytes, at))
OOMCAST_TRANSFER(kWrite, pwrite64, at, (int fd, const void* from, size_t bytes, off_t at), (fd, from, bytes, at))
OOMCAST_TRANSFER(kWrite, writev, -1, (int fd, const iovec* from, int count), (fd, from, count))
OOMCAST_TRANSFER(kWrite, pwritev, at, (int fd, const iovec* from, int count, off_t at), (fd, from, count, at))
OOMCAST_TRANSFER(kWrite, pwritev64, at, (int fd, const iovec* from, int count, off_t at), (fd, from, count, at))

#define OOMCAST_SENDFILE(name)                                                                              \
  OOMCAST_EXPORT ssize_t name(int out, int in, off_t* offset, size_t bytes) {                               \
    if (!OOMCAST_HAVE(name)) return missing<ssize_t>();                                                     \
    return between(out, in, offset, nullptr, [&] { return real_libc_table.name(out, in, offset, bytes); }); \
  }
OOMCAST_SENDFILE(sendfile)
OOMCAST_SENDFILE(sendfile64)

OOMCAST_EXPORT ssize_t copy_file_range(int in, off_t* in_offset, int out, off_t* out_offset, size_t bytes,
                                       unsigned flags) {
  if (!OOMCAST_HAVE(copy_file_range)) return missing<ssize_t>();
  return between(out, in, in_offset, out_offset,
                 [&] { return real_libc_table.copy_file_range(in, in_offset, out, out_offset, bytes, flags); });
}

#define OOMCAST_CHANGE(kind, name, offset, parameters, arguments)                    \
  OOMCAST_EXPORT int name parameters {                                               \
    if (!OOMCAST_HAVE(name)) return missing<int>();                                  \
    return change(kind, fd, offset, [&] { return real_libc_table.name arguments; }); \
  }

OOMCAST_CHANGE(EventKind::kFileSync, fsync, 0, (int fd), (fd))
OOMCAST_CHANGE(EventKind::kFileSync, fdatasync, 0, (int fd), (fd))

/// Pages touched through a mapping of the file that are about to be cut off are scanned first.
#define OOMCAST_TRUNCATE(name)                                                                                       \
  OOMCAST_EXPORT int name(int fd, off_t bytes) {                                                                     \
    if (!OOMCAST_HAVE(name)) return missing<int>();                                                                  \
    const uint64_t file = file_behind(fd);                                                                           \
    if (file > kNotAFile && in_memory(fd)) agent_request(ring::RequestKind::kFileNoted, 0, 0, ring::kScanShared, 0); \
    return change(EventKind::kFileTruncate, fd, static_cast<uint64_t>(bytes),                                        \
                  [&] { return real_libc_table.name(fd, bytes); });                                                  \
  }
OOMCAST_TRUNCATE(ftruncate)
OOMCAST_TRUNCATE(ftruncate64)

namespace {

/// For files that are memory. On a disk, fallocate() reserves blocks and uses no page.
void note_allocated(int fd, int mode, off_t offset, off_t bytes) {
  if (bytes <= 0 || offset < 0) return;
  const uint64_t file = file_behind(fd);
  if (file <= kNotAFile || !in_memory(fd)) return;
  flush_file_note();
  if ((mode & ~FALLOC_FL_KEEP_SIZE) == 0)
    push_file_note(EventKind::kFileWrite, file, static_cast<uint64_t>(bytes), static_cast<uint64_t>(offset),
                   trace::kPresent);
  else if ((mode & FALLOC_FL_PUNCH_HOLE) != 0)
    push_file_note(EventKind::kFilePunch, file, static_cast<uint64_t>(bytes), static_cast<uint64_t>(offset));
  keep_in_step();
}

}  // namespace

#define OOMCAST_ALLOCATE(name, mode, parameters, arguments)   \
  OOMCAST_EXPORT int name parameters {                        \
    if (!OOMCAST_HAVE(name)) return missing<int>();           \
    const int result = real_libc_table.name arguments;        \
    if (result == 0) note_allocated(fd, mode, offset, bytes); \
    return result;                                            \
  }
OOMCAST_ALLOCATE(fallocate, how, (int fd, int how, off_t offset, off_t bytes), (fd, how, offset, bytes))
OOMCAST_ALLOCATE(fallocate64, how, (int fd, int how, off_t offset, off_t bytes), (fd, how, offset, bytes))
OOMCAST_ALLOCATE(posix_fallocate, 0, (int fd, off_t offset, off_t bytes), (fd, offset, bytes))
OOMCAST_ALLOCATE(posix_fallocate64, 0, (int fd, off_t offset, off_t bytes), (fd, offset, bytes))

OOMCAST_EXPORT ssize_t splice(int in, off_t* in_offset, int out, off_t* out_offset, size_t bytes, unsigned flags) {
  if (!OOMCAST_HAVE(splice)) return missing<ssize_t>();
  return between(out, in, in_offset, out_offset,
                 [&] { return real_libc_table.splice(in, in_offset, out, out_offset, bytes, flags); });
}

#define OOMCAST_OPEN(name, parameters, arguments)                             \
  OOMCAST_EXPORT int name parameters {                                        \
    if (!OOMCAST_HAVE(name)) return missing<int>();                           \
    va_list rest;                                                             \
    va_start(rest, flags);                                                    \
    const mode_t mode = mode_of(flags, rest);                                 \
    va_end(rest);                                                             \
    return opened(shown(real_libc_table.name arguments, path, flags), flags); \
  }
OOMCAST_OPEN(open, (const char* path, int flags, ...), (path, flags, mode))
OOMCAST_OPEN(open64, (const char* path, int flags, ...), (path, flags, mode))
OOMCAST_OPEN(openat, (int base, const char* path, int flags, ...), (base, path, flags, mode))
OOMCAST_OPEN(openat64, (int base, const char* path, int flags, ...), (base, path, flags, mode))

#define OOMCAST_OPEN_2(name, parameters, arguments, flags)                    \
  OOMCAST_EXPORT int name parameters {                                        \
    if (!OOMCAST_HAVE(name)) return missing<int>();                           \
    return opened(shown(real_libc_table.name arguments, path, flags), flags); \
  }
OOMCAST_OPEN_2(__open_2, (const char* path, int how), (path, how), how)
OOMCAST_OPEN_2(__open64_2, (const char* path, int how), (path, how), how)
OOMCAST_OPEN_2(__openat_2, (int base, const char* path, int how), (base, path, how), how)
OOMCAST_OPEN_2(__openat64_2, (int base, const char* path, int how), (base, path, how), how)
OOMCAST_OPEN_2(creat, (const char* path, mode_t mode), (path, mode), O_WRONLY | O_TRUNC)
OOMCAST_OPEN_2(creat64, (const char* path, mode_t mode), (path, mode), O_WRONLY | O_TRUNC)

// A descriptor is forgotten before it is closed: afterwards another thread may already have the same number.
#define OOMCAST_CLOSE(name, forgetting, closed, parameters, arguments) \
  OOMCAST_EXPORT int name parameters {                                 \
    if (!OOMCAST_HAVE(name)) return missing<int>();                    \
    forgetting;                                                        \
    const int result = real_libc_table.name arguments;                 \
    closed;                                                            \
    return result;                                                     \
  }
OOMCAST_CLOSE(close, const uint64_t file = forget(fd), if (file != 0) note_may_be_gone(file), (int fd), (fd))
OOMCAST_CLOSE(close_range, if ((flags & 4 /* CLOSE_RANGE_CLOEXEC */) == 0) forget_from(first, last),
              note_may_be_gone(0), (unsigned first, unsigned last, int flags), (first, last, flags))

OOMCAST_EXPORT int fclose(FILE* stream) {
  if (!OOMCAST_HAVE(fclose)) return missing<int>();
  const int saved_errno = errno;
  note_stream_closing(stream, fileno(stream));
  const uint64_t file = forget(fileno(stream));
  errno = saved_errno;
  const int result = real_libc_table.fclose(stream);
  if (file != 0) note_may_be_gone(file);
  return result;
}

// The new file gets the descriptor's number, or another one.
#define OOMCAST_REOPEN(name)                                                    \
  OOMCAST_EXPORT FILE* name(const char* path, const char* mode, FILE* stream) { \
    if (!OOMCAST_HAVE(name)) return errno = ENOSYS, nullptr;                    \
    const int saved_errno = errno;                                              \
    note_stream_closing(stream, fileno(stream));                                \
    const uint64_t file = forget(fileno(stream));                               \
    errno = saved_errno;                                                        \
    FILE* const reopened = real_libc_table.name(path, mode, stream);            \
    if (file != 0) note_may_be_gone(file);                                      \
    if (reopened != nullptr) forget(fileno(reopened));                          \
    return reopened;                                                            \
  }
OOMCAST_REOPEN(freopen)
OOMCAST_REOPEN(freopen64)

OOMCAST_EXPORT void closefrom(int first) {
  if (!OOMCAST_HAVE(closefrom)) return;
  forget_from(first < 0 ? 0 : static_cast<unsigned>(first), ~0u);
  real_libc_table.closefrom(first);
  note_may_be_gone(0);
}

OOMCAST_EXPORT int dup(int fd) {
  if (!OOMCAST_HAVE(dup)) return missing<int>();
  const int copy = real_libc_table.dup(fd);
  forget(copy);
  return copy;
}

#define OOMCAST_DUP_OVER(name, parameters, arguments)                          \
  OOMCAST_EXPORT int name parameters {                                         \
    if (!OOMCAST_HAVE(name)) return missing<int>();                            \
    const int copy = real_libc_table.name arguments;                           \
    if (const uint64_t file = forget(copy); file != 0) note_may_be_gone(file); \
    return copy;                                                               \
  }
OOMCAST_DUP_OVER(dup2, (int fd, int wanted), (fd, wanted))
OOMCAST_DUP_OVER(dup3, (int fd, int wanted, int flags), (fd, wanted, flags))

}  // namespace oomcast::inject
