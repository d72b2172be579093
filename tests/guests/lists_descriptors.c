// Lists the descriptors that a program finds open: its own, its forked child's after some work, and those of a program that it execs.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
static void list(const char* who) {
  char line[4096] = "";
  struct stat status;
  for (int fd = 0; fd < sysconf(_SC_OPEN_MAX) && fd < 65536; ++fd)
    if (fstat(fd, &status) == 0) sprintf(line + strlen(line), " %d", fd);
  printf("%s:%s\n", who, line);
  fflush(stdout);
}
static void work(void) {
  for (int i = 0; i < 64; ++i) memset(malloc(256 << 10), 1, 256 << 10);  // each has its stack taken
  memset(mmap(0, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, 4 << 20);
}
int main(int argc, char** argv) {
  if (argc > 1) {
    work();
    list("exec'ed");
    return 0;
  }
  list("fresh");
  work();
  list("after work");
  if (fork() == 0) {
    list("child");
    work();
    list("child after work");
    execl(argv[0], argv[0], "again", (char*)0);
    _exit(1);
  }
  wait(0);
  return 0;
}
