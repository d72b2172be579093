// Examines each program before it is started: a program that this library would keep from starting is started without
// it.
//
// The recorder finds such a program among its parent's children and polls it. Callers may be vfork children or signal
// handlers on small stacks: small memory is taken from the stack, large memory is mapped.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/prctl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/inject/agent.h"
#include "preload/inject/decimal.h"
#include "preload/inject/exec_environment.h"
#include "preload/inject/raw_syscall.h"
#include "preload/inject/real_libc.h"

extern "C" char** environ;

namespace oomcast::inject {
namespace {

#define OOMCAST_EXPORT extern "C" __attribute__((visibility("default")))

using Strings = char* const*;

/// The library has switched huge pages off in a polled process. They would stay off in a new program, which has no
/// library to hide that. Not in a vfork child: the setting is its parent's mm's.
class HugePagesBack {
 public:
  HugePagesBack()
      : were_off_(agent_without_huge_pages.load(std::memory_order_relaxed) &&
                  !agent_guest_without_huge_pages.load(std::memory_order_relaxed) && in_own_process()) {
    if (were_off_) raw_syscall(SYS_prctl, PR_SET_THP_DISABLE, 0, 0, 0, 0);
  }
  ~HugePagesBack() {
    if (were_off_) raw_syscall(SYS_prctl, PR_SET_THP_DISABLE, 1, 0, 0, 0);
  }
  HugePagesBack(const HugePagesBack&) = delete;
  HugePagesBack& operator=(const HugePagesBack&) = delete;

