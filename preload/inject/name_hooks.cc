// Hooks the calls that take a name of a file away, and notes which file has lost its last one. The kernel then drops
// the cached pages of the file, once no descriptor and no mapping holds it.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/inject/agent.h"
#include "preload/inject/counted.h"
#include "preload/inject/raw_syscall.h"
#include "preload/inject/real_libc.h"

namespace oomcast::inject {
namespace {

#define OOMCAST_EXPORT extern "C" __attribute__((visibility("default")))

/// A file with one name, before a call that may take that name away. 0: there is none, or nobody listens.
struct OnlyName {
  uint64_t file = 0, inode = 0;
};

OnlyName only_name(int base, const char* path) {
  if (!tracking() || thread_state.inside > 0) return {};
  const Counted counted;
  struct stat status;
  if (!counted.tracking() || !in_own_process() ||
      raw_syscall(SYS_newfstatat, base, arg(path), arg(&status), AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(status.st_mode) || status.st_nlink != 1)
    return {};
  return {ring::file_id(status.st_dev, status.st_ino), status.st_ino};
}

/// After the call. Which file in memory has lost a name, if one has, is not known.
void note_name_gone(const OnlyName& name) {
  if (name.file != 0 && tracking()) {
    flush_file_note();
    thread_state.last_file_page = 0;
    push_file_note(trace::EventKind::kFileTruncate, name.file, 0, name.inode, ring::kLastNameGone);
  }
  note_may_be_gone(0);
}

/// rename(): the file that `to` has named so far. A file renamed to its own name keeps it.
OnlyName replaced(int from_base, const char* from, int to_base, const char* to) {
  const OnlyName there = only_name(to_base, to);
  return there.file != 0 && there.file != only_name(from_base, from).file ? there : OnlyName{};
}

/// A file in memory is no business of these notes. What was touched of other segments lies beside it until it goes:
/// workers make the next one before they drop the last.
OnlyName scanned() {
  request_shared_scan();
  return {};
}

}  // namespace

// `named`: the file that loses its only name if the call succeeds.
#define OOMCAST_UNLINK(name, named, parameters, arguments) \
  OOMCAST_EXPORT int name parameters {                     \
    if (!OOMCAST_HAVE(name)) return missing<int>();        \
    const OnlyName only = named;                           \
    const int result = real_libc_table.name arguments;     \
    if (result == 0) note_name_gone(only);                 \
    return result;                                         \
  }
OOMCAST_UNLINK(unlink, only_name(AT_FDCWD, path), (const char* path), (path))
OOMCAST_UNLINK(unlinkat, only_name(base, path), (int base, const char* path, int flags), (base, path, flags))
OOMCAST_UNLINK(remove, only_name(AT_FDCWD, path), (const char* path), (path))
OOMCAST_UNLINK(shm_unlink, scanned(), (const char* name), (name))
OOMCAST_UNLINK(rename, replaced(AT_FDCWD, from, AT_FDCWD, to), (const char* from, const char* to), (from, to))
OOMCAST_UNLINK(renameat, replaced(from_base, from, to_base, to),
               (int from_base, const char* from, int to_base, const char* to), (from_base, from, to_base, to))
OOMCAST_UNLINK(renameat2, (how & RENAME_EXCHANGE) != 0 ? OnlyName{} : replaced(from_base, from, to_base, to),
               (int from_base, const char* from, int to_base, const char* to, unsigned how),
               (from_base, from, to_base, to, how))

}  // namespace oomcast::inject
