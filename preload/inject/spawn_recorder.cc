// Who records a program that merely preloaded the library? The library starts `oomcast record-attached` itself.
//
// A grandchild, so that the guest gets no new child to wait for, in a session of its own, with /dev/null for its standard
// streams: the guest's output stays its own. The guest's children find the recorder through OOMCAST_SOCKET.
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/wait.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "preload/inject/agent.h"
#include "preload/inject/raw_syscall.h"

extern "C" char** environ;

namespace oomcast::inject {
namespace {

constexpr size_t kEnvironMax = 4096;
char* environment_for_children[kEnvironMax + 2];
char* environment_for_recorder[kEnvironMax + 3];
char socket_variable[64];
char descriptor_variable[40];
char program_path[PATH_MAX + 64];

void append_number(char* text, uint64_t value) {
  char digits[24];
  int count = 0;
  do digits[count++] = static_cast<char>('0' + value % 10);
  while ((value /= 10) != 0);
  text += strlen(text);
  while (count > 0) *text++ = digits[--count];
  *text = '\0';
}

bool executable(const char* path) { return raw_syscall(SYS_faccessat, AT_FDCWD, arg(path), X_OK) == 0; }

/// Beside us in the build tree, in the install prefix, or where the build said it would be installed.
const char* find_program() {
  if (const char* given = getenv("OOMCAST_PROGRAM")) return executable(given) ? given : nullptr;
  Dl_info where;
  if (dladdr(reinterpret_cast<void*>(&find_program), &where) != 0 && where.dli_fname != nullptr && strlen(where.dli_fname) < PATH_MAX) {
    static const char* const kFromLibrary[] = {"/../report/oomcast", "/../../../bin/oomcast", "/../../bin/oomcast", "/oomcast"};
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

void run_recorder(const char* program, int fd) {
  raw_syscall(SYS_setsid);
  const char* log = getenv("OOMCAST_LOG");
  const long null = own_syscall(SYS_openat, AT_FDCWD, arg("/dev/null"), O_RDWR);
  long out = log == nullptr ? null : own_syscall(SYS_openat, AT_FDCWD, arg(log), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (out < 0) out = null;
  raw_syscall(SYS_dup3, null, 0, 0);
  raw_syscall(SYS_dup3, out, 1, 0);
  raw_syscall(SYS_dup3, out, 2, 0);
  own_syscall(SYS_fcntl, fd, F_SETFD, 0);
  // The guest's other descriptors must not be kept open: its pipes would never end.
  if (fd > 3) raw_syscall(SYS_close_range, 3, fd - 1, 0);
  raw_syscall(SYS_close_range, fd + 1, ~0u, 0);
  const char* const arguments[] = {program, "record-attached", strchr(descriptor_variable, '=') + 1, nullptr};
  raw_syscall(SYS_execve, arg(program), arg(arguments), arg(environment_for_recorder));
  raw_syscall(SYS_exit_group, 127);
}

}  // namespace

int spawn_recorder() {
  const char* program = find_program();
  if (program == nullptr || environ == nullptr) return -1;
  int pair[2];
  if (own_syscall(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, arg(pair)) != 0) return -1;
  long theirs = own_syscall(SYS_fcntl, pair[1], F_DUPFD_CLOEXEC, 800);
  if (theirs >= 0) raw_syscall(SYS_close, pair[1]);
  else theirs = pair[1];

  // The name is ours to choose: it has to be in the environment before anything else is started.
  uint64_t token = 0;
  own_syscall(SYS_getrandom, arg(&token), sizeof token, 0);
  strcpy(socket_variable, "OOMCAST_SOCKET=@oomcast-");
  append_number(socket_variable, static_cast<uint64_t>(raw_syscall(SYS_getpid)));
  strcat(socket_variable, "-");
  append_number(socket_variable, token);
  strcpy(descriptor_variable, "OOMCAST_ATTACH_FD=");
  append_number(descriptor_variable, static_cast<uint64_t>(theirs));
  size_t guest = 0, recorder = 0;
  for (; environ[guest] != nullptr && guest < kEnvironMax; ++guest) {
    environment_for_children[guest] = environ[guest];
    if (strncmp(environ[guest], "LD_PRELOAD=", 11) != 0) environment_for_recorder[recorder++] = environ[guest];
  }
  environment_for_children[guest] = socket_variable;
  environment_for_recorder[recorder++] = socket_variable;
  environment_for_recorder[recorder] = descriptor_variable;

  long child;
  {
    SignalsHeld held;
    child = own_syscall(SYS_clone, 0 /* a copy that sends no SIGCHLD */);
    if (child == 0) {
      if (own_syscall(SYS_clone, 0) == 0) {
        const uint64_t none = 0;
        raw_syscall(SYS_rt_sigprocmask, 2, arg(&none), 0, sizeof none);
        run_recorder(program, static_cast<int>(theirs));
      }
      raw_syscall(SYS_exit_group, 0);
    }
    if (child > 0) raw_syscall(SYS_wait4, child, 0, __WALL, 0);
  }
  raw_syscall(SYS_close, theirs);
  if (child < 0) {
    raw_syscall(SYS_close, pair[0]);
    return -1;
  }
  environ = environment_for_children;
  return pair[0];
}

}  // namespace oomcast::inject
