// Uses descriptors that are none, lays its own over all of them, closes them all, and lowers their limit, allocating all the time.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static long total;
static void allocate(void) {
  for (int i = 0; i < 40; ++i) {
    char* block = malloc(70000 + (size_t)i * 10000);
    memset(block, i, 70000);
    total += block[3];
    if (i % 3) free(block);
  }
}
static void say(const char* what, long got) { printf("%s %ld errno %d\n", what, got, errno); errno = 0; }

int main(void) {
  char byte;
  errno = 0;
  say("read", read(-1000, &byte, 1));
  say("write", write(-1000, "x", 1));
  say("syscall read", syscall(SYS_read, -1000, &byte, 1));
  say("syscall write", syscall(SYS_write, -1000, "x", 1));
  say("close", close(-1000));
  say("dup", dup(-1000));
  say("fsync", fsync(-1));
  allocate();
  const int null = open("/dev/null", O_RDWR);
  for (int fd = 3; fd < 400; ++fd)
    if (fd != null) dup2(null, fd);
  allocate();
  closefrom(3);
  allocate();
  struct rlimit few = {4, 4};
  say("limit", setrlimit(RLIMIT_NOFILE, &few));
  allocate();
  say("lowest", dup(1));
  say("none left", dup(1));
  printf("total %ld\n", total);
  return 0;
}
