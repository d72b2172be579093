// Locks memory in every way that there is, and unlocks it. Prints the results of the calls, and how many pages of each
// range are in memory then: the same with a recorder as without.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { kBytes = 1 << 20, kPage = 4096 };

static char* map(int flags) {
  return mmap(0, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static void print_answer(const char* what, int result, char* start) {
  unsigned char there[kBytes / kPage];
  int pages = 0;
  const char* const error = result != 0 ? strerror(errno) : "";
  if (start != 0 && mincore(start, kBytes, there) == 0)
    for (int i = 0; i < kBytes / kPage; ++i) pages += there[i] & 1;
  printf("%s: %d %s, %d pages there\n", what, result, error, pages);
}

int main(void) {
  char* const first = map(0);
  print_answer("mlock", mlock(first + 100, kBytes - 200), first);
  print_answer("munlock", munlock(first, kBytes / 2), first);
  char* const second = map(0);
  print_answer("mlock2", mlock2(second, kBytes, MLOCK_ONFAULT), second);
  char* const third = map(MAP_LOCKED);
  print_answer("MAP_LOCKED", third == MAP_FAILED, third);
  char* const gone = map(0);
  munmap(gone, kBytes);
  print_answer("mlock of nothing", mlock(gone, kBytes), 0);
  print_answer("mlockall", mlockall(MCL_FUTURE), 0);
  char* const fourth = map(0);
  print_answer("mmap", 0, fourth);
  print_answer("munlockall", munlockall(), 0);
  return 0;
}
