// Forks in a signal handler that returns, again and again, while mmap() of large memory is under way: each child goes on
// in the hook that the signal has interrupted. 1: a child was killed.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int child, in_child;

static void fork_here(int signal) {
  (void)signal;
  if (child != 0) return;
  const int forked = fork();
  if (forked == 0)
    in_child = 1;
  else
    child = forked;
}

int main(void) {
  enum { kRounds = 200, kCallsMost = 200, kUsMost = 300 };
  const size_t bytes = (size_t)2 << 30;
  struct sigaction action = {.sa_handler = fork_here};
  sigaction(SIGALRM, &action, 0);
  for (int round = 0; round < kRounds; ++round) {
    child = 0;
    struct itimerval timer = {{0, 0}, {0, round * 7 % kUsMost + 1}};
    setitimer(ITIMER_REAL, &timer, 0);
    for (int i = 0; i < kCallsMost && child == 0 && !in_child; ++i) {
      void* const memory = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (memory != MAP_FAILED) munmap(memory, bytes);
    }
    if (in_child) _exit(0);
    while (child == 0) usleep(10);
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) return 1;
  }
  return 0;
}
