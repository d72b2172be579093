// Touches, reads, frees and forks in known amounts, slowly enough to be polled: all trackers have to see the same.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static char* map(size_t bytes) {
  char* start = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) _exit(1);
  return start;
}
static void settle(void) { usleep(300000); }

int main(void) {
  char* kept = map(32 * MIB);
  char* freed = map(32 * MIB);
  memset(kept, 1, 32 * MIB);
  memset(freed, 1, 32 * MIB);
  settle();
  munmap(freed, 32 * MIB);
  settle();
  volatile char* only_read = map(64 * MIB);
  char sum = 0;
  for (size_t at = 0; at < 64 * MIB; at += 4096) sum += only_read[at];
  settle();
  madvise(kept, 8 * MIB, MADV_DONTNEED);
  settle();
  pid_t child = fork();
  if (child == 0) {
    memset(map(16 * MIB), 2, 16 * MIB);
    settle();
    _exit(sum);
  }
  int status = 0;
  waitpid(child, &status, 0);
  settle();
  memset(map(8 * MIB), 3, 8 * MIB);
  settle();
  return WEXITSTATUS(status);
}