 private:
  bool were_off_;
};

template <class Start>
[[gnu::noinline]] int start_with_copy(const EnvironmentRoom& room, Strings envp, Start start) {
  constexpr size_t kOnStack = 8 << 10;
  const size_t bytes = room.pointers * sizeof(char*) + room.text_bytes;
  if (bytes <= kOnStack) {
    auto* const memory = static_cast<char*>(__builtin_alloca(bytes));
    copy_without_library(envp, reinterpret_cast<char**>(memory), memory + room.pointers * sizeof(char*));
    return start(reinterpret_cast<Strings>(memory));
  }
  const long mapped =
      raw_syscall(SYS_mmap, 0, static_cast<long>(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (failed(mapped)) return start(envp);
  auto* const memory = reinterpret_cast<char*>(mapped);
  copy_without_library(envp, reinterpret_cast<char**>(memory), memory + room.pointers * sizeof(char*));
  const int result = start(reinterpret_cast<Strings>(memory));
  raw_syscall(SYS_munmap, mapped, static_cast<long>(bytes));
  return result;
}

/// Calls `start` with the environment that the program at `path` needs; null: unknown, the environment stays. A path
/// that cannot be read goes to the kernel only, which finds no program there. `replaces_us`: an exec, not a spawn.
template <class Start>
int with_environment(const char* path, Strings envp, bool replaces_us, Start start) {
  const int saved_errno = errno;
  if (replaces_us) request_shared_scan();
  const EnvironmentRoom room = path != nullptr ? room_without_library(path, envp) : EnvironmentRoom{};
  errno = saved_errno;
  if (room.pointers == 0) return start(envp);
  if (!replaces_us) return start_with_copy(room, envp, start);
  const HugePagesBack back;
  return start_with_copy(room, envp, start);
}

/// False: the pointer is bad, which only the kernel may find out.
bool can_be_read(const char* path) {
  return agent_sealed.load(std::memory_order_relaxed) ||
         raw_syscall(SYS_faccessat, AT_FDCWD, reinterpret_cast<long>(path), F_OK) != -EFAULT;
}

/// The file that execvp() and posix_spawnp() would start, written into `room`: the first executable one in PATH. Null:
/// none.
const char* search_path(const char* file, char* room) {
  if (file == nullptr || *file == '\0' || agent_sealed.load(std::memory_order_relaxed)) return file;
  if (strchr(file, '/') != nullptr) return file;
  const char* list = getenv("PATH");
  if (list == nullptr) list = "/bin:/usr/bin";
  const size_t length = strlen(file);
  for (;;) {
    const size_t directory = strcspn(list, ":");
    if (directory + length + 2 <= PATH_MAX) {
      memcpy(room, list, directory);
      if (directory > 0) room[directory] = '/';
      memcpy(room + directory + (directory > 0 ? 1 : 0), file, length + 1);
      if (raw_syscall(SYS_faccessat, AT_FDCWD, arg(room), X_OK) == 0) return room;
    }
    if (list[directory] == '\0') return nullptr;
    list += directory + 1;
  }
}

int start_path(const char* path, Strings argv, Strings envp) {
  return with_environment(path, envp, true, [&](Strings environment) {
    return static_cast<int>(with_errno(raw_syscall(SYS_execve, reinterpret_cast<long>(path),
                                                   reinterpret_cast<long>(argv), reinterpret_cast<long>(environment))));
  });
}

/// Not inlined, so that calls with a path need less stack.
[[gnu::noinline]] int start_found(const char* file, Strings argv, Strings envp) {
  if (!have_real_libc() || real_libc_table.execvpe == nullptr) return errno = ENOSYS, -1;
  char room[PATH_MAX];
  return with_environment(search_path(file, room), envp, true,
                          [&](Strings environment) { return real_libc_table.execvpe(file, argv, environment); });
}

}  // namespace

OOMCAST_EXPORT int execve(const char* path, Strings argv, Strings envp) { return start_path(path, argv, envp); }
OOMCAST_EXPORT int execv(const char* path, Strings argv) { return start_path(path, argv, environ); }
OOMCAST_EXPORT int execvpe(const char* file, Strings argv, Strings envp) { return start_found(file, argv, envp); }
OOMCAST_EXPORT int execvp(const char* file, Strings argv) { return start_found(file, argv, environ); }

/// /proc/self/fd names the file of the descriptor.
OOMCAST_EXPORT int fexecve(int fd, Strings argv, Strings envp) {
  if (!have_real_libc() || real_libc_table.fexecve == nullptr) return errno = ENOSYS, -1;
  char path[40] = "/proc/self/fd/";
  append_decimal(path, static_cast<unsigned>(fd));
  return with_environment(path, envp, true,
                          [&](Strings environment) { return real_libc_table.fexecve(fd, argv, environment); });
}

/// A path relative to another directory is not examined; only in a sealed process the library is taken out for it too.
OOMCAST_EXPORT int execveat(int directory, const char* path, Strings argv, Strings envp, int flags) {
  const bool plain = path != nullptr && can_be_read(path) &&
                     (agent_sealed.load(std::memory_order_relaxed) || directory == AT_FDCWD || path[0] == '/');
  return with_environment(plain ? path : nullptr, envp, true, [&](Strings environment) {
    return static_cast<int>(
        with_errno(raw_syscall(SYS_execveat, directory, reinterpret_cast<long>(path), reinterpret_cast<long>(argv),
                               reinterpret_cast<long>(environment), flags)));
  });
}

// Counts the arguments and copies them into an array. execle()'s environment follows their null.
#define OOMCAST_EXECL(name, call)                                                                          \
  OOMCAST_EXPORT int name(const char* path, const char* first, ...) {                                      \
    va_list rest, again;                                                                                   \
    va_start(rest, first);                                                                                 \
    va_copy(again, rest);                                                                                  \
    size_t count = 1;                                                                                      \
    if (first != nullptr)                                                                                  \
      for (; va_arg(rest, const char*) != nullptr;) ++count;                                               \
    auto** const argv = static_cast<char**>(__builtin_alloca((count + 1) * sizeof(char*)));                \
    argv[0] = const_cast<char*>(first);                                                                    \
    for (size_t i = 1; i < count; ++i) argv[i] = va_arg(again, char*);                                     \
    argv[first != nullptr ? count : 0] = nullptr;                                                          \
    [[maybe_unused]] const auto environment_argument = [&]() -> Strings { return va_arg(rest, Strings); }; \
    const int result = call;                                                                               \
    va_end(again);                                                                                         \
    va_end(rest);                                                                                          \
    return result;                                                                                         \
  }
OOMCAST_EXECL(execl, start_path(path, argv, environ))
OOMCAST_EXECL(execlp, start_found(path, argv, environ))
OOMCAST_EXECL(execle, start_path(path, argv, environment_argument()))

OOMCAST_EXPORT int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                               const posix_spawnattr_t* attributes, Strings argv, Strings envp) {
  if (!have_real_libc() || real_libc_table.posix_spawn == nullptr) return ENOSYS;
  return with_environment(path, envp, false, [&](Strings environment) {
    return real_libc_table.posix_spawn(pid, path, actions, attributes, argv, environment);
  });
}

OOMCAST_EXPORT int posix_spawnp(pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions,
                                const posix_spawnattr_t* attributes, Strings argv, Strings envp) {
  if (!have_real_libc() || real_libc_table.posix_spawnp == nullptr) return ENOSYS;
  char room[PATH_MAX];
  return with_environment(search_path(file, room), envp, false, [&](Strings environment) {
    return real_libc_table.posix_spawnp(pid, file, actions, attributes, argv, environment);
  });
}

}  // namespace oomcast::inject
