// Gives up a right in the way that its argument names, and goes on allocating.
// drops_rights setuid|unshare|chroot|undumpable|mm|vfork
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void work(void) {
  long sum = 0;
  for (int i = 0; i < 30; ++i) {
    char* block = malloc(500000 + (size_t)i * 10000);
    memset(block, i, 500000);
    sum += block[70];
    if (i % 2) free(block);
  }
  char* map = mmap(0, 6 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(map, 3, 6 << 20);
  printf("sum %ld %d\n", sum, map[99]);
}

int main(int count, char** words) {
  const char* mode = count > 1 ? words[1] : "setuid";
  work();
  errno = 0;
  int done = 0;
  if (strcmp(mode, "setuid") == 0) done = setgid(65534) | setuid(65534);
  if (strcmp(mode, "unshare") == 0) done = unshare(CLONE_NEWNS | CLONE_FILES | CLONE_FS | CLONE_NEWIPC);
  if (strcmp(mode, "chroot") == 0) done = chroot("/proc") | chdir("/");
  if (strcmp(mode, "undumpable") == 0) done = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (strcmp(mode, "mm") == 0) done = prctl(PR_SET_MM, PR_SET_MM_ARG_START, (unsigned long)words[0], 0, 0);
  if (strcmp(mode, "vfork") == 0)
    for (int i = 0; i < 50; ++i) {
      const pid_t child = vfork();
      if (child == 0) _exit(i);
      int status = 0;
      waitpid(child, &status, 0);
      if (status != i << 8) puts("another's status");
    }
  printf("%s %d errno %d\n", mode, done, errno);
  work();
  const pid_t child = fork();
  if (child == 0) {
    work();
    fflush(stdout);
    _exit(7);
  }
  fflush(stdout);
  int status = 0;
  waitpid(child, &status, 0);
  printf("child %d\n", WEXITSTATUS(status));
  return 5;
}
