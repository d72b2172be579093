// Makes pipes, allocates and leaves by longjmp in a timer's handler while it allocates itself.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

static volatile long ticks, bad;
static volatile int may_jump;
static sigjmp_buf back;

static void on_timer(int number) {
  (void)number;
  const int saved = errno;
  ++ticks;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == 0) {
    if (ends[0] < 0 || ends[1] < 0) ++bad;
    else close(ends[0]), close(ends[1]);
  }
  errno = 0;
  if (write(-1000, "x", 1) != -1 || errno != EBADF) ++bad;
  char* map = mmap(0, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  map[5000] = 1;
  munmap(map, 1 << 16);
  errno = saved;
  if (may_jump && ticks % 7 == 0) {
    // siglongjmp() lets signals in again while it is still on the alternate stack: a jump out of the next handler, too,
    // would go one frame deeper each time, and a busy machine has the next signal waiting always.
    may_jump = 0;
    siglongjmp(back, 1);
  }
}

int main(void) {
  stack_t other = {.ss_size = 64 << 10};
  other.ss_sp = mmap(0, other.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  sigaltstack(&other, 0);
  struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_ONSTACK | SA_RESTART};
  sigaction(SIGALRM, &action, 0);
  struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &often, 0);
  for (volatile int round = 0; round < 200; ++round) {
    if (sigsetjmp(back, 1) == 0) {
      may_jump = 1;
      char* map = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      for (int i = 0; i < 256; ++i) map[i * 4096] = 1;
      may_jump = 0;
      munmap(map, 1 << 20);
    }
    may_jump = 0;
  }
  for (int i = 0; i < 20000; ++i) {
    char* block = malloc(50000 + (size_t)i);
    block[0] = block[49999] = 1;
    free(block);
  }
  char* kept[200];
  for (int i = 0; i < 200; ++i) memset(kept[i] = malloc(200000), i, 200000);
  for (int i = 0; i < 200; ++i)
    for (int at = 0; at < 200000; at += 999) bad += kept[i][at] != (char)i;
  setitimer(ITIMER_REAL, &never, 0);
  printf("ticks %d bad %ld\n", ticks > 0, bad);
  return 0;
}
