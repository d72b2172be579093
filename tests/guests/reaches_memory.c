// Reads and writes fresh memory by ways that cannot wait for a fault: /proc/PID/mem, process_vm_readv, ptrace; its own and its child's.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kBytes = 32 << 20 };

static char* fresh(void) { return mmap(0, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
static void say(const char* what, long got) { printf("%s %ld errno %d\n", what, got, errno); }

static void own_memory(const char* path) {
  char* memory = fresh();
  char buffer[8192] = {};
  const int file = open(path, O_RDWR);
  errno = 0;
  say("read", pread(file, buffer, 4096, (long)memory));
  errno = 0;
  say("write", pwrite(file, "hello", 5, (long)memory + 40960));
  printf("%s\n", memory + 40960);
  struct iovec here = {buffer, 4096}, there = {memory + 409600, 4096};
  errno = 0;
  say("vm read", process_vm_readv(getpid(), &here, 1, &there, 1, 0));
  memset(buffer, 7, sizeof buffer);
  there.iov_base = memory + 819200;
  errno = 0;
  say("vm write", process_vm_writev(getpid(), &here, 1, &there, 1, 0));
  printf("%d\n", memory[819200]);
  close(file);
}

static void child_memory(int attaches) {
  int ready[2], go[2];
  if (pipe(ready) != 0 || pipe(go) != 0) exit(9);
  fflush(stdout);
  char* memory = 0;
  const pid_t child = fork();
  if (child == 0) {
    memory = fresh();
    if (!attaches) ptrace(PTRACE_TRACEME, 0, 0, 0);
    if (write(ready[1], &memory, sizeof memory) < 0) _exit(9);
    if (!attaches) raise(SIGSTOP);
    char word;
    if (attaches && read(go[0], &word, 1) != 1) _exit(9);
    printf("child sees %d\n", memory[819200]);
    fflush(stdout);
    _exit(0);
  }
  int status = 0;
  if (read(ready[0], &memory, sizeof memory) != sizeof memory) exit(9);
  if (attaches) ptrace(PTRACE_ATTACH, child, 0, 0);
  waitpid(child, &status, 0);
  errno = 0;
  say("peek", ptrace(PTRACE_PEEKDATA, child, memory + 409600, 0));
  errno = 0;
  say("poke", ptrace(PTRACE_POKEDATA, child, memory + 819200, 5L));
  char path[64], page[4096];
  snprintf(path, sizeof path, "/proc/%d/mem", child);
  const int file = open(path, O_RDONLY);
  errno = 0;
  say("child's file", pread(file, page, sizeof page, (long)memory + 1228800));
  close(file);
  ptrace(PTRACE_DETACH, child, 0, 0);
  if (attaches && write(go[1], "x", 1) != 1) exit(9);
  waitpid(child, &status, 0);
  printf("status %x\n", status);
}

int main(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/mem", getpid());
  child_memory(0);
  child_memory(1);
  own_memory("/proc/self/mem");
  own_memory(path);
  return 0;
}
