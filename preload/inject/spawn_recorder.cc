// Starts `oomcast record-attached` for a program that has only preloaded the library.
//
// The recorder is a grandchild, so the guest gets no new child to wait for. It has a session of its own and /dev/null
// as standard streams, so the guest's output is unchanged. The guest's children find the recorder through
// OOMCAST_SOCKET.
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/wait.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "preload/inject/agent.h"
#include "preload/inject/decimal.h"
#include "preload/inject/raw_syscall.h"

extern "C" char** environ;

namespace oomcast::inject {
namespace {

char socket_variable[64];
char descriptor_variable[40];
char program_path[PATH_MAX + 64];

bool executable(const char* path) { return raw_syscall(SYS_faccessat, AT_FDCWD, arg(path), X_OK) == 0; }

/// Looks beside the library in the build tree, in the install prefix, and at the configured install path. Null: not
/// found.
const char* find_program() {
  if (const char* given = getenv("OOMCAST_PROGRAM")) return executable(given) ? given : nullptr;
  Dl_info where;
  if (dladdr(reinterpret_cast<void*>(&find_program), &where) != 0 && where.dli_fname != nullptr &&
      strlen(where.dli_fname) < PATH_MAX) {
    static const char* const kFromLibrary[] = {"/../report/oomcast", "/../../../bin/oomcast", "/../../bin/oomcast",
                                               "/oomcast"};
    for (const char* relative : kFromLibrary) {
      strcpy(program_path, where.dli_fname);
      char* slash = strrchr(program_path, '/');
      if (slash == nullptr) break;
      strcpy(slash, relative);
      if (executable(program_path)) return program_path;
    }
  }
  if (executable(OOMCAST_INSTALL_BINDIR "/oomcast")) return OOMCAST_INSTALL_BINDIR "/oomcast";
  return nullptr;
}

/// Two copies of environ in one mapping: for the guest and its children with the recorder's address, for the recorder
/// without the library.
struct Environments {
  char** children = nullptr;
  char** recorder = nullptr;

  bool make() {
    size_t count = 0;
    while (environ[count] != nullptr) ++count;
    constexpr size_t kMore = 3;  // two variables and the end
    const size_t bytes = 2 * (count + kMore) * sizeof(char*);
    const long memory =
        own_syscall(SYS_mmap, 0, static_cast<long>(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (failed(memory)) return false;
    children = reinterpret_cast<char**>(memory);
    recorder = children + count + kMore;
    char **child = children, **ours = recorder;
    for (char** at = environ; *at != nullptr; ++at) {
      *child++ = *at;
      if (strncmp(*at, "LD_PRELOAD=", 11) != 0) *ours++ = *at;
    }
    *child = *ours++ = socket_variable;
    *ours = descriptor_variable;
    return true;
  }
};

/// Becomes the recorder. `fd` is the only descriptor from 3 on that stays open: otherwise the guest's pipes would never
/// end.
void run_recorder(const char* program, int fd, char** environment) {
  raw_syscall(SYS_setsid);
  const char* log = getenv("OOMCAST_LOG");
  const long null = own_syscall(SYS_openat, AT_FDCWD, arg("/dev/null"), O_RDWR);
  long out = log == nullptr ? null : own_syscall(SYS_openat, AT_FDCWD, arg(log), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (out < 0) out = null;
  raw_syscall(SYS_dup3, null, 0, 0);
  raw_syscall(SYS_dup3, out, 1, 0);
  raw_syscall(SYS_dup3, out, 2, 0);
  own_syscall(SYS_fcntl, fd, F_SETFD, 0);
  if (fd > 3) raw_syscall(SYS_close_range, 3, fd - 1, 0);
  raw_syscall(SYS_close_range, fd + 1, ~0u, 0);
  const char* const arguments[] = {program, "record-attached", strchr(descriptor_variable, '=') + 1, nullptr};
  raw_syscall(SYS_execve, arg(program), arg(arguments), arg(environment));
  raw_syscall(SYS_exit_group, 127);
}

/// Whether orphans become children of this process (PID 1 of a container, a subreaper). The recorder would be one of
/// them, and a program that waits for its last child would wait for the recorder, which waits for the program.
bool adopts_orphans() {
  int subreaper = 0;
  raw_syscall(SYS_prctl, PR_GET_CHILD_SUBREAPER, arg(&subreaper), 0, 0, 0);
  return subreaper != 0 || raw_syscall(SYS_getpid) == 1;
}

/// Stays as the recorder's parent. The guest's wait() does not see a child that was cloned without SIGCHLD and has not
/// exec'ed.
[[noreturn]] void keep_recorder(long recorder) {
  raw_syscall(SYS_setsid);
  raw_syscall(SYS_close_range, 0, ~0u, 0);
  while (raw_syscall(SYS_wait4, recorder, 0, __WALL, 0) == -EINTR) {
  }
  for (;;) raw_syscall(SYS_exit_group, 0);
}

}  // namespace

int spawn_recorder() {
  const char* program = find_program();
  if (program == nullptr || environ == nullptr) return -1;
  int pair[2];
  if (own_syscall(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, arg(pair)) != 0) return -1;
  long theirs = own_syscall(SYS_fcntl, pair[1], F_DUPFD_CLOEXEC, 800);
  if (theirs >= 0)
    raw_syscall(SYS_close, pair[1]);
  else
    theirs = pair[1];

  // The library chooses the name, because it must be in the environment before any other program is started.
  uint64_t token = 0;
  own_syscall(SYS_getrandom, arg(&token), sizeof token, 0);
  strcpy(socket_variable, "OOMCAST_SOCKET=@oomcast-");
  append_decimal(socket_variable, static_cast<uint64_t>(raw_syscall(SYS_getpid)));
  strcat(socket_variable, "-");
  append_decimal(socket_variable, token);
  strcpy(descriptor_variable, "OOMCAST_ATTACH_FD=");
  append_decimal(descriptor_variable, static_cast<uint64_t>(theirs));
  Environments environments;
  const bool adopts = adopts_orphans();

  long child = -1;
  if (environments.make()) {
    SignalsHeld held;
    child = own_syscall(SYS_clone, 0 /* a copy that sends no SIGCHLD */);
    if (child == 0) {
      const long recorder = own_syscall(SYS_clone, 0);
      if (recorder == 0) {
        const uint64_t none = 0;
        raw_syscall(SYS_rt_sigprocmask, 2, arg(&none), 0, sizeof none);
        run_recorder(program, static_cast<int>(theirs), environments.recorder);
      }
      if (adopts && recorder > 0) keep_recorder(recorder);
      raw_syscall(SYS_exit_group, 0);
    }
    if (child > 0 && !adopts) raw_syscall(SYS_wait4, child, 0, __WALL, 0);
  }
  raw_syscall(SYS_close, theirs);
  if (child < 0) {
    raw_syscall(SYS_close, pair[0]);
    return -1;
  }
  environ = environments.children;
  return pair[0];
}

}  // namespace oomcast::inject
