// A child by clone() without any fork handler, and one by vfork: neither says hello by itself.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  memset(malloc(1 << 20), 1, 1 << 20);
  const pid_t copy = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (copy == 0) {
    char* own = mmap(0, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(own, 2, 16 << 20);
    usleep(400000);
    _exit(own[12345] == 2 ? 0 : 1);
  }
  int status = 0;
  waitpid(copy, &status, 0);
  const pid_t borrowed = vfork();
  if (borrowed == 0) {
    execlp("true", "true", (char*)0);
    _exit(9);
  }
  int other = 0;
  waitpid(borrowed, &other, 0);
  return WEXITSTATUS(status) + WEXITSTATUS(other);
}
