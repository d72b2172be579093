// Does something that held memory would break, and makes a child.   gives_way forks|traces
// forks: opens its own memory file, then forks. traces: traces a child that no fork handler has seen, before the child execs.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int status_of(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) == child && !WIFEXITED(status)) ptrace(PTRACE_CONT, child, 0, 0);
  return WEXITSTATUS(status);
}

static char* volatile written;  // the compiler leaves out what nobody could read

static int forks(void) {
  if (open("/proc/self/mem", O_RDONLY) < 0) return 9;
  const pid_t child = fork();
  if (child == 0) {
    written = malloc(4 << 20);
    memset(written, 1, 4 << 20);
    _exit(3);
  }
  return status_of(child);
}

static int traces(void) {
  int go[2];
  if (pipe(go) != 0) return 9;
  const pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    char word;
    if (syscall(SYS_read, go[0], &word, 1) != 1) _exit(8);
    execl("/bin/sh", "sh", "-c", "exit 3", (char*)0);
    _exit(7);
  }
  if (ptrace(PTRACE_SEIZE, child, 0, 0) != 0 || write(go[1], "x", 1) != 1) return 6;
  return status_of(child);
}

int main(int count, char** words) { return count > 1 && strcmp(words[1], "traces") == 0 ? traces() : forks(); }
